package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
)

// cluster is a few replicated DBs. The test carries their changes between them.
type cluster struct {
	t       *testing.T
	random  *rand.Rand
	dbs     []*DB
	now     Moment
	waiting [][]delivery // deliveries on the way, by DB
}

type delivery struct {
	from   *DB
	record []byte
}

func newCluster(t *testing.T, seed uint64, nodes int) *cluster {
	c := &cluster{t: t, random: rand.New(rand.NewPCG(seed, 1)), now: Moment{Wall: 1_700_000_000_000, Mono: 1}, waiting: make([][]delivery, nodes)}
	for i := range nodes {
		db, err := Open(Options{Shards: 1 + c.random.IntN(3), Node: uint16(i + 1), HashKey: [2]uint64{5, 7}, Life: uint64(i + 100), Replicated: true, MaxBytes: 1 << 24})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		c.dbs = append(c.dbs, db)
	}
	return c
}

// change is a command of a client.
func (c *cluster) change(db *DB) {
	c.changeKey(db, db.Key(fmt.Appendf(nil, "key%d", c.random.IntN(4))))
}

func (c *cluster) changeKey(db *DB, k Key) {
	tx := db.Lock(k, c.now)
	switch c.random.IntN(12) {
	case 0:
		tx.Delete(k)
	case 1:
		tx.Set(k, Value{Type: Integer, Int: int64(c.random.IntN(100)), Deadline: c.deadline()}, false)
	case 2:
		tx.Set(k, Value{Type: String, Str: []byte("text")}, c.random.IntN(2) == 0)
	case 3:
		tx.SetDeadline(k, c.deadline())
	case 4:
		_, _, _ = tx.Throttle(k, testRate(3), 1)
	case 5:
		if c.random.IntN(2) == 0 {
			_ = tx.SetQuota(k, testRate(uint64(1+c.random.IntN(5))))
		} else {
			tx.DeleteQuota(k)
		}
	default:
		_, _ = tx.Add(k, int64(c.random.IntN(20)-5))
	}
	tx.Unlock()
}

func (c *cluster) deadline() int64 {
	if c.random.IntN(2) == 0 {
		return 0
	}
	return c.now.Wall + int64(1+c.random.IntN(2000))
}

// send takes the changes of a DB's clients and addresses them to all other DBs.
func (c *cluster) send(from int) {
	var d Deltas
	for shard := range c.dbs[from].Shards() {
		for c.dbs[from].TakeUnsent(shard, &d) {
		}
	}
	c.spread(from, &d)
}

func (c *cluster) spread(from int, d *Deltas) {
	begin := 0
	for _, end := range d.Ends {
		for to := range c.dbs {
			if to != from {
				c.waiting[to] = append(c.waiting[to], delivery{c.dbs[from], d.Records[begin:end:end]})
			}
		}
		begin = end
	}
}

// receive merges one delivery that waits for a DB, and perhaps keeps it to merge it again.
func (c *cluster) receive(to int) {
	if len(c.waiting[to]) == 0 {
		return
	}
	i := c.random.IntN(len(c.waiting[to]))
	c.merge(to, c.waiting[to][i])
	if c.random.IntN(4) > 0 {
		c.waiting[to][i] = c.waiting[to][len(c.waiting[to])-1]
		c.waiting[to] = c.waiting[to][:len(c.waiting[to])-1]
	}
}

func (c *cluster) merge(to int, d delivery) {
	var e crdt.Entry
	name, _, err := crdt.DecodeRecord(d.record, &e)
	if err != nil {
		c.t.Fatal(err)
	}
	writers := d.from.Writers(0)
	for i := range e.Rows {
		e.Rows[i].Writer = c.dbs[to].Writer(writers[e.Rows[i].Writer])
	}
	c.dbs[to].Merge(c.dbs[to].Key(append([]byte(nil), name...)), &e, c.now, math.MaxInt64)
}

// settle lets all DBs exchange whole states until nothing changes.
func (c *cluster) settle() {
	for range len(c.dbs) + 2 {
		for from, db := range c.dbs {
			for len(c.waiting[from]) > 0 {
				c.merge(from, c.waiting[from][0])
				c.waiting[from] = c.waiting[from][1:]
			}
			var d Deltas
			if next, done := db.AppendRange(&d, 0, allHashes, c.now, 1<<20); !done {
				c.t.Fatal("not done at", next)
			}
			c.spread(from, &d)
		}
	}
}

