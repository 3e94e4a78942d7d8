package history_test

import (
	"strings"
	"testing"

	. "github.com/quotadb/quota-db/internal/history"
)

// A tape writes a history. Operations do not overlap unless a method says so.
type tape struct {
	*History
	now  int64
	skew int64
}

func newTape(nodes int) *tape {
	t := &tape{now: 1_000_000}
	t.History = New(nodes, func(int) (int64, int64) { return t.now - t.skew, t.now + t.skew })
	return t
}

func (t *tape) do(op Op, reply int64) ID {
	op.Key = "k"
	id := t.Invoke(op)
	t.Ok(id, reply)
	return id
}

func (t *tape) get(node int, v int64) ID { return t.do(Op{Node: node, Kind: Get}, v) }
func (t *tape) incr(node int, d, v int64) ID {
	return t.do(Op{Node: node, Kind: Incr, Delta: d}, v)
}
func (t *tape) set(node int, v int64) ID { return t.do(Op{Node: node, Kind: Set, Value: v}, 0) }
func (t *tape) del(node int) ID          { return t.do(Op{Node: node, Kind: Del}, 0) }
func (t *tape) expire(node int, at int64) ID {
	return t.do(Op{Node: node, Kind: Expire, Deadline: at}, 1)
}
func (t *tape) persist(node int) ID { return t.do(Op{Node: node, Kind: Persist}, 1) }
func (t *tape) lost(node int, d int64) ID {
	id := t.Invoke(Op{Node: node, Kind: Incr, Key: "k", Delta: d})
	t.Unknown(id)
	return id
}

