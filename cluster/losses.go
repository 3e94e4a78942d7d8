package cluster

import "time"

// lossTime is how long a peer may be away, after its connection has ended without a word, before that is a warning:
// connections that cross and short cuts are not.
const lossTime = time.Second

// loss is the end of a connection that its peer has not announced.
type loss struct {
	at              time.Time
	run             uint64
	address, reason string
}

// losses are those of peers that are not back yet, by node. The owner's.
type losses map[uint16]loss

// note notes the end of a connection for which the peer has given no reason.
func (ls losses) note(l *link, reason string, now time.Time) {
	ls[l.peer.Node] = loss{now, l.peer.Run, l.peer.Address, reason}
}

// back notes that a peer is connected, and warns if it has been started again without having stopped.
func (o *owner) back(l *link) {
	lost, ok := o.losses[l.peer.Node]
	if !ok {
		return
	}
	delete(o.losses, l.peer.Node)
	if lost.run != l.peer.Run {
		o.o.Log.Warn("a peer was lost, and has been started again: it had not stopped", "node", l.peer.Node, "address", lost.address, "reason", lost.reason)
	}
}

// reportLosses warns of peers that have been away for long enough.
func (o *owner) reportLosses(now time.Time) {
	for node, lost := range o.losses {
		if now.Sub(lost.at) >= lossTime {
			delete(o.losses, node)
			o.o.Log.Warn("a peer was lost", "node", node, "address", lost.address, "reason", lost.reason)
		}
	}
}

// agree notes that both sides want a connection: this one does, and the peer has shown that it does.
func (o *owner) agree(l *link) {
	l.agreed = true
	o.o.Log.Info("peer connected", "node", l.peer.Node, "peer", l.conn.RemoteAddr().String(), "address", l.peer.Address)
	o.met.guess(l.conn.RemoteAddr(), l.peer)
	o.publish()
	o.back(l)
}
