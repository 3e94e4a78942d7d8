package replica

import (
	"slices"
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/shares"
)

// peerStats are counters about a peer since this node has known it.
type peerStats struct {
	bytesSent, bytesReceived     uint64
	deltasSent, deltasReceived   uint64
	deltasMerged                 uint64 // of those received, the ones that changed something here
	repairs, filled, given, held uint64
	resumed, missed, busy        uint64
}

// Status is the state of replication, for INFO.
type Status struct {
	Node  uint16
	Run   uint64
	Life  uint64
	Round uint64 // the last round made
	Peers []PeerStatus

	Quotas *shares.CouncilStatus // whose the tokens of quotas are; nil: this node's alone

	// Filled in by package cluster, which has the sockets.
	Enabled bool
	Off     string // why a node with configured peers does not replicate
	Port    int    // the port to which peers connect
	Dials   []Dial // configured peers without a connection
}

// Dial is a configured peer without a connection.
type Dial struct {
	Address string
	Error   string // of the last attempt; empty: the first has not ended yet
}

// PeerStatus is the state of replication with one peer.
type PeerStatus struct {
	Node    uint16
	Run     uint64
	Address string // of its replication port, as the peer tells it
	State   State

	BehindRounds uint64        // rounds from the oldest with a change that the peer has not acknowledged, to the newest
	BehindKeys   int           // changed keys that the peer has not acknowledged
	Behind       time.Duration // age of the oldest change that the peer has not acknowledged
	Durable      uint64        // the last round that is synced on the peer's disk
	Received     uint64        // the last round of the peer that is merged here
	Silent       time.Duration // time since anything was received, also while the peer is offline

	BytesSent, BytesReceived   uint64
	DeltasSent, DeltasReceived uint64
	DeltasMerged               uint64 // of those received, the ones that changed something
	Repairs                    uint64 // keys that differed here and were repaired by comparing
	// Filled: keys brought by comparing where there was nothing, or a change was on its way
	Filled       uint64
	Given        uint64 // keys sent by comparing
	Resumed      uint64 // connections that continued where the one before had ended
	RoundsMissed uint64 // rounds of which only the keys were remembered
	Busy         uint64 // comparisons put off because the peer was comparing with another node
	// Held: registers held back because a clock is ahead, and rows beyond the limit of a key
	Held     uint64
	Compared time.Duration // since the last comparison completed; negative: none has
	// Progress of the running comparison, 0 to 1: the part of the hash space for which everything has been sent in both
	// directions.
	Progress float64
}

// State is the state of the connection with a peer.
type State uint8

const (
	// Offline: there is no connection.
	Offline State = iota
	// Syncing: connected, but the two stores have not been compared completely yet.
	Syncing
	// Online: connected, and both stores have been compared since both nodes started.
	Online
)

// String returns the word that INFO shows.
func (s State) String() string { return [...]string{"offline", "syncing", "online"}[s] }

// Status returns the state of replication. Its cost grows with the number of changes that are on their way.
func (m *Machine) Status(now engine.Moment) Status {
	st := Status{Node: m.Node, Run: m.Run, Life: m.Life, Round: m.round, Peers: m.Peers(now)}
	if m.Council != nil {
		council := m.Council.Status()
		st.Quotas = &council
	}
	return st
}

// Peers returns the state of replication with each peer, as Status does.
func (m *Machine) Peers(now engine.Moment) (peers []PeerStatus) {
	for _, p := range m.ordered {
		peers = append(peers, m.peerStatus(p, now))
	}
	return peers
}

// After is the state after some time in which nothing has happened. The two have nothing in common that changes.
func (s Status) After(passed time.Duration) Status {
	s.Peers = slices.Clone(s.Peers)
	for i := range s.Peers {
		p := &s.Peers[i]
		p.Silent += passed
		if p.Behind > 0 {
			p.Behind += passed
		}
		if p.Compared >= 0 {
			p.Compared += passed
		}
	}
	return s
}

func (m *Machine) peerStatus(p *peer, now engine.Moment) PeerStatus {
	c := &p.stats
	st := PeerStatus{
		Node: p.node, Run: p.run, Address: p.address, BehindKeys: p.behind(), Durable: p.durable, Received: p.received,
		BytesSent: c.bytesSent, BytesReceived: c.bytesReceived, DeltasSent: c.deltasSent, DeltasReceived: c.deltasReceived, DeltasMerged: c.deltasMerged,
		Repairs: c.repairs, Filled: c.filled, Given: c.given, Held: c.held, Resumed: c.resumed, RoundsMissed: c.missed, Busy: c.busy, Compared: -1,
	}
	if p.isBehind() {
		oldest := p.oldest()
		st.BehindRounds = m.round - oldest.round + 1
		st.Behind = time.Duration(now.Mono - oldest.at)
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
