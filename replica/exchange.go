package replica

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// Two nodes compare what they store, top-down through the tree of sums that package engine keeps. The one with the smaller id leads and asks; the other answers each question
// in order, and remembers nothing. A leader goes depth first, so what it has yet to ask is little.
//
//	leader           other     (frames, and what is in them)
//	Compare  ->                  bring your sums up to date
//	         <-  Ready           they are; or Busy: it compares with somebody else, come again
//	Ask      ->                  level, index: the sums of that node's children?
//	         <-  Sums            level, index; 16 sums (8 bytes each)
//	List     ->                  leaf: which keys?
//	         <-  Keys            leaf; hash and digest of each (8, 8)
//	Want     ->                  hashes (8 each): their states?
//	Fill     ->                  level, index: all that is below, there is nothing here
//	         <-  Repair, Whole   records, as many frames as it takes; then
//	         <-  Given
//	Repair   ->                  records that the other lacks or has otherwise; Whole: what need not be counted as repaired, because the other had nothing, or a change is on its way
//	End      ->                  all is asked and answered
const (
	askAhead      = 32 // questions without an answer
	maxQuestions  = 2 * askAhead
	wantAtOnce    = 4096     // hashes in a Want
	repairBytes   = 64 << 10 // of records, about, in a frame
	busyAgain     = time.Second / 4
	progressEvery = time.Second
	quietTooLong  = 30 * time.Second // without anything of an exchange in which something is due
)

type stage uint8

const (
	idle       stage = iota
	refreshing       // this node's sums are being brought up to date
	waiting          // a leader, for Ready
	comparing
)

// exchange is a session's part in comparing.
type exchange struct {
	stage  stage
	heard  int64 // Moment.Mono
	logged int64 // Moment.Mono of the last line about progress

	// A leader's.
	nodes []node     // of the tree, to ask about: a stack
	asked []question // without an answer, in order
	wants []uint64   // hashes to ask for

	// A leader's, and on the other side the answers.
	tasks []task // what is to be sent, in order

	settled int // of Leaves, of which all is sent, both ways; on the other side, as the leader has said
	toldOf  int // what of it the leader has told the other side
	toldAt  int64
	moving  moving
	apart   map[part]standoff // a leader's: what differs, for the next comparison
}

// question is what a leader waits for: an answer of a kind, about a part of the tree.
type question struct {
	answer byte
	about  node
	leaves int // of which all is settled once the answer has come
}

// node is one of the tree, or a leaf.
type node struct {
	level, index int
	empty        bool // there is nothing here
	lacking      bool // there is nothing on the other side
}

// refresh is whether the sums are to be brought up to date.
type refresh struct{ wanted, running bool }

// RefreshDue reports whether DB.RefreshDigests is to be called, beside the machine if it takes long, and Refreshed after it.
func (m *Machine) RefreshDue() bool {
	if !m.refresh.wanted || m.refresh.running {
		return false
	}
	m.refresh = refresh{running: true}
	return true
}

// Refreshed says that the sums are up to date.
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

// watchExchange gives a comparison up in which nothing happens.
func (m *Machine) watchExchange(s *Session, now engine.Moment) {
	if x := &s.exchange; x.stage == waiting || x.stage == comparing {
		s.logProgress(now)
		if time.Duration(now.Mono-x.heard) > quietTooLong {
			m.end(s, "it does not go on comparing")
		}
	}
}

// exchangeIfDue begins to compare with the peer that has been due longest: in any other order some would never have their turn where comparing takes
// longer than an interval.
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

// logProgress tells how far the first comparison has come.
func (s *Session) logProgress(now engine.Moment) {
	if x := &s.exchange; !s.synced && now.Mono-x.logged >= int64(progressEvery) {
		x.logged = now.Mono
		received, sent := s.exchanged()
		s.machine.Log.Info("comparing all with a peer", "node", s.peer.node, "percent", 100*x.settled/engine.Leaves, "keys_received", received, "sent", sent)
	}
}

// exchanged is how many keys comparing has brought, and how many it has sent, since the two connected.
func (s *Session) exchanged() (received, sent uint64) {
	c, before := &s.peer.stats, &s.before
	return c.repairs + c.filled - before.repairs - before.filled, c.given - before.given
}

// enter makes the session the one that compares.
func (m *Machine) enter(s *Session, now engine.Moment) {
	m.busy = s
	m.refresh.wanted = true
	s.exchange = exchange{stage: refreshing, heard: now.Mono, logged: now.Mono, toldAt: now.Mono, tasks: s.exchange.tasks}
}

// leave ends a comparison.
func (m *Machine) leave(s *Session, now engine.Moment) {
	m.busy = nil
	if !s.synced {
		received, sent := s.exchanged()
		m.Log.Info("compared all with a peer", "node", s.peer.node, "keys_received", received, "sent", sent)
	}
	s.synced, s.peer.compared, s.peer.comparedAt = true, true, now.Mono
	if s.leads {
		s.peer.apart = s.exchange.apart
	}
	s.exchange = exchange{tasks: s.exchange.tasks}
	s.nextExchange = now.Mono + int64(m.Interval)
}

// receiveExchange takes a frame of comparing.
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

// readRepair merges what the other side found this node to lack. A key that is past its deadline here is in none of this node's sums: if the other
// side did not know of the deadline, it learns of it now.
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

// node reads a node of the tree of at most that level.
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

// leaves is how many are below the node.
func (n node) leaves() int { return engine.Leaves >> (levelBits * n.level) }

// leaf is the first leaf below the node.
func (n node) leaf() int { return n.index * n.leaves() }
