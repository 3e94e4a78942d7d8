package sim

import (
	"slices"
	"time"
)

// restartAll stops and starts one node after the other, as for an upgrade while all is well, and keeps copies of their
// disks from the stops. Some upgrades are undone soon.
func (w *world) restartAll() {
	w.saw("a rolling restart")
	w.blocked = map[[2]int]bool{}
	for _, i := range w.random.Perm(w.members) {
		h := w.hosts[i]
		if h.process == nil {
			h.startAgain()
		} else {
			h.asleep = 0
			h.stop()
			h.backUp()
			h.start("again, upgraded")
		}
		w.pass(time.Duration(w.random.IntN(300)) * time.Millisecond)
	}
	if w.chance(2) {
		return
	}
	w.count()
	w.restore()
	w.count()
}

// restore starts the cluster from backups, as after a disaster: all nodes at once or one after the other, and one of
// them on another machine. The lost machine comes back later, with its disk.
func (w *world) restore() {
	spare, lost := w.hosts[w.members], w.hosts[w.random.IntN(w.members)]
	b, ok := lost.someBackup()
	if spare.process != nil || !ok {
		return
	}
	w.saw("a cluster is restored from backups")
	w.note("the cluster is restored, and host %d lost for a time", lost.index)
	w.blocked = map[[2]int]bool{}
	w.due = []func(){func() { spare.become(lost, b) }}
	for _, h := range w.hosts[:w.members] {
		if h.process != nil {
			h.die(w.chance(2))
		}
		if h != lost {
			w.due = append(w.due, h.startRestored)
		}
	}
	w.random.Shuffle(len(w.due), func(i, j int) { w.due[i], w.due[j] = w.due[j], w.due[i] })
	w.atOnce = w.chance(2)
	w.startDue()
}

// count lets clients count for a while.
func (w *world) count() {
	for range 30 {
		w.clients.command(w.hosts[w.random.IntN(len(w.hosts))])
		w.pass(time.Duration(w.random.IntN(30)) * time.Millisecond)
	}
}

// startDue makes the starts that are due. If they are to be at once, each start begins before the one before has asked
// its peers.
func (w *world) startDue() {
	for len(w.due) > 0 {
		next := w.due[0]
		w.due = w.due[1:]
		next()
	}
	w.atOnce = false
}

// startRestored starts a process with a backup of the disk, if there is one.
func (h *host) startRestored() {
	if b, ok := h.someBackup(); ok {
		h.files, h.left, h.old = b.files.Kill(), b.left, true
		h.start("restored")
		return
	}
	h.start("again")
}

// someBackup returns the newest backup of the disk made after a clean stop, or any backup.
func (h *host) someBackup() (b backup, ok bool) {
	if len(h.backups) == 0 {
		return b, false
	}
	if !h.world.chance(3) {
		for _, b := range slices.Backward(h.backups) {
			if b.clean {
				return b, true
			}
		}
	}
	return h.backups[h.world.random.IntN(len(h.backups))], true
}
