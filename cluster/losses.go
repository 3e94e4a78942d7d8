package cluster

import "time"

// lossTime is how long a peer may be away, after its connection ended without an announced stop, before a warning is
// logged. Crossing connections and short interruptions cause no warning.
const lossTime = time.Second

// loss is the end of a connection that the peer has not announced.
type loss struct {
	at              time.Time
	run             uint64
	address, reason string
}

// losses has the losses of peers that are not back yet, by node. It belongs to the owner.
type losses map[uint16]loss

// note notes the unannounced end of a connection.
func (ls losses) note(l *link, reason string, now time.Time) {
	ls[l.peer.Node] = loss{now, l.peer.Run, l.peer.Address, reason}
}

// back notes that a peer is connected, and warns if the peer has restarted without a clean stop.
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

// reportLosses warns about peers that have been away for lossTime.
func (o *owner) reportLosses(now time.Time) {
	for node, lost := range o.losses {
		if now.Sub(lost.at) >= lossTime {
			delete(o.losses, node)
			o.o.Log.Warn("a peer was lost", "node", node, "address", lost.address, "reason", lost.reason)
		}
	}
}

// agree notes that both sides keep a connection: this node does, and the peer has shown that it does.
func (o *owner) agree(l *link) {
	l.agreed = true
	o.o.Log.Info("peer connected", "node", l.peer.Node, "peer", l.conn.RemoteAddr().String(), "address", l.peer.Address)
	o.met.guess(l.conn.RemoteAddr(), l.peer)
	o.publish()
	o.back(l)
}
