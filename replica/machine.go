// Package replica is the protocol between nodes.
package replica

import (
	"errors"
	"log/slog"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// Errors of Connect.
var (
	ErrSelf      = errors.New("the peer is this node itself")
	ErrOwnID     = errors.New("the peer has this node's id")
	ErrTwice     = errors.New("another process with the peer's id is connected")
	ErrDuplicate = errors.New("there is a connection to the peer already")
)

// Hello is what a node says of itself when a connection begins.
type Hello struct {
	Node     uint16
	Run      uint64 // nonce of this start
	Life     uint64 // that it counts under
	Peer     uint64 // the run of the other side that Received is about; 0: none
	Received uint64 // the last round of it that was merged
	Address  string // of its replication port, to be shown
}

// Disk is where changes are kept.
type Disk interface {
	Group() uint64
	Safe(group uint64) bool
}

// Options of a Machine.
type Options struct {
	Node      uint16
	Run, Life uint64
	Address   string
	DB        *engine.DB
	Disk      Disk          // nil: nothing is kept
	BatchSize int           // deltas in a frame
	Interval  time.Duration // between two comparisons with a peer
	Log       *slog.Logger
}

// Machine is the protocol of one node.
type Machine struct{}

// Session is a connection to a peer.
type Session struct{}

// Status is what there is to know of replication.
type Status struct {
	Round uint64
	Peers []PeerStatus
}

// PeerStatus is what there is to know of a peer.
type PeerStatus struct {
	Node    uint16
	Run     uint64
	Address string
	State   string // online, syncing, offline
}

func New(o Options) *Machine               { return &Machine{} }
func (m *Machine) Hello(peer uint16) Hello { return Hello{} }
func (m *Machine) Connect(h Hello, dialed bool, now engine.Moment) (*Session, error) {
	return nil, nil
}
func (m *Machine) Disconnect(s *Session, now engine.Moment)                  {}
func (m *Machine) Receive(s *Session, frame []byte, now engine.Moment) error { return nil }
func (m *Machine) Next(s *Session, dst []byte, now engine.Moment) []byte     { return dst }
func (m *Machine) Tick(now engine.Moment)                                    {}
func (m *Machine) RefreshDue() bool                                          { return false }
func (m *Machine) Refreshed(now engine.Moment)                               {}
func (m *Machine) Status(now engine.Moment) Status                           { return Status{} }
func (s *Session) Ended() bool                                               { return false }
func (s *Session) Node() uint16                                              { return 0 }
