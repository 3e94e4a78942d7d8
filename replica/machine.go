// Package replica is the protocol between nodes: how each sends the others what its clients have changed, and how two find out that what they
// store differs, and mend it.
//
// A Machine is the whole protocol of one node, without sockets, goroutines or a clock: connections, bytes and time are given to it, and it says what is
// to be sent. So a simulator can run thousands of clusters from a seed. It uses the node's engine and changes it by merging only.
//
// What clients change leaves in rounds (round.go). A peer is given each round, or what the keys of those that it missed are by now (peer.go), and acknowledges. Beside that
// the two compare their stores, level by level (exchange.go), whatever the reason may be for which they differ. Everything on the wire is states, merged: a frame
// may be lost with its connection, come twice or be overtaken by a later one.
//
// A Machine makes bytes only when its connection can take some: see Next. So a slow peer costs memory for the hashes of changed keys, never for bytes.
package replica

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// Errors of Connect.
var (
	ErrSelf      = errors.New("the peer is this node itself")
	ErrOwnID     = errors.New("the peer has this node's id")
	ErrTwice     = errors.New("another process with the peer's id is connected")
	ErrDuplicate = errors.New("there is a connection to the peer already")
	ErrCrowded   = errors.New("there are too many peers")
)

const (
	// MaxPeers is how many other nodes a machine knows in its run.
	MaxPeers = 256

	// A peer that is silent is given up after two and a half intervals, within these bounds.
	leastDead = time.Second
	mostDead  = 5 * time.Second
	// pingAfter is how long there may be nothing to say before a Ping: the peer may have another interval.
	pingAfter = leastDead / 4
	// maxAhead is how far ahead of this node's clock a stamp may be.
	maxAhead = engine.MaxAhead
)

// Hello is what a node says of itself when a connection begins.
type Hello struct {
	Node    uint16
	Run     uint64     // nonce of this start
	Life    uint64     // that it counts under
	Earlier [16]uint64 // the runs before of that life, the latest first; zeros are none
	Address string     // of its replication port, to be shown
}

// Disk is where changes are kept: persist.Store.
type Disk interface {
	Group() uint64          // that will have what was written before the call
	Safe(group uint64) bool // whether it survives the machine
}

// Options of a Machine.
type Options struct {
	Node      uint16
	Run, Life uint64
	Earlier   [16]uint64
	Address   string
	DB        *engine.DB // replicated
	Disk      Disk       // nil: nothing is kept
	BatchSize int        // deltas in a frame at most
	Interval  time.Duration
	Window    int // bytes of changes that a peer may leave unacknowledged, and that wait for it besides; 0: windowBytes
	Log       *slog.Logger
}

// Machine is the protocol of one node. It is used by one goroutine.
type Machine struct {
	Options
	dead      time.Duration // how long a peer may be silent
	round     uint64
	peers     map[uint16]*peer
	ordered   []*peer  // by id
	busy      *Session // that compares with its peer; one at a time
	refresh   refresh
	deltas    engine.Deltas // scratch
	incoming  incoming
	stopping  bool  // peers are told that this node stops
	heldThere int64 // Moment.Mono of the last line about registers that a peer holds back
}

// New makes the machine of a node. Its rounds begin with what clients change from now on.
func New(o Options) *Machine {
	if o.Window == 0 {
		o.Window = windowBytes
	}
	return &Machine{Options: o, dead: min(max(o.Interval*5/2, leastDead), mostDead), peers: map[uint16]*peer{}}
}

// Hello is what this node says of itself.
func (m *Machine) Hello() Hello {
	return Hello{Node: m.Node, Run: m.Run, Life: m.Life, Earlier: m.Earlier, Address: m.Address}
}

// Connect begins a session on a connection whose other side has proved that it is h; dialed says that this node has made it. It may end
// another session to that node. Errors: ErrSelf, ErrOwnID, ErrTwice, ErrDuplicate, ErrCrowded.
func (m *Machine) Connect(h Hello, dialed bool, now engine.Moment) (*Session, error) {
	switch {
	case h.Node == m.Node && h.Run == m.Run:
		return nil, ErrSelf
	case h.Node == m.Node:
		return nil, fmt.Errorf("%w, %d", ErrOwnID, h.Node)
	}
	p := m.peers[h.Node]
	if p == nil {
		if len(m.peers) >= MaxPeers {
			return nil, ErrCrowded
		}
		p = &peer{node: h.Node, window: m.Window, base: m.round}
		m.meet(p)
	}
	s := &Session{machine: m, peer: p, dialed: dialed, leads: m.Node < h.Node, before: p.stats, heard: now.Mono, said: now.Mono, resuming: true, ackDue: true}
	if old := p.session; old != nil {
		if h.Run != p.run {
			return nil, fmt.Errorf("%w: node id %d, at %s", ErrTwice, h.Node, p.address)
		}
		if old.dialed != dialed && s.fromGreater() {
			return nil, ErrDuplicate
		}
		m.end(old, "another connection takes its place")
	}
	if h.Run != p.run {
		p.restarted(h)
	}
	p.address, p.session, p.apart = h.Address, s, nil
	s.nextExchange = now.Mono
	if p.compared { // what has changed since is sent anyway
		s.synced, s.nextExchange = true, p.comparedAt+int64(m.Interval)
	}
	return s, nil
}

// Stop has peers be told that this node stops: its connections will end, and nothing is wrong with it.
func (m *Machine) Stop() { m.stopping = true }

// Disconnect ends a session whose connection is gone.
func (m *Machine) Disconnect(s *Session) { m.end(s, "disconnected") }

// end ends a session. What it has sent and heard nothing of is sent again by the next.
func (m *Machine) end(s *Session, why string) {
	if s.ended {
		return
	}
	s.ended, s.why = true, why
	if m.busy == s {
		m.busy = nil
	}
	if s.peer.session == s {
		s.peer.session, s.peer.heard = nil, s.heard
		s.peer.retreat()
	}
}

// Tick does what time brings. It is called every batch delay.
func (m *Machine) Tick(now engine.Moment) {
	m.take(now)
	m.Watch(now)
}

// Watch is Tick but for what clients have changed, for between two batches that are far apart: peers must hear from this node, and be heard.
func (m *Machine) Watch(now engine.Moment) {
	for _, p := range m.ordered {
		s := p.session
		if s == nil {
			continue
		}
		if m.Disk != nil && p.settle(m.Disk) {
			s.ackDue = true
		}
		if time.Duration(now.Mono-s.heard) >= m.dead {
			m.end(s, "it has been silent")
			continue
		}
		m.watchExchange(s, now)
	}
	m.exchangeIfDue(now)
}

// meet adds a peer, at its place in the order of ids.
func (m *Machine) meet(p *peer) {
	m.peers[p.node] = p
	at, _ := slices.BinarySearchFunc(m.ordered, p.node, func(other *peer, node uint16) int { return cmp.Compare(other.node, node) })
	m.ordered = slices.Insert(m.ordered, at, p)
}