func TestReplicatedDBsAgreeOnceAllHaveExchanged(t *testing.T) {
	seeds := 400
	if testing.Short() {
		seeds = 100
	}
	for seed := range uint64(seeds) {
		func() {
			c := newCluster(t, seed, 2+int(seed%2))
			defer func() {
				for _, db := range c.dbs {
					_ = db.Close()
				}
			}()
			for range 60 {
				i := c.random.IntN(len(c.dbs))
				switch c.random.IntN(8) {
				case 0, 1, 2:
					c.change(c.dbs[i])
				case 3, 4:
					c.send(i)
				case 5, 6:
					c.receive(i)
				case 7:
					c.now.Wall += int64(c.random.IntN(300))
					c.now.Mono += 1e8
					c.dbs[i].Sweep(c.now, 10)
					if kept, sum := c.dbs[i].Digest(c.now), c.dbs[i].SumAll(c.now); kept != sum {
						t.Fatalf("seed %d: the kept sums come to %x, the keys to %x", seed, kept, sum)
					}
				}
			}
			for i := range c.dbs {
				c.send(i)
			}
			c.settle()
			c.compare(seed)
		}()
	}
}

func (c *cluster) compare(seed uint64) {
	first := c.dbs[0]
	for _, db := range c.dbs[1:] {
		if a, b := first.Digest(c.now), db.Digest(c.now); a != b {
			c.t.Fatalf("seed %d: digests %x and %x", seed, a, b)
		}
		for i := range 4 {
			k := db.Key(fmt.Appendf(nil, "key%d", i))
			a, b := c.value(first, k.Name), c.value(db, k.Name)
			if a.Type != Quota && b.Type != Quota && (a.Type != b.Type || a.Int != b.Int || string(a.Str) != string(b.Str) || a.Deadline != b.Deadline) {
				c.t.Fatalf("seed %d: %s is %v and %v", seed, k.Name, a, b)
			}
		}
	}
	for _, db := range c.dbs {
		sum := db.SumAll(c.now)
		live, gone, quotas := 0, 0, 0
		db.visit(0, allHashes, func(_ *shard, rec record, _ uint64) {
			if rec.isGone() {
				gone++
			} else {
				live++
				if rec.isQuota() {
					quotas++
				}
			}
		})
		if got := db.Digest(c.now); got != sum {
			c.t.Fatalf("seed %d: the kept sums come to %x, the keys to %x", seed, got, sum)
		}
		all := db.All(c.now)
		if all.Absent() != gone || all.Len() != live || all.Quotas() != quotas {
			c.t.Fatalf("seed %d: %d gone, counted %d; %d live, counted %d; %d quotas, counted %d",
				seed, gone, all.Absent(), live, all.Len(), quotas, all.Quotas())
		}
	}
}

func (c *cluster) value(db *DB, name []byte) Value {
	k := db.Key(name)
	tx := db.Lock(k, c.now)
	defer tx.Unlock()
	return tx.Get(k)
}

func testRate(limit uint64) quota.Rate {
	rate, err := quota.Limit(limit, 1e9)
	if err != nil {
		panic(err)
	}
	return rate
}

func TestAFlushDeletesAllThatIsVisible(t *testing.T) {
	const keys = 50_000
	db, err := Open(Options{Shards: 2, Node: 1, Life: 100, Replicated: true, MaxBytes: 1 << 28})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := Moment{Wall: 1_700_000_000_000, Mono: 1}
	for i := range keys {
		k := db.Key(fmt.Append(nil, "key", i))
		tx := db.Lock(k, now)
		if i%10 == 0 {
			_, err = tx.Add(k, 1)
		} else {
			// A transient quota leaves no record when it ends, so that the index shrinks meanwhile.
			_, _, err = tx.Throttle(k, testRate(3), 1)
		}
		tx.Unlock()
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := db.All(now).Len(); n != keys {
		t.Fatalf("%d keys", n)
	}
	db.All(now).Flush()
	if n := db.All(now).Len(); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}