// For each law at least one history that breaks it, and one for each kind of fault; beside them, similar histories that
// are allowed, whose law is "". Amounts that are powers of 10 can be told apart; 7 and 5 cannot.
var histories = []struct {
	name string
	law  string
	what string
	run  func(t *tape)
}{
	{"a node that has not heard", "", "", func(t *tape) { t.incr(0, 1, 1); t.get(1, 0); t.incr(1, 10, 11); t.get(0, 1) }},
	{"an acknowledged increment is lost within the run", "L1", "lacks", func(t *tape) { t.incr(0, 1, 1); t.get(0, 0) }},
	{"the same, told by sums", "L1", "from 14 to 14", func(t *tape) { t.incr(0, 7, 7); t.incr(0, 7, 14); t.get(0, 7) }},
	{"an increment replaces another", "L1", "lacks", func(t *tape) { t.incr(0, 1, 1); t.incr(0, 10, 10) }},
	{"an increment's reply lacks itself", "L1", "lacks", func(t *tape) { t.incr(0, 1, 0) }},
	{"a read goes back within the run", "L1", "lacks", func(t *tape) { t.incr(0, 1, 1); t.get(1, 1); t.get(1, 0) }},
	{"the same, told by sums", "L1", "has to be from 14", func(t *tape) {
		t.incr(0, 7, 7)
		t.incr(0, 7, 14)
		t.get(1, 14)
		t.get(1, 7)
	}},
	{"the same after a decrement, told by sums", "L1", "has to be from 2", func(t *tape) {
		t.incr(0, 7, 7)
		t.get(1, 7)
		t.incr(0, -5, 2)
		t.get(1, 2)
		t.get(1, 0)
	}},
	{"it goes back in another run", "", "", func(t *tape) {
		t.incr(0, 1, 1)
		t.get(1, 1)
		t.Start(1, Disk{})
		t.get(1, 0)
	}},
	{"double count", "L1", "2 times", func(t *tape) { t.incr(0, 1, 1); t.get(1, 2) }},
	{"a decrement counted twice", "L1", "2 times", func(t *tape) { t.incr(0, 1, 1); t.incr(0, -10, -9); t.get(1, -19) }},
	{"double count, told by sums", "L1", "at most", func(t *tape) { t.incr(0, 7, 7); t.incr(1, 7, 7); t.get(1, 21) }},
	{"unknown counted twice", "L1", "2 times", func(t *tape) { t.lost(0, 10); t.get(0, 20) }},
	{"unknown counted once", "", "", func(t *tape) { t.lost(0, 10); t.get(0, 0); t.get(0, 10) }},
	{"unknown shown and gone again", "L1", "lacks", func(t *tape) { t.lost(0, 10); t.get(0, 10); t.get(0, 0) }},
	{"a value from nowhere", "L1", "no operations", func(t *tape) { t.incr(0, 1, 1); t.get(1, 101) }},
	{"a value before its increment", "L1", "could not be there", func(t *tape) { t.get(1, 1); t.incr(0, 1, 1) }},
	{"a failed increment counts", "L1", "failed", func(t *tape) {
		t.Fail(t.Invoke(Op{Node: 0, Kind: Incr, Key: "k", Delta: 10}))
		t.incr(0, 1, 11)
	}},
	{"through a cut", "L1", "could not be there", func(t *tape) {
		t.Partition([]int{0}, []int{1, 2})
		t.incr(0, 1, 1)
		t.get(1, 1)
	}},
	{"after a cut", "", "", func(t *tape) { t.Partition([]int{0}, []int{1, 2}); t.incr(0, 1, 1); t.Heal(); t.get(1, 1) }},
	{"two increments at once, one lost", "L1", "neither contains", func(t *tape) {
		a := t.Invoke(Op{Node: 0, Kind: Incr, Key: "k", Delta: 1})
		b := t.Invoke(Op{Node: 0, Kind: Incr, Key: "k", Delta: 10})
		t.Ok(a, 1)
		t.Ok(b, 10)
		t.get(0, 10)
	}},
	{"two increments at once, neither saw the other", "L1", "neither contains", func(t *tape) {
		a := t.Invoke(Op{Node: 0, Kind: Incr, Key: "k", Delta: 1})
		b := t.Invoke(Op{Node: 0, Kind: Incr, Key: "k", Delta: 10})
		t.Ok(a, 1)
		t.Ok(b, 10)
	}},
	{"the same, told by sums", "L1", "not counted", func(t *tape) {
		t.incr(1, 7, 7)
		a := t.Invoke(Op{Node: 0, Kind: Incr, Key: "k", Delta: 7})
		b := t.Invoke(Op{Node: 0, Kind: Incr, Key: "k", Delta: 7})
		t.Ok(a, 7)
		t.Ok(b, 7)
	}},
	{"missing at the end", "L1", "lacks", func(t *tape) { t.incr(0, 1, 1); t.Quiescent(); t.get(1, 0) }},
	{"the same, told by sums", "L1", "from 14 to 14", func(t *tape) { t.incr(0, 7, 7); t.incr(0, 7, 14); t.Quiescent(); t.get(1, 7) }},
	{"lost with its disk", "", "", func(t *tape) {
		t.incr(0, 1, 1)
		t.Start(0, Disk{})
		t.Quiescent()
		t.get(0, 0)
		t.get(1, 0)
	}},
	{"lost with its disk, told by sums", "", "", func(t *tape) {
		t.incr(0, 7, 7)
		t.incr(0, 7, 14)
		t.Start(0, Disk{})
		t.Quiescent()
		t.get(0, 7)
		t.get(1, 7)
	}},
	{"lost although another node had shown it", "L1", "lacks", func(t *tape) {
		t.incr(0, 1, 1)
		t.get(1, 1)
		t.Start(0, Disk{})
		t.Quiescent()
		t.get(0, 0)
	}},
	{"may be lost", "", "", func(t *tape) {
		t.MayBeLost(t.incr(0, 1, 1))
		t.Start(0, DiskAt(0, t.Mark()))
		t.Quiescent()
		t.get(1, 0)
	}},
	{"may be lost, told by sums", "", "", func(t *tape) {
		t.incr(0, 7, 7)
		t.MayBeLost(t.incr(0, 7, 14))
		t.Start(0, DiskAt(0, t.Mark()))
		t.Quiescent()
		t.get(1, 7)
	}},
	{"may be lost, but the run goes on", "L1", "lacks", func(t *tape) { t.MayBeLost(t.incr(0, 1, 1)); t.Quiescent(); t.get(1, 0) }},
	{"a clean stop loses", "L1", "lacks", func(t *tape) { t.incr(0, 1, 1); t.Start(0, DiskAt(0, t.Mark())); t.get(0, 0) }},
	{"a crash loses what was safe", "L1", "lacks", func(t *tape) {
		t.incr(0, 1, 1)
		m := t.Mark()
		t.incr(0, 10, 11)
		t.Start(0, DiskAt(0, m))
		t.get(0, 10)
	}},
	{"a new life's increments vanish under an old one's", "L1", "lacks", func(t *tape) {
		m := t.Mark()
		t.incr(0, 1, 1)
		t.get(1, 1)
		t.Start(0, DiskAt(0, m))
		t.incr(0, 10, 10)
		t.Quiescent()
		t.get(1, 1)
	}},
	{"a copied disk counts", "", "", func(t *tape) {
		t.incr(0, 1, 1)
		t.Start(2, DiskAt(0, t.Mark()))
		t.incr(2, 10, 11)
		t.incr(0, 100, 101)
		t.Quiescent()
		t.get(1, 111)
		t.get(2, 111)
	}},
	{"a copied disk counts what it has twice", "L1", "2 times", func(t *tape) {
		t.incr(0, 1, 1)
		t.Start(2, DiskAt(0, t.Mark()))
		t.Quiescent()
		t.get(1, 2)
	}},
	{"nodes unequal at the end", "L8", "node 0 showed 1", func(t *tape) { t.lost(0, 1); t.Quiescent(); t.get(0, 1); t.get(1, 0) }},
	{"the same, told by sums", "L8", "node 0 showed 7", func(t *tape) {
		t.lost(0, 7)
		t.lost(0, 7)
		t.Quiescent()
		t.get(0, 7)
		t.get(1, 0)
	}},
	{"unknown shows after all had agreed without it", "L1", "was gone", func(t *tape) {
		t.lost(0, 1)
		t.Quiescent()
		t.get(0, 0)
		t.incr(1, 10, 11)
	}},

	{"SET and DEL", "", "", func(t *tape) { t.incr(0, 1, 1); t.set(0, 100); t.incr(0, 10, 110); t.del(0); t.get(0, 0) }},
	{"SET beside an increment", "", "", func(t *tape) { t.set(0, 100); t.incr(1, 1, 1); t.Quiescent(); t.get(0, 101); t.get(1, 101) }},
	{"resurrected after DEL", "L2", "was gone", func(t *tape) { t.incr(0, 1, 1); t.del(0); t.get(0, 1) }},
	{"resurrected elsewhere", "L2", "was gone", func(t *tape) { t.incr(0, 1, 1); t.del(0); t.Quiescent(); t.get(1, 1) }},
	{"resurrected after a DEL that only another node saw", "L2", "was gone", func(t *tape) {
		t.incr(0, 1, 1)
		t.get(1, 1)
		t.do(Op{Node: 0, Kind: Del}, 0)
		t.get(1, 0)
		t.get(1, 1)
	}},
	{"resurrected under the SET that removed it", "L2", "what that has removed", func(t *tape) { t.incr(0, 1, 1); t.set(0, 100); t.get(1, 101) }},
	{"DEL removes what came later", "L2", "nothing that saw it", func(t *tape) { t.del(0); t.incr(0, 1, 1); t.get(0, 0) }},
	{"SET removes what it has not seen", "L2", "nothing that saw it", func(t *tape) {
		t.incr(1, 1, 1)
		t.do(Op{Node: 0, Kind: GetSet, Value: 100}, 0)
		t.Quiescent()
		t.get(0, 100)
	}},
	{"GETDEL removes what it has not seen", "L2", "nothing that saw it", func(t *tape) {
		t.incr(1, 1, 1)
		t.incr(0, 10, 10)
		t.do(Op{Node: 0, Kind: GetDel}, 10)
		t.Quiescent()
		t.get(0, 0)
	}},
	{"GETDEL removes what it has seen", "", "", func(t *tape) {
		t.incr(1, 1, 1)
		t.incr(0, 10, 11)
		t.do(Op{Node: 0, Kind: GetDel}, 11)
		t.Quiescent()
		t.get(1, 0)
	}},
	{"DEL through a cut", "L2", "nothing that saw it", func(t *tape) {
		t.Partition([]int{0}, []int{1, 2})
		t.incr(1, 1, 1)
		t.del(0)
		t.Heal()
		t.Quiescent()
		t.get(0, 0)
	}},
	{"what survived DEL here is removed there", "L2", "nothing that saw it", func(t *tape) {
		t.incr(1, 1, 1)
		t.del(0)
		t.get(0, 1)
		t.Quiescent()
		t.get(1, 0)
	}},
	{"one of two SETs wins", "", "", func(t *tape) { t.set(0, 1); t.set(1, 10); t.Quiescent(); t.get(0, 1); t.get(1, 1) }},
	{"both SETs win", "L2", "two SETs", func(t *tape) { t.set(0, 1); t.set(1, 10); t.Quiescent(); t.get(0, 11) }},
	{"the SET that came after loses", "L2", "was gone", func(t *tape) { t.set(0, 1); t.get(1, 1); t.set(1, 10); t.Quiescent(); t.get(0, 1) }},
	{"a SET that had lost comes back", "L2", "was gone", func(t *tape) { t.set(0, 1); t.set(1, 10); t.get(0, 10); t.get(0, 1) }},
	{"from nowhere in a key with resets, told by sums", "L2", "has to be", func(t *tape) { t.set(0, 7); t.incr(0, 7, 14); t.get(0, 21) }},
	{"unequal in a key with resets, told by sums", "L8", "showed", func(t *tape) { t.set(0, 7); t.incr(1, 7, 14); t.Quiescent(); t.get(0, 14); t.get(1, 7) }},

	{"a window", "", "", func(t *tape) {
		t.incr(0, 1, 1)
		t.expire(0, t.now+100)
		t.do(Op{Node: 0, Kind: TTL}, 100)
		t.now += 100
		t.do(Op{Node: 0, Kind: TTL}, -2)
		t.get(0, 0)
		t.incr(0, 10, 10)
		t.do(Op{Node: 0, Kind: TTL}, -1)
	}},
	{"ends before its deadline", "L3", "nothing that saw it", func(t *tape) { t.incr(0, 1, 1); t.expire(0, t.now+100); t.now += 99; t.get(0, 0) }},
	{"another clock ends it", "", "", func(t *tape) { t.skew = 2; t.incr(0, 1, 1); t.expire(0, t.now+100); t.now += 99; t.get(0, 0) }},
	{"a ghost after its deadline", "L3", "had ended", func(t *tape) { t.incr(0, 1, 1); t.expire(0, t.now+100); t.now += 100; t.get(0, 1) }},
	{"a ghost within the skew", "", "", func(t *tape) { t.skew = 2; t.incr(0, 1, 1); t.expire(0, t.now+100); t.now += 101; t.get(0, 1) }},
	{"a new window begins with the old one", "L3", "had ended", func(t *tape) { t.incr(0, 1, 1); t.expire(0, t.now+100); t.now += 100; t.incr(0, 10, 11) }},
	{"a ghost on another node", "L3", "had ended", func(t *tape) {
		t.incr(0, 1, 1)
		t.expire(0, t.now+100)
		t.Quiescent()
		t.now += 100
		t.get(1, 1)
	}},
	{"a finished window comes back", "L3", "was gone", func(t *tape) {
		t.incr(0, 1, 1)
		t.expire(0, t.now+100)
		t.now += 100
		t.incr(0, 10, 10)
		t.expire(0, t.now+100)
		t.get(0, 11)
	}},
	{"a finished window comes back in the end", "L3", "", func(t *tape) {
		t.incr(1, 1, 1)
		t.get(0, 1)
		t.expire(0, t.now+100)
		t.now += 100
		t.incr(0, 10, 10)
		t.Quiescent()
		t.get(1, 11)
	}},
	{"a new window vanishes with the old one", "L3", "nothing that saw it", func(t *tape) {
		t.incr(0, 1, 1)
		t.expire(0, t.now+100)
		t.now += 100
		t.incr(0, 10, 10)
		t.get(0, 0)
	}},
	{"PERSIST elsewhere reopens what was hidden", "", "", func(t *tape) {
		t.incr(0, 1, 1)
		t.expire(0, t.now+100)
		t.get(1, 1)
		t.persist(1)
		t.now += 100
		t.get(0, 0)
		t.Quiescent()
		t.get(0, 1)
		t.get(1, 1)
	}},
	{"PERSIST known to all, and it ended nevertheless", "L3", "nothing that saw it", func(t *tape) {
		t.incr(0, 1, 1)
		t.expire(0, t.now+100)
		t.persist(0)
		t.Quiescent()
		t.now += 100
		t.get(1, 0)
	}},
	{"SET clears the deadline", "L3", "nothing that saw it", func(t *tape) {
		t.incr(0, 1, 1)
		t.expire(0, t.now+100)
		t.set(0, 100)
		t.now += 100
		t.get(0, 0)
	}},
	{"SET EX, then KEEPTTL, is immortal", "L3", "no deadline", func(t *tape) {
		t.do(Op{Node: 0, Kind: Set, Value: 1, TTL: 100}, 0)
		t.do(Op{Node: 0, Kind: Set, Value: 10, KeepTTL: true}, 0)
		t.do(Op{Node: 0, Kind: TTL}, -1)
	}},
	{"SET EX, then KEEPTTL, shows after the deadline", "L3", "had ended", func(t *tape) {
		t.do(Op{Node: 0, Kind: Set, Value: 1, TTL: 100}, 0)
		t.do(Op{Node: 0, Kind: Set, Value: 10, KeepTTL: true}, 0)
		t.now += 100
		t.get(0, 10)
	}},
	{"the new count has the old deadline", "L3", "remain", func(t *tape) {
		t.skew = 10
		t.incr(0, 1, 1)
		t.expire(0, t.now+100)
		t.now += 110
		t.incr(0, 10, 10)
		t.do(Op{Node: 0, Kind: TTL}, 5)
	}},
}

func TestHistoriesOfEachLaw(t *testing.T) {
	for _, c := range histories {
		t.Run(c.name, func(t *testing.T) {
			tp := newTape(3)
			c.run(tp)
			found := tp.Check()
			if c.law == "" {
				if len(found) != 0 {
					t.Fatalf("it is allowed, but: %v", found)
				}
				return
			}
			if len(found) == 0 {
				t.Fatal("nothing was found")
			}
			if v := found[0]; v.Law != c.law || !strings.Contains(v.What, c.what) {
				t.Fatalf("want %s, %q; got %v", c.law, c.what, v)
			}
		})
	}
}
