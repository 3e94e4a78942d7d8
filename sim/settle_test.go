package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/internal/history"
	"github.com/quotadb/quota-db/replica"
)

// settle heals all faults, and checks that two intervals later all nodes store and show the same.
func (w *world) settle() {
	w.note("all is healed")
	w.healed = true
	w.blocked = map[[2]int]bool{}
	for _, h := range w.hosts {
		h.asleep = 0
		if latest := w.latest(); latest-h.wall() >= time.Hour.Milliseconds() { // an operator corrects its clock
			h.offset = time.Duration(latest-epoch)*time.Millisecond - w.now
		}
	}
	for _, p := range w.pipes {
		for i := range p.ends {
			e := &p.ends[i]
			e.stalled = 0
			for j := range e.flying {
				e.flying[j].at = min(e.flying[j].at, w.now+tick)
			}
		}
	}
	for _, h := range w.hosts[:w.members] {
		if h.process == nil {
			h.startAgain()
		}
	}
	w.endCopy()
	w.pass(w.deadTime()) // half-open pipes are found
	w.pass(2*interval + 200*time.Millisecond)
	if w.limits { // all windows end
		w.pass(maxWindow*time.Millisecond + 100*time.Millisecond)
	}
	if q := w.clients.quotas; q != nil {
		q.common.settled()
		w.pass(2 * interval)
	}
	w.history.Quiescent()
	w.compare()
	for _, key := range w.clients.keys {
		if x := w.clients.watches[key]; x != nil {
			x.end()
		}
	}
	w.over = true
	for _, key := range w.clients.keys {
		for _, h := range w.hosts[:w.members] {
			w.read(h, key)
		}
	}
	for _, h := range w.hosts[:w.members] {
		w.look(h.process.machine.Status(h.process.now()))
	}
}

// deadTime is the longest allowed silence of a peer.
func (w *world) deadTime() time.Duration { return min(w.interval()*5/2, 5*time.Second) }

func (w *world) read(h *host, key string) {
	op := history.Op{Kind: history.Get, Key: key, Node: h.index}
	id := w.history.Invoke(op)
	reply, _ := h.process.execute(op)
	w.note("host %d: %s is %d", h.index, key, reply)
	if w.limits && w.over && reply != 0 {
		w.fail("a window has left %d in %s on host %d", reply, key, h.index)
	}
	w.history.Ok(id, reply)
}

// endCopy puts a running copy in its original's place for a while, so that others receive its counts, and then ends it.
func (w *world) endCopy() {
	spare := w.hosts[w.members]
	if spare.process == nil {
		w.history.Start(spare.index, history.Disk{})
		return
	}
	original := w.hosts[spare.id-1]
	w.pass(w.deadTime() + interval)
	original.stop()
	w.pass(w.deadTime() + 2*interval)
	w.compare()
	for _, key := range w.clients.keys { // so that shown values are not lost with the copy
		for _, h := range w.hosts {
			if h.process != nil {
				w.read(h, key)
			}
		}
	}
	spare.stop()
	w.history.Start(spare.index, history.Disk{})
	original.start("after its copy")
}

// compare checks that all running nodes store the same.
func (w *world) compare() {
	keys := w.clients.keys
	if q := w.clients.quotas; q != nil {
		keys = append(append(slices.Clone(keys), q.keys...), q.common.keys...)
	}
	w.compareAll(keys)
}

func (w *world) compareAll(keys []string) {
	latest := int64(0)
	var up []*host
	for _, h := range w.hosts {
		if h.process != nil {
			latest, up = max(latest, h.wall()), append(up, h)
		}
	}
	for _, h := range up {
		h.checkSums()
	}
	first := up[0]
	rows, between := first.dump(latest)
	for _, h := range up[1:] {
		others, more := h.dump(latest)
		for _, name := range keys {
			if rows[name] != others[name] {
				w.fail("%s\n  node %d: %s\n  node %d: %s", name, first.id, rows[name], h.id, others[name])
			}
		}
		if a, b := first.process.store.DB().Digest(first.process.now()), h.process.store.DB().Digest(h.process.now()); a != b && !between && !more {
			w.fail("the digests of nodes %d and %d are %x and %x", first.id, h.id, a, b)
		}
	}
}

// checkSums compares the sums of digests that a process keeps by differences with those of all its keys.
func (h *host) checkSums() {
	db, now := h.process.store.DB(), h.process.now()
	if kept, sum := db.Digest(now), db.SumAll(now); kept != sum {
		h.world.fail("node %d keeps the sum %x, its keys come to %x", h.id, kept, sum)
	}
}

// dump returns the store of a host's process as text by key, without keys past their deadline at latest, in unix ms.
// passing: a deadline has passed on some clocks and not on others.
func (h *host) dump(latest int64) (rows map[string]string, passing bool) {
	db, now := h.process.store.DB(), h.process.now()
	var states engine.Deltas
	for from, done := uint64(0), false; !done; {
		from, done = db.AppendRange(&states, from, math.MaxUint64, now, 1<<20)
	}
	rows = map[string]string{}
	writers := db.Writers(0)
	var e crdt.Entry
	for rest := states.Records; len(rest) > 0; {
		name, after, err := crdt.DecodeRecord(rest, &e)
		if err != nil {
			h.world.t.Fatal(err)
		}
		rest = after
		if e.Expired(latest) {
			passing = passing || !e.Expired(now.Wall)
			continue
		}
		var list []string
		for _, row := range e.Rows {
			if writers[row.Writer].Life != db.Writers(0)[0].Life {
				h.world.sawRow(h, writers[row.Writer])
			}
			list = append(list, fmt.Sprintf("%v P %d-%d N %d-%d", writers[row.Writer], row.P, row.FP, row.N, row.FN))
		}
		slices.Sort(list)
		rows[string(name)] = fmt.Sprintf("base %v, deadline %v, quota %v, since %d, rows %s", e.Base, e.Deadline, e.Quota, e.Since, strings.Join(list, ", "))
	}
	return rows, passing
}

func (w *world) sawRow(h *host, writer crdt.Writer) {
	if writer.Node == h.id {
		w.saw("a row of an old life")
	}
}

// look notes the states that a node has been in, and reports impossible ones.
func (w *world) look(st replica.Status) {
	for _, p := range st.Peers {
		if p.State != replica.Online && !w.streams || p.State == replica.Offline || p.BehindKeys > 0 {
			w.fail("node %d: peer %d is %s and %d keys behind", st.Node, p.Node, p.State, p.BehindKeys)
		}
		for what, n := range map[string]uint64{
			"a register is held back": p.Held,
			"comparing repairs":       p.Repairs, "comparing fills": p.Filled, "a connection goes on where the last one ended": p.Resumed,
			"rounds remembered by their keys": p.RoundsMissed, "comparing is put off": p.Busy,
		} {
			if n > 0 {
				w.saw(what)
			}
		}
	}
}
