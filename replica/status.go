package replica

import (
	"time"

	"github.com/quotadb/quota-db/engine"
)

// peerStats are a peer's counters since this node knows it.
type peerStats struct {
	bytesSent, bytesReceived     uint64
	deltasSent, deltasReceived   uint64
	deltasMerged                 uint64 // of those received, that changed anything
	repairs, filled, given, held uint64
	resumed, missed, busy        uint64
}

// Status is what there is to know of replication.
type Status struct {
	Node  uint16
	Run   uint64
	Life  uint64
	Round uint64 // the last
	Peers []PeerStatus

	// What the sockets know: package cluster.
	Enabled bool
	Off     string // why a node with peers does not replicate
	Port    int    // that peers connect to
	Dials   []Dial // configured peers that there is no connection to
}

// Dial is a peer that is configured and cannot be reached.
type Dial struct {
	Address string
	Error   string // of the last attempt; empty: none has ended yet
}

// PeerStatus is what there is to know of a peer.
type PeerStatus struct {
	Node    uint16
	Run     uint64
	Address string // of its replication port, as it says
	State   State

	BehindRounds uint64        // that it has not acknowledged
	BehindKeys   int           // changes of keys that it has not acknowledged
	Behind       time.Duration // since the oldest change that it has not acknowledged
	Durable      uint64        // the last round that is safe on its disk
	Received     uint64        // the last of its rounds that is merged here
	Silent       time.Duration // since anything was heard, also if it is offline

	BytesSent, BytesReceived   uint64
	DeltasSent, DeltasReceived uint64
	DeltasMerged               uint64        // of those received, that changed anything
	Repairs                    uint64        // keys that comparing found to lack something here
	Filled                     uint64        // keys that comparing brought where there was nothing, or a change was on its way
	Given                      uint64        // keys that comparing sent
	Resumed                    uint64        // connections that went on where the one before had ended
	RoundsMissed               uint64        // of which only the keys were remembered
	Busy                       uint64        // comparisons put off because the peer compared with another
	Held                       uint64        // registers held back for a clock that is ahead, and rows beyond what a key may have
	Compared                   time.Duration // since the last comparison ended; negative: none has
	Progress                   float64       // of the comparison that runs, 0 to 1: the part of the hash space of which all is sent, both ways
}

// State is how a peer is connected.
type State uint8

const (
	Offline State = iota
	Syncing       // connected, and the two have not compared everything yet
	Online
)

// String is the word that INFO shows.
func (s State) String() string { return [...]string{"offline", "syncing", "online"}[s] }

// Status says how things stand. It costs time for each change that is on its way.
func (m *Machine) Status(now engine.Moment) Status {
	st := Status{Node: m.Node, Run: m.Run, Life: m.Life, Round: m.round}
	for _, p := range m.ordered {
		st.Peers = append(st.Peers, m.peerStatus(p, now))
	}
	return st
}

func (m *Machine) peerStatus(p *peer, now engine.Moment) PeerStatus {
	c := &p.stats
	st := PeerStatus{
		Node: p.node, Run: p.run, Address: p.address, BehindKeys: p.behind(), Durable: p.durable, Received: p.received,
		BytesSent: c.bytesSent, BytesReceived: c.bytesReceived, DeltasSent: c.deltasSent, DeltasReceived: c.deltasReceived, DeltasMerged: c.deltasMerged,
		Repairs: c.repairs, Filled: c.filled, Given: c.given, Held: c.held, Resumed: c.resumed, RoundsMissed: c.missed, Busy: c.busy, Compared: -1,
	}
	if p.isBehind() {
		st.BehindRounds = m.round - max(p.acked, p.base)
		st.Behind = time.Duration(now.Mono - p.oldest())
	}
	s := p.session
	if s == nil {
		st.Silent = time.Duration(now.Mono - p.heard)
		return st
	}
	st.State, st.Silent = Syncing, time.Duration(now.Mono-s.heard)
	if s.synced {
		st.State = Online
	}
	if p.compared {
		st.Compared = time.Duration(now.Mono - p.comparedAt)
	}
	if s.exchange.stage == comparing {
		st.Progress = float64(s.exchange.settled) / engine.Leaves
	}
	return st
}
