package sim

import "time"

// twins runs a node and a copy of it in turns, each under its own life, while a peer hears of only one of them. Then
// the peer is restored from a backup, and whichever of the two runs sends it the counts of both.
func (w *world) twins() {
	spare := w.hosts[w.members]
	if spare.process != nil {
		return
	}
	w.saw("two disks are one node by turns")
	w.blocked = map[[2]int]bool{}
	for _, h := range w.hosts[:w.members] {
		if h.asleep = 0; h.process == nil {
			h.startAgain()
		}
	}
	w.meet()
	order := w.random.Perm(w.members)
	peer, node := w.hosts[order[0]], w.hosts[order[1]]
	if node.process == nil { // a client's command can be the last one
		return
	}
	node.backUp()
	node.die(w.chance(2))
	spare.become(node, node.backups[len(node.backups)-1])
	w.meet()
	w.blocked[[2]int{peer.index, spare.index}] = true
	w.pass(w.deadTime())
	node.start("beside its copy")
	w.meet()
	if peer.process == nil {
		return
	}
	peer.stop()
	peer.backUp()
	known := peer.backups[len(peer.backups)-1]
	peer.start("again")
	w.count()
	silent := node
	if w.chance(3) {
		silent = spare
	}
	if peer.process == nil || silent.process == nil {
		return
	}
	peer.die(w.chance(2))
	silent.stop()
	w.blocked = map[[2]int]bool{}
	peer.files, peer.left = known.files.Kill(), known.left
	peer.start("restored")
	w.count()
}

// meet lets the nodes connect while clients count.
func (w *world) meet() {
	w.pass(w.deadTime())
	for range 5 {
		w.clients.command(w.hosts[w.random.IntN(len(w.hosts))])
		w.pass(time.Duration(w.random.IntN(100)) * time.Millisecond)
	}
}
