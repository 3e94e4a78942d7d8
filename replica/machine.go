// Package replica is the protocol between nodes. With it each node sends the changes of its clients to its peers, and
// two nodes find and repair differences between their stores.
//
// A Machine is the whole protocol of one node, without sockets, goroutines or a clock. The caller gives it connections,
// bytes and the time, and asks it what to send. So a simulator can run thousands of clusters from a seed. A Machine
// changes the node's engine by merging only.
//
// The changes of clients are sent in rounds (round.go). A peer gets each round, or, if it missed some, the newest
// states of their keys (peer.go), and acknowledges them. Besides, two nodes compare their stores level by level
// (exchange.go), so that a difference is repaired whatever its cause. Everything on the wire is a state that the
// receiver merges: a frame may be lost with its connection, arrive twice, or be overtaken by a later one.
//
// A Machine makes bytes only when a connection can take some: see Next. So a slow peer costs memory for the hashes of
// changed keys, never for bytes.
package replica

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/shares"
)

// Errors that Connect returns.
var (
	ErrSelf      = errors.New("the peer is this node itself")
	ErrOwnID     = errors.New("the peer has this node's id")
	ErrTwice     = errors.New("another process with the peer's id is connected")
	ErrDuplicate = errors.New("there is a connection to the peer already")
	ErrCrowded   = errors.New("there are too many peers")
)

const (
	// MaxPeers is the largest number of other nodes that a machine can know during one run.
	MaxPeers = 256

	// If a peer is silent for two and a half intervals, its session ends; this time is kept within these bounds.
	leastDead = time.Second
	mostDead  = 5 * time.Second
	// A Ping is sent after this time without anything else to send. It does not depend on the interval, since the peer
	// may have a shorter one. A node that looks just before that time sends nothing, and its next look may be the one
	// of an idle node, half a second and a bit later. So a peer that is well is silent for at most about three quarters
	// of leastDead: the rest is for a slow network and a busy machine.
	pingAfter = leastDead / 4
	// maxAhead is the largest distance of a stamp ahead of this node's clock; a register with a later stamp is held
	// back.
	maxAhead = engine.MaxAhead
)

// Hello is what a node tells about itself when a connection begins.
type Hello struct {
	Node    uint16
	Run     uint64     // a random number of this start
	Life    uint64     // the life under which this run counts
	Earlier [16]uint64 // earlier runs of that life, the latest first; zero: no run
	Address string     // of the replication port, for status only
}

// Disk tells which changes are durable. The implementation is persist.Store.
type Disk interface {
	Group() uint64          // number of the group that will contain everything written before this call
	Safe(group uint64) bool // whether the group is synced, so that it survives a power loss
	// Await asks for a sync of the group, and calls wake once, from any goroutine, when the group is synced. patient:
	// it waits through a failure of the disk. It returns false if the group is synced already.
	Await(group uint64, patient bool, wake func()) bool
	SafeAge() int64 // Moment.Mono up to which everything is synced
}

// Options of a Machine.
type Options struct {
	Node      uint16
	Run, Life uint64
	Earlier   [16]uint64
	Address   string
	DB        *engine.DB // replicated
	Disk      Disk       // nil: nothing is stored
	BatchSize int        // largest number of deltas in a frame
	Interval  time.Duration
	// Window is how many bytes of changes a peer may leave unacknowledged, and also how many may wait for it; 0:
	// windowBytes.
	Window int
	Log    *slog.Logger

	Council *shares.Council // nil: quotas are this node's alone
	Desk    *shares.Desk    // nil: no tokens are ordered from others
}

// Machine is the protocol of one node. Only one goroutine may use it.
type Machine struct {
	Options
	dead      time.Duration // how long a peer may be silent
	round     uint64
	peers     map[uint16]*peer
	ordered   []*peer  // by id
	busy      *Session // the session that compares stores with its peer; one at a time
	refresh   refresh
	deltas    engine.Deltas // scratch
	incoming  incoming
	stopping  bool  // tell the peers that this node stops
	heldThere int64 // Moment.Mono of the last log line about registers that a peer holds back

	takes   takes
	awaited uint64          // the last group of which a sync was asked for
	missing func() []string // see Attend
	rouse   func()
}

