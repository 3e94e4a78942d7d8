package crdt

import (
	"fmt"
	"strings"
	"testing"
)

// parse reads a history. Steps are separated by semicolons: "1 inc", "0 setex 5", "tick 3", "1>0" for a state given,
// "1@0>2" for the sender's first state.
func parse(text string) []step {
	var steps []step
	for line := range strings.SplitSeq(text, ";") {
		s := step{arg: -1}
		line = strings.TrimSpace(line)
		if n, _ := fmt.Sscanf(line, "tick %d", &s.arg); n == 1 {
			s.what = "tick"
		} else if n, _ := fmt.Sscanf(line, "%d@%d>%d", &s.from, &s.arg, &s.node); n == 3 {
			s.what = "give"
		} else if n, _ := fmt.Sscanf(line, "%d>%d", &s.from, &s.node); n == 2 {
			s = step{what: "give", from: s.from, node: s.node, arg: -1}
		} else {
			s = step{}
			fmt.Sscanf(line, "%d %s %d", &s.node, &s.what, &s.arg)
		}
		steps = append(steps, s)
	}
	return steps
}

// run runs a history and returns the first law that it breaks.
func run(r rules, steps []step, offsets ...int64) string {
	m := newModel(r, offsets...)
	for i, s := range steps {
		m.do(s)
		if law := m.broken(); law != "" {
			return fmt.Sprintf("%s after\n%s", law, history(steps[:i+1]))
		}
	}
	return ""
}

// variant is our merge with another rule of what has ended, and another closing.
func variant(ended func(e, other *Entry, now int64) bool, close func(*Entry)) func(*Entry, *Entry, int64) {
	return func(e, remote *Entry, now int64) {
		for range 2 {
			if ended(remote, e, now) {
				close(remote)
			}
			if ended(e, remote, now) {
				close(e)
			}
		}
		var m Merged
		m.joinRows(e, remote.Rows)
		m.joinRegisters(e, remote)
	}
}

