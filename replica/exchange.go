package replica

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// Two nodes compare their stores from the root of a tree of sums downwards; package engine keeps the tree. The node
// with the smaller id leads and asks. The other node answers each question in order and keeps no state about it. The
// leader asks depth first, so its list of open questions stays short.
//
//	leader           other     (frames, and their contents)
//	Compare  ->                  update your sums
//	         <-  Ready           they are up to date; or Busy: comparing with another node, ask again later
//	Ask      ->                  level, index of a tree node: what are the sums of its children?
//	         <-  Sums            level, index; 16 sums (8 bytes each)
//	List     ->                  leaf: which keys do you have?
//	         <-  Keys            leaf; hash and digest of each key (8, 8)
//	Want     ->                  hashes (8 each): send these keys
//	Fill     ->                  level, index: send everything below, the leader has nothing there
//	         <-  Repair, Whole   records, in as many frames as needed; then
//	         <-  Given
//	Repair   ->                  records that the other lacks or has in another state
//	Whole    ->                  records that do not count as repairs: new to the other, or on their way anyway
//	End      ->                  every question is answered
const (
	askAhead      = 32 // questions without an answer
	maxQuestions  = 2 * askAhead
	wantAtOnce    = 4096     // hashes in a Want
	repairBytes   = 64 << 10 // about so many bytes of records in a frame
	busyAgain     = time.Second / 4
	progressEvery = time.Second
	quietTooLong  = 30 * time.Second // after this time without progress while something is due, the session ends
)

type stage uint8

const (
	idle       stage = iota
	refreshing       // this node's sums are being brought up to date
	waiting          // the leader waits for Ready
	comparing
)

// exchange is the state of a comparison on one side.
type exchange struct {
	stage  stage
	heard  int64 // Moment.Mono
	logged int64 // Moment.Mono of the last log line about progress

	// Only the leader's.
	nodes []node     // a stack of tree nodes to ask about
	asked []question // questions without an answer, in order
	wants []uint64   // hashes of keys to ask for

	// On both sides; on the other side these are the answers.
	tasks []task // things to send, in order

	// settled is the number of leaves for which everything has been sent in both directions; on the other side, as told
	// by the leader.
	settled int
	toldOf  int // the number that the leader last told the other side
	toldAt  int64
	moving  moving
	apart   map[part]standoff // the leader's: differences, for the next comparison
}

// question is an open question of the leader: the kind of its answer, and the part of the tree that it is about.
type question struct {
	answer byte
	about  node
	leaves int // so many leaves are settled once the answer has come
}

// node is a node of the tree of sums, or a leaf.
type node struct {
	level, index int
	empty        bool // this node has nothing there
	lacking      bool // the other side has nothing there
}

// refresh tells whether the sums must be brought up to date, and whether that is being done.
type refresh struct{ wanted, running bool }

// RefreshDue reports whether the caller has to call DB.RefreshDigests, and then Refreshed. The first call may run in
// another goroutine, since it can take long.
func (m *Machine) RefreshDue() bool {
	if !m.refresh.wanted || m.refresh.running {
		return false
	}
	m.refresh = refresh{running: true}
	return true
}

// Refreshed tells the machine that the sums are up to date.
func (m *Machine) Refreshed(now engine.Moment) {
	m.refresh.running = false
	s := m.busy
	if s == nil || s.exchange.stage != refreshing || m.refresh.wanted {
		return
	}
	if s.exchange.heard = now.Mono; s.leads {
		s.exchange.stage = waiting
		s.say(kindCompare, nil)
		return
	}
	s.exchange.stage = comparing
	s.say(kindReady, nil)
}

// watchExchange ends a session whose comparison makes no progress.
func (m *Machine) watchExchange(s *Session, now engine.Moment) {
	if x := &s.exchange; x.stage == waiting || x.stage == comparing {
		s.logProgress(now)
		if time.Duration(now.Mono-x.heard) > quietTooLong {
			m.end(s, "it has stopped comparing", now)
		}
	}
}