// New makes the machine of a node. Its first round contains the changes that clients make from now on.
func New(o Options) *Machine {
	if o.Window == 0 {
		o.Window = windowBytes
	}
	m := &Machine{Options: o, dead: min(max(o.Interval*5/2, leastDead), mostDead), peers: map[uint16]*peer{}}
	m.setPart()
	return m
}

// Hello is what this node tells about itself.
func (m *Machine) Hello() Hello {
	return Hello{Node: m.Node, Run: m.Run, Life: m.Life, Earlier: m.Earlier, Address: m.Address}
}

// Connect begins a session on a connection whose other side has proved that it is the node of h. dialed: this node made
// the connection. Another session with that node may end. Errors: ErrSelf, ErrOwnID, ErrTwice, ErrDuplicate,
// ErrCrowded.
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
		p = &peer{node: h.Node, window: m.Window}
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
		m.end(old, "another connection takes its place", now)
	}
	if h.Run != p.run {
		p.restarted(h)
	}
	p.address, p.session, p.apart = h.Address, s, nil
	s.nextExchange = now.Mono
	if p.compared { // both have compared before; later changes are sent as rounds
		s.synced, s.nextExchange = true, p.comparedAt+int64(m.Interval)
	}
	return s, nil
}

// Stop makes the machine tell its peers that this node stops, so that they do not report the end of the connection as a
// fault.
func (m *Machine) Stop() { m.stopping = true }

// Disconnect ends a session whose connection is gone.
func (m *Machine) Disconnect(s *Session, now engine.Moment) { m.end(s, "disconnected", now) }

// end ends a session. The next session sends again whatever was sent and not acknowledged.
func (m *Machine) end(s *Session, why string, now engine.Moment) {
	if s.ended {
		return
	}
	s.ended, s.why = true, why
	s.leaveQuotas(now)
	if m.busy == s {
		m.busy = nil
	}
	if s.peer.session == s {
		s.peer.session, s.peer.heard = nil, s.heard
		s.peer.retreat()
	}
}

// Tick takes the changes of clients as a round, and does what Watch does. It is called every batch delay.
func (m *Machine) Tick(now engine.Moment) {
	m.take(now)
	m.Watch(now)
}

// Watch is Tick without taking changes. It is called between two ticks that are far apart: peers must hear from this
// node in time, and silent peers must be noticed.
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
			m.end(s, "it has been silent", now)
			continue
		}
		m.watchExchange(s, now)
	}
	m.exchangeIfDue(now)
	m.convene(now)
	if m.Desk != nil {
		m.Desk.Tick(now.Mono)
	}
}

// IsIdle reports whether nothing is on its way between this node and its connected peers, so that the next Tick would
// only look at the time. The DB may have changes that no Tick has taken.
func (m *Machine) IsIdle() bool {
	if m.refresh.wanted || m.refresh.running || m.Desk != nil && !m.Desk.IsIdle() {
		return false
	}
	for _, p := range m.ordered {
		s := p.session
		if s != nil && (s.resuming || s.ackDue || len(s.quotas.answers) > 0 || p.isBehind() || len(p.points) > 0 || s.exchange.stage != idle || len(s.exchange.tasks) > 0) {
			return false
		}
	}
	return true
}

// Due is how long it is until Watch will have to do something although nothing has happened, besides sending Pings: end
// the session of a silent peer, or compare.
func (m *Machine) Due(now engine.Moment) time.Duration {
	due := now.Mono + int64(mostDead)
	for _, p := range m.ordered {
		if s := p.session; s != nil {
			due = min(due, s.heard+int64(m.dead))
			if s.leads && m.busy == nil {
				due = min(due, s.nextExchange)
			}
		}
	}
	return time.Duration(max(due-now.Mono, 0))
}

// meet adds a peer, ordered by node id.
func (m *Machine) meet(p *peer) {
	m.peers[p.node] = p
	at, _ := slices.BinarySearchFunc(m.ordered, p.node, func(other *peer, node uint16) int { return cmp.Compare(other.node, node) })
	m.ordered = slices.Insert(m.ordered, at, p)
}
