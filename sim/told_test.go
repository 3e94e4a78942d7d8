package sim

import (
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/internal/history"
	"github.com/quotadb/quota-db/persist"
)

// told is a world in which only the commands of a test happen. These are the histories that broke simpler rules, where
// random worlds seldom get them.
type told struct{ *world }

func tell(t *testing.T, hosts int) told {
	w := newWorld(t, 1)
	w.members, w.hosts, w.streams, w.limits, w.window, w.healed = hosts, nil, false, false, 0, true
	for i := range hosts + 1 {
		h := &host{world: w, index: i, id: uint16(i + 1), files: vfs.NewMemory(pageSize), level: persist.Interval, shards: 1}
		w.hosts = append(w.hosts, h)
	}
	w.history = history.New(len(w.hosts), func(int) (int64, int64) { return w.clocks() })
	for _, h := range w.hosts[:hosts] {
		h.start("as told")
	}
	w.pass(time.Second)
	return told{w}
}

// do runs an operation on a host.
func (w told) do(host int, op history.Op) int64 {
	op.Key, op.Node = "key", host
	reply, _ := w.hosts[host].process.execute(op)
	w.note("host %d: %+v -> %d", host, op, reply)
	return reply
}

func (w told) incr(host int, by int64) {
	w.do(host, history.Op{Kind: history.Incr, Delta: by})
}

func (w told) expire(host int, after time.Duration) {
	w.do(host, history.Op{Kind: history.Expire, TTL: after.Milliseconds()})
}

// cut separates the hosts from each other.
func (w told) cut() {
	for i := range w.hosts {
		for j := range i {
			w.blocked[[2]int{j, i}] = true
		}
	}
}

// heal reconnects the hosts, and waits until they have compared.
func (w told) heal() {
	w.blocked = map[[2]int]bool{}
	w.pass(w.deadTime() + 2*interval)
}

// shows checks the value that all hosts show.
func (w told) shows(want int64) {
	w.t.Helper()
	for i := range w.members {
		if got := w.do(i, history.Op{Kind: history.Get}); got != want {
			w.t.Errorf("host %d shows %d, not %d\n%s", i, got, want, w.log.String())
		}
	}
	w.compareAll([]string{"key"})
}

func TestALateIncrementOfAnOldWindowDoesNotJoinTheNewOne(t *testing.T) {
	w := tell(t, 2)
	w.incr(0, 1)
	w.expire(0, 300*time.Millisecond)
	w.pass(100 * time.Millisecond)
	w.cut()
	w.incr(1, 4) // counted in the old window, and sent to no other host
	w.pass(400 * time.Millisecond)
	w.hosts[0].die(false)
	w.hosts[0].files, w.hosts[0].left = vfs.NewMemory(pageSize), left{} // it loses the old window with its disk
	w.hosts[0].start("empty")
	w.incr(0, 16)
	w.heal()
	w.shows(16)
}

func TestASweepDoesNotUndoAPersistElsewhere(t *testing.T) {
	w := tell(t, 2)
	w.incr(0, 1)
	w.expire(0, 300*time.Millisecond)
	w.pass(100 * time.Millisecond)
	w.cut()
	w.do(1, history.Op{Kind: history.Persist})
	w.pass(time.Second)
	w.hosts[0].process.store.DB().Sweep(w.hosts[0].process.now(), 100)
	w.heal()
	w.shows(1)
}

func TestAWindowWithASetKeepTTLIsReopenedByAPersistElsewhere(t *testing.T) {
	w := tell(t, 2)
	w.incr(0, 1)
	w.expire(0, 300*time.Millisecond)
	w.pass(10 * time.Millisecond)
	w.do(0, history.Op{Kind: history.Set, Value: 4, KeepTTL: true})
	w.pass(100 * time.Millisecond)
	w.cut()
	w.do(1, history.Op{Kind: history.Persist})
	w.pass(time.Second)
	w.heal()
	w.shows(4)
}