// exchangeIfDue begins a comparison with the peer that has been due longest. In another order, some peers would never
// have their turn if comparing takes longer than an interval.
func (m *Machine) exchangeIfDue(now engine.Moment) {
	if m.busy != nil {
		return
	}
	var first *Session
	for _, p := range m.ordered {
		if s := p.session; s != nil && s.leads && !s.resuming && now.Mono >= s.nextExchange && (first == nil || s.nextExchange < first.nextExchange) {
			first = s
		}
	}
	if first != nil {
		m.enter(first, now)
	}
}

// logProgress logs the progress of the first comparison with a peer.
func (s *Session) logProgress(now engine.Moment) {
	if x := &s.exchange; !s.synced && now.Mono-x.logged >= int64(progressEvery) {
		x.logged = now.Mono
		received, sent := s.exchanged()
		s.machine.Log.Info("syncing with peer", "node", s.peer.node, "percent", 100*x.settled/engine.Leaves, "keys_received", received, "sent", sent)
	}
}

// exchanged returns how many keys comparing has brought and sent since the session began.
func (s *Session) exchanged() (received, sent uint64) {
	c, before := &s.peer.stats, &s.before
	return c.repairs + c.filled - before.repairs - before.filled, c.given - before.given
}

// enter begins a comparison in this session.
func (m *Machine) enter(s *Session, now engine.Moment) {
	m.busy = s
	m.refresh.wanted = true
	s.exchange = exchange{stage: refreshing, heard: now.Mono, logged: now.Mono, toldAt: now.Mono, tasks: s.exchange.tasks}
}

// leave ends a completed comparison.
func (m *Machine) leave(s *Session, now engine.Moment) {
	m.busy = nil
	if !s.synced {
		received, sent := s.exchanged()
		m.Log.Info("synced with peer", "node", s.peer.node, "keys_received", received, "sent", sent)
	}
	s.synced, s.peer.compared, s.peer.comparedAt = true, true, now.Mono
	if s.leads {
		s.peer.apart = s.exchange.apart
	}
	s.exchange = exchange{tasks: s.exchange.tasks}
	s.nextExchange = now.Mono + int64(m.Interval)
}

// receiveExchange handles a frame for comparing.
func (s *Session) receiveExchange(kind byte, r *reader, now engine.Moment) error {
	s.exchange.heard = now.Mono
	switch kind {
	case kindRepair, kindWhole:
		return s.readRepair(kind, r, now)
	case kindCompare, kindAsk, kindList, kindFill, kindWant, kindEnd:
		if s.leads {
			return fmt.Errorf("%w: a question to the leader", ErrProtocol)
		}
		return s.answer(kind, r, now)
	}
	if !s.leads {
		return fmt.Errorf("%w: an answer to nothing", ErrProtocol)
	}
	return s.lead(kind, r, now)
}

// readRepair merges records that the other side has found to differ. A key that is past its deadline here is in none of
// this node's sums. If the other side did not know that deadline, the key is sent back, so that it learns of it.
func (s *Session) readRepair(kind byte, r *reader, now engine.Moment) error {
	_, merged, err := s.merge(r.rest, now, s.back.add)
	s.settleFill()
	if kind == kindRepair {
		s.peer.stats.repairs += uint64(merged)
	} else {
		s.peer.stats.filled += uint64(merged)
	}
	return err
}

// node reads a node of the tree, whose level is at most lowest.
func (r *reader) node(lowest uint64) (node, error) {
	level, index := r.uvarint(), r.uvarint()
	if r.err == nil && (level > lowest || index >= 1<<(levelBits*level)) {
		r.err = fmt.Errorf("%w: no such part of the hash space", ErrProtocol)
	}
	return node{level: int(level), index: int(index)}, r.err
}

func (n node) append(dst []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, uint64(n.level)), uint64(n.index))
}

// leaves is the number of leaves below the node.
func (n node) leaves() int { return engine.Leaves >> (levelBits * n.level) }

// leaf is the first leaf below the node.
func (n node) leaf() int { return n.index * n.leaves() }