// planted are wrong rules, each with a history in which it breaks a law.
var planted = []struct {
	name    string
	plant   func(*rules)
	history string
	skew    int64 // node 1's clock is behind by so many ms
	byHand  bool  // the history is beyond the bounds of the search
	nodes   int   // 0: two
}{
	{
		name: "a row travels without its floors",
		plant: func(r *rules) {
			r.travel = func(e *Entry) {
				for i := range e.Rows {
					e.Rows[i].FP, e.Rows[i].FN = 0, 0
				}
			}
		},
		history: "0 inc; 0 inc; 0 del; 0 inc; 0>1",
	},
	{
		name:    "numbers are used again",
		plant:   func(r *rules) { r.start = false },
		history: "0 inc; 0 inc; 0 expire 2; 0>1; tick 3; 1 inc; 0 drop; 0 inc; 1>0",
	},
	{
		name: "closing writes the base at the deadline's stamp: SET EX, SET KEEPTTL is immortal",
		plant: func(r *rules) {
			r.close = func(e *Entry) {
				at := e.Deadline.Stamp.Half()
				e.raiseFloors()
				if e.Base.Stamp.Less(at) {
					e.Base = Base{Stamp: at}
				}
				e.Deadline = Deadline{Stamp: at}
			}
			r.merge = variant((*Entry).ended, r.close)
		},
		history: "0 setex 5; 0>1; 1 setkeep; tick 6; 0 inc; 0>1",
	},
	{
		name: "a sweep closes with a stamp of its own: another node's PERSIST is undone",
		plant: func(r *rules) {
			r.sweep = func(e *Entry, next stamps) {
				e.Delete(next())
				e.Deadline = Deadline{Stamp: e.Base.Stamp}
			}
		},
		history: "0 setex 2; 0>1; 1 persist; tick 3; 0 sweep; 1>0",
		byHand:  true,
	},
	{
		name: "whatever is past its deadline is closed before a merge: another node's PERSIST is undone",
		plant: func(r *rules) {
			r.merge = variant(func(e, o *Entry, now int64) bool { return e.Expired(now) || e.ended(o, now) }, (*Entry).Close)
		},
		history: "0 setex 2; 0>1; 1 persist; tick 3; 1>0",
	},
	{
		name: "nothing is closed before a merge: clocks differ, and a window becomes a counter without a deadline",
		plant: func(r *rules) {
			r.merge = variant(func(e, o *Entry, now int64) bool { return false }, (*Entry).Close)
		},
		history: "0 inc; 0 expire 3; 0>1; tick 3; 1 inc; 0 inc; 1>0",
		skew:    1,
	},
	{
		name: "rule (i) is missing: a window that an EXPIRE had cut short is joined to the next",
		plant: func(r *rules) {
			r.merge = variant(func(e, o *Entry, now int64) bool { return e.ended(o, now) && !o.expiryBase() }, (*Entry).Close)
		},
		history: "0 inc; 0 expire 9; 0>1; 1 inc; 0 expire 2; tick 3; 0 inc; 1>0",
	},
	{
		name: "rule (i) by the base alone: a SET KEEPTTL in an old window ends a later one, whose deadline it did not know",
		plant: func(r *rules) {
			r.merge = variant(func(e, o *Entry, now int64) bool {
				return e.ended(o, now) || e.Deadline.At != 0 && o.expiryBase() && e.Deadline.Stamp.Less(o.Base.Stamp)
			}, (*Entry).Close)
		},
		history: "0 inc; 0 setex 2; tick 1; 0 setex 2; 0 inc; 0@1>1; 1 setkeep; tick 1",
		byHand:  true,
	},
	{
		name: "rule (ii) is missing: what was hidden counts on top of a SET made before the deadline",
		plant: func(r *rules) {
			r.merge = variant(func(e, o *Entry, now int64) bool {
				return e.ended(o, now) && (o.expiryBase() || e.ended(o, 0))
			}, (*Entry).Close)
		},
		history: "0 inc; 0 expire 3; 0>1; 1 inc; tick 1; 0 set; tick 2; 0>1",
	},
	{
		name: "rule (ii) counts a reset that the window has itself: after SET KEEPTTL another node's PERSIST is undone",
		plant: func(r *rules) {
			r.merge = variant(func(e, o *Entry, now int64) bool {
				at := e.Deadline.Stamp
				return e.ended(o, now) || e.Expired(now) && at.Less(o.Base.Stamp) && at.Less(o.Deadline.Stamp)
			}, (*Entry).Close)
		},
		history: "0 setex 3; 0 setkeep; 0>1; 1 persist; tick 4; 1>0",
		byHand:  true,
	},
	{
		name: "rule (ii) by the base alone: a DEL that has not heard of a SET EX hides it, and what a window had left comes back under that deadline",
		plant: func(r *rules) {
			r.merge = variant(func(e, o *Entry, now int64) bool {
				other := *o
				other.Deadline.Stamp.Time &^= resetBit
				return e.ended(&other, now)
			}, (*Entry).Close)
		},
		history: "0 set; 0>1; 0>2; tick 1; 0 setex 3; 0 inc; 0>1; tick 1; 0 setex 4; tick 1; 2 del; 2>1; 1 inc; 2>0; tick 2; 0>1",
		byHand:  true,
		nodes:   3,
	},
	{
		name: "rule (iii) is missing: the last INCR of a dropped window ends the new one",
		plant: func(r *rules) {
			r.begin = func(e *Entry, now int64) { e.Begin(0) }
		},
		history: "0 inc; 0 expire 3; 0>1; 1 inc; tick 3; 0 drop; 0 inc; 1>0",
	},
	{
		name: "rule (iii) is missing: the last INCR of a dropped window joins the new one",
		plant: func(r *rules) {
			r.begin = func(e *Entry, now int64) { e.Begin(0) }
		},
		history: "0 inc; 0 expire 3; 0>1; 1 inc; tick 3; 0 drop; 0 inc; 0 expire 3; 1>0",
	},
	{
		name: "rule (iii) as an ordinary reset, like a DEL: an INCR wins over another node's SET",
		plant: func(r *rules) {
			r.begin = func(e *Entry, now int64) { e.Base = Base{Stamp: Stamp{Time: uint64(now) << msShift}} }
		},
		history: "0 set; tick 1; 1 inc; 1>0",
	},
	{
		name: "rule (iii) as a cleared deadline: an INCR undoes another node's EXPIRE",
		plant: func(r *rules) {
			r.begin = func(e *Entry, now int64) { e.Deadline = Deadline{Stamp: Stamp{Time: uint64(now)<<msShift | halfBit}} }
		},
		history: "0 inc; 0 expire 3; tick 1; 1 inc; 0>1",
	},
	{
		name: "a write that makes a key leaves an old deadline: the new content ends with it",
		plant: func(r *rules) {
			r.begin = func(e *Entry, now int64) {
				d := e.Deadline
				e.Begin(now)
				e.Deadline = d
			}
		},
		history: "0 inc; 0 expire 3; 0 del; 0 inc; tick 4",
	},
}

func TestEachRuleClosesTheHistoryThatBrokeASimplerOne(t *testing.T) {
	for _, p := range planted {
		t.Run(p.name, func(t *testing.T) {
			offsets := make([]int64, max(p.nodes, 2))
			offsets[1] = -p.skew
			if law := run(ourRules(), parse(p.history), offsets...); law != "" {
				t.Errorf("ours: %s", law)
			}
			bad := ourRules()
			p.plant(&bad)
			law := run(bad, parse(p.history), offsets...)
			if law == "" {
				t.Error("the planted bug is not caught")
			}
			t.Log(law)
		})
	}
}

// TestASetKeepTTLCountsAboveAnEarlierSetThatClearedTheDeadline: the SET KEEPTTL is the later write, and its key has no
// deadline then, also at a node where the kept deadline has passed.
func TestASetKeepTTLCountsAboveAnEarlierSetThatClearedTheDeadline(t *testing.T) {
	m := newModel(ourRules(), 0, 0)
	for _, s := range parse("0 setex 3; 0>1; 0 set; tick 1; 1 setkeep; 1>0; tick 4; 0>1; 1>0") {
		m.do(s)
	}
	for i := range m.nodes {
		if e := &m.nodes[i].Entry; !e.Exists() || e.Expired(m.wall(i)) {
			t.Errorf("node %d: %+v", i, e)
		}
	}
}