func TestASetKeepTTLStaysWithinItsWindow(t *testing.T) {
	w := tell(t, 2)
	w.do(0, history.Op{Kind: history.Set, Value: 1, TTL: 300})
	w.pass(100 * time.Millisecond)
	w.do(1, history.Op{Kind: history.Set, Value: 4, KeepTTL: true})
	w.pass(100 * time.Millisecond)
	w.shows(4)
	w.pass(time.Second)
	w.shows(0)
}

func TestADeadlineThatIsLeftOverDoesNotEndWhatIsMadeLater(t *testing.T) {
	w := tell(t, 2)
	w.incr(0, 1)
	w.pass(100 * time.Millisecond)
	w.cut()
	w.do(0, history.Op{Kind: history.Del})
	w.pass(10 * time.Millisecond)
	w.expire(1, 8*time.Second)
	w.heal()
	w.shows(0)
	w.incr(0, 4)
	w.pass(10 * time.Second)
	w.shows(4)
}

func TestAnExpiryComesBeforeWhatAnotherNodeWroteInTheSameTick(t *testing.T) {
	w := tell(t, 2)
	w.incr(0, 1)
	w.pass(100 * time.Millisecond)
	w.cut()
	w.expire(0, 100*time.Millisecond)
	w.do(1, history.Op{Kind: history.Set, Value: 4})
	w.pass(200 * time.Millisecond)
	w.incr(0, 16) // closes the window
	w.heal()
	w.shows(20)
}

func TestADelBesideAnIncrementLeavesTheIncrement(t *testing.T) {
	w := tell(t, 3)
	w.incr(0, 1)
	w.pass(100 * time.Millisecond)
	w.cut()
	w.do(0, history.Op{Kind: history.Del})
	w.incr(1, 4)
	w.incr(2, 16)
	w.heal()
	w.shows(20)
}

func TestALosingSetHasRemovedWhatItSaw(t *testing.T) {
	w := tell(t, 3)
	w.incr(0, 1)
	w.incr(1, 4)
	w.pass(100 * time.Millisecond)
	w.cut()
	w.do(0, history.Op{Kind: history.Set, Value: 16})
	w.incr(2, 64) // neither of the two has seen it
	w.pass(10 * time.Millisecond)
	w.do(1, history.Op{Kind: history.Set, Value: 256})
	w.heal()
	w.shows(256 + 64)
}

func TestWhatAWindowHadWhenItEndedDoesNotJoinALaterSet(t *testing.T) {
	w := tell(t, 2)
	w.incr(0, 1)
	w.expire(0, 300*time.Millisecond)
	w.pass(100 * time.Millisecond)
	w.cut()
	w.incr(0, 4) // ends with its window
	w.do(1, history.Op{Kind: history.Set, Value: 16, TTL: 20_000})
	w.pass(time.Second)
	w.heal()
	w.shows(16)
}

// copyOf starts a copy of an earlier state of a host's disk, in its place.
func (w told) copyOf(of *host, b backup) *host {
	spare := w.hosts[w.members]
	spare.id, spare.files, spare.left = of.id, b.files.Kill(), b.left
	spare.start("as a copy")
	return spare
}

// end lets a copy send its counts to the others, and then puts the original back in its place.
func (w told) end(spare, original *host) {
	w.heal()
	spare.stop()
	original.start("again")
	w.heal()
}

func TestACopyCountsUnderALifeOfItsOwnOnceTheOriginalHasGoneOn(t *testing.T) {
	w := tell(t, 2)
	w.incr(0, 1)
	w.pass(100 * time.Millisecond)
	a := w.hosts[0]
	a.stop()
	a.backUp()
	a.start("again, confirmed")
	w.cut()
	w.incr(0, 4)
	w.pass(100 * time.Millisecond)
	a.die(false)
	w.blocked = map[[2]int]bool{}
	spare := w.copyOf(a, a.backups[0])
	w.do(spare.index, history.Op{Kind: history.Incr, Delta: 16})
	w.end(spare, a)
	w.shows(21)
}

