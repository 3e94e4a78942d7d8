package history_test

import (
	"cmp"
	"maps"
	"math"

	"github.com/quotadb/quota-db/crdt"
)

// A replica is the state of a correct node for the one key of a random history.
type replica interface {
	value(now int64) int64
	incr(op modelOp, now int64)
	set(op modelOp, now int64)
	del(op modelOp, now int64)
	deadline(op modelOp, at, now int64) bool // at 0: PERSIST
	merge(other replica, now int64)
	clone() replica
}

type modelOp struct {
	id     int
	node   int
	writer uint32 // the life
	amount int64
}

// heard is a replica that is the set of operations it has heard of: slow and obvious, and without deadlines.
type heard struct {
	ops   map[int]heardOp
	twice map[int]bool // only where a bug is planted
}

type heardOp struct {
	modelOp
	stamp  int // of resets
	number int // of increments, among their node's
	resets bool
	saw    map[int]bool // what it has removed
}

func newHeard() *heard { return &heard{ops: map[int]heardOp{}, twice: map[int]bool{}} }

func (h *heard) removed(id int) bool {
	for _, r := range h.ops {
		if r.resets && r.saw[id] {
			return true
		}
	}
	return false
}

func (h *heard) value(int64) int64 {
	var sum int64
	last := heardOp{stamp: -1}
	for id, op := range h.ops {
		switch {
		case op.resets:
			if cmp.Or(cmp.Compare(op.stamp, last.stamp), cmp.Compare(op.node, last.node), cmp.Compare(op.id, last.id)) > 0 {
				last = op
			}
		case !h.removed(id):
			sum += op.amount
			if h.twice[id] {
				sum += op.amount
			}
		}
	}
	return sum + last.amount
}

// incr numbers a node's increments; only the bug about re-used numbers needs that.
func (h *heard) incr(op modelOp, _ int64) {
	number := 0
	for _, o := range h.ops {
		if o.node == op.node {
			number = max(number, o.number)
		}
	}
	h.ops[op.id] = heardOp{modelOp: op, number: number + 1}
}

func (h *heard) set(op modelOp, _ int64) {
	saw, latest := map[int]bool{}, 0
	for id, o := range h.ops {
		saw[id] = !o.resets
		latest = max(latest, o.stamp)
	}
	h.ops[op.id] = heardOp{modelOp: op, resets: true, saw: saw, stamp: latest + 1}
}

func (h *heard) del(op modelOp, now int64) {
	op.amount = 0
	h.set(op, now)
}

func (h *heard) deadline(modelOp, int64, int64) bool { return false }

func (h *heard) merge(other replica, _ int64) {
	maps.Copy(h.ops, other.(*heard).ops)
	maps.Copy(h.twice, other.(*heard).twice)
}

func (h *heard) clone() replica {
	return &heard{ops: maps.Clone(h.ops), twice: maps.Clone(h.twice)}
}

// entry is a replica that follows the rules of package crdt, for histories with deadlines.
type entry struct {
	e     crdt.Entry
	clock crdt.Clock
	node  uint16
}

func (r *entry) stamp(now int64) crdt.Stamp {
	r.clock.Observe(r.e.Latest())
	return r.clock.Next(now, r.node)
}

func (r *entry) value(now int64) int64 {
	if r.e.Expired(now) {
		return 0
	}
	return r.e.Int()
}

func (r *entry) open(now int64) {
	if r.e.Expired(now) {
		r.e.Close()
	}
}

func (r *entry) incr(op modelOp, now int64) {
	r.open(now)
	if !r.e.Exists() {
		r.e.Begin(now)
	}
	row := r.e.Row(op.writer)
	if row == nil {
		r.e.Rows = append(r.e.Rows, crdt.Row{Writer: op.writer})
		row = &r.e.Rows[len(r.e.Rows)-1]
	}
	row.Add(op.amount)
}

func (r *entry) set(op modelOp, now int64) {
	r.open(now)
	at := r.stamp(now)
	r.e.Set(crdt.Base{Kind: crdt.Integer, Int: op.amount, Stamp: at})
	r.e.Deadline = crdt.Deadline{Stamp: at.OfReset()}
}

func (r *entry) del(_ modelOp, now int64) {
	r.open(now)
	if !r.e.Exists() {
		return
	}
	at := r.stamp(now)
	r.e.Delete(at)
	r.e.Deadline = crdt.Deadline{Stamp: at.OfReset()}
}

func (r *entry) deadline(_ modelOp, at, now int64) bool {
	r.open(now)
	if !r.e.Exists() || at == 0 && r.e.Deadline.At == 0 {
		return false
	}
	r.e.Deadline = crdt.Deadline{At: at, Stamp: r.stamp(now)}
	return true
}

func (r *entry) ttl(now int64) int64 {
	switch {
	case r.e.Expired(now) || !r.e.Exists():
		return -2
	case r.e.Deadline.At == 0:
		return -1
	}
	return r.e.Deadline.At - now
}

func (r *entry) merge(other replica, now int64) {
	remote := other.clone().(*entry).e
	r.e.Merge(&remote, now, math.MaxInt64>>20)
}

func (r *entry) clone() replica {
	c := *r
	c.e.Rows = append([]crdt.Row(nil), r.e.Rows...)
	return &c
}