func TestAPeerThatHasLostItsDiskConfirmsNoLife(t *testing.T) {
	w := tell(t, 2)
	w.incr(0, 1)
	w.pass(100 * time.Millisecond)
	a, b := w.hosts[0], w.hosts[1]
	a.stop()
	a.backUp()
	a.start("again, confirmed")
	w.cut()
	w.incr(0, 4)
	w.pass(100 * time.Millisecond)
	a.die(false)
	b.die(false)
	b.files, b.left = vfs.NewMemory(pageSize), left{}
	b.start("empty")
	w.blocked = map[[2]int]bool{}
	spare := w.copyOf(a, a.backups[0])
	w.do(spare.index, history.Op{Kind: history.Incr, Delta: 16})
	w.end(spare, a)
	w.shows(21)
}

func TestAPeerWithAnOlderDiskConfirmsNoLife(t *testing.T) {
	w := tell(t, 2)
	w.incr(0, 1)
	w.pass(100 * time.Millisecond)
	a, b := w.hosts[0], w.hosts[1]
	a.stop()
	a.backUp()
	b.backUp()
	a.start("again, confirmed")
	w.cut()
	w.incr(0, 4)
	w.pass(100 * time.Millisecond)
	a.die(false)
	b.die(false)
	b.files, b.left = b.backups[0].files.Kill(), b.backups[0].left
	b.start("with an old disk")
	w.blocked = map[[2]int]bool{}
	spare := w.copyOf(a, a.backups[0])
	w.do(spare.index, history.Op{Kind: history.Incr, Delta: 16})
	w.end(spare, a)
	w.shows(21)
}

// TestAnotherProcessWithAPeersIDConfirmsNoLife: two disks are node 2, each under its own life, and one of them missed
// that node 1 has continued its life.
func TestAnotherProcessWithAPeersIDConfirmsNoLife(t *testing.T) {
	w := tell(t, 2)
	a, b := w.hosts[0], w.hosts[1]
	w.incr(0, 1)
	w.pass(100 * time.Millisecond)
	b.backUp()
	b.die(false)
	other := w.copyOf(b, b.backups[0])
	w.pass(w.deadTime() + time.Second) // it meets node 1
	w.blocked[[2]int{a.index, other.index}] = true
	w.pass(w.deadTime())
	b.start("again")
	w.pass(time.Second)
	a.stop()
	a.backUp()
	a.start("again, confirmed")
	w.incr(0, 4)
	w.pass(time.Second)
	a.die(false)
	b.stop()
	w.blocked = map[[2]int]bool{}
	a.files, a.left = a.backups[0].files.Kill(), a.backups[0].left
	a.start("with an old disk")
	w.incr(0, 16)
	w.end(other, b)
	w.shows(21)
}

func TestAPeerThatIsStartingWithAnOlderDiskConfirmsNoLife(t *testing.T) {
	w := tell(t, 2)
	w.incr(0, 1)
	w.pass(100 * time.Millisecond)
	a, b := w.hosts[0], w.hosts[1]
	for _, h := range []*host{b, a} { // a rolling restart, with a copy of each disk
		h.stop()
		h.backUp()
		h.start("again, confirmed")
		w.pass(100 * time.Millisecond)
	}
	w.cut()
	w.incr(0, 4)
	w.pass(100 * time.Millisecond)
	a.die(false)
	b.die(false)
	w.blocked = map[[2]int]bool{}
	spare := w.hosts[w.members]
	w.due, w.atOnce = []func(){b.startRestored, func() { spare.become(a, a.backups[0]) }}, true
	w.startDue()
	w.do(spare.index, history.Op{Kind: history.Incr, Delta: 16})
	w.end(spare, a)
	w.shows(21)
}

// TestADeadlineComesWithWhatItIsFor: one node sets a deadline on a second node's count. A third node, which only the
// first one reaches, counts too. It must not take the deadline for the rest of a deleted key.
func TestADeadlineComesWithWhatItIsFor(t *testing.T) {
	w := tell(t, 3)
	w.blocked[[2]int{0, 1}] = true
	w.pass(w.deadTime())
	w.incr(0, 1)
	w.pass(50 * time.Millisecond)
	w.expire(2, 300*time.Millisecond)
	w.pass(50 * time.Millisecond)
	w.incr(1, 4)
	w.pass(time.Second)
	w.heal()
	w.shows(0)
}
