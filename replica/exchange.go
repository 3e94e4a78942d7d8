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
	nodes  []node   // of the tree, to ask about: a stack
	flying int      // questions without an answer
	wants  []uint64 // hashes to ask for

	// A leader's, and on the other side the answers.
	tasks []task // what is to be sent, in order

	position int // of Leaves: how far it has come
	moving   moving
}

// node is one of the tree, or a leaf.
type node struct {
	level, index int
	empty        bool // there is nothing here
	lacking      bool // there is nothing on the other side
}

// task is something to be sent: a frame that is ready, or states, made when there is room.
type task struct {
	frame  []byte
	hashes []uint64
	first  uint64 // of a range of hashes
	last   uint64
	given  bool // Given follows
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

// exchangeIfDue begins to compare, or gives a comparison up in which nothing happens.
func (m *Machine) exchangeIfDue(s *Session, now engine.Moment) {
	x := &s.exchange
	switch {
	case x.stage == waiting || x.stage == comparing:
		s.logProgress(now)
		if time.Duration(now.Mono-x.heard) > quietTooLong {
			m.end(s, "it does not go on comparing")
		}
	case m.busy == nil && s.leads && !s.resuming && now.Mono >= s.nextExchange:
		m.enter(s, now)
	}
}

// logProgress tells how far the first comparison has come.
func (s *Session) logProgress(now engine.Moment) {
	if x := &s.exchange; !s.synced && now.Mono-x.logged >= int64(progressEvery) {
		x.logged = now.Mono
		c := &s.peer.stats
		s.machine.Log.Info("comparing all with a peer", "node", s.peer.node, "percent", 100*x.position/engine.Leaves, "keys received", c.repairs+c.filled, "sent", c.given)
	}
}

// enter makes the session the one that compares.
func (m *Machine) enter(s *Session, now engine.Moment) {
	m.busy = s
	m.refresh.wanted = true
	s.exchange = exchange{stage: refreshing, heard: now.Mono, logged: now.Mono, tasks: s.exchange.tasks}
}

// leave ends a comparison.
func (m *Machine) leave(s *Session, now engine.Moment) {
	m.busy = nil
	if c := &s.peer.stats; !s.synced {
		m.Log.Info("compared all with a peer", "node", s.peer.node, "keys received", c.repairs+c.filled, "sent", c.given)
	}
	s.synced, s.peer.compared, s.peer.comparedAt = true, true, now.Mono
	s.exchange = exchange{tasks: s.exchange.tasks}
	s.nextExchange = now.Mono + int64(m.Interval)
}

// say has a frame sent.
func (s *Session) say(kind byte, payload []byte) {
	s.exchange.tasks = append(s.exchange.tasks, task{frame: appendFrame(nil, kind, func(b []byte) []byte { return append(b, payload...) })})
}

// ask is say for a question.
func (s *Session) ask(kind byte, payload []byte) {
	s.exchange.flying++
	s.say(kind, payload)
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
	var hidden []uint64
	_, merged, err := s.merge(r.rest, now, func(hash uint64) { hidden = append(hidden, hash) })
	if len(hidden) > 0 {
		s.give(task{hashes: hidden})
	}
	if kind == kindRepair {
		s.peer.stats.repairs += uint64(merged)
	} else {
		s.peer.stats.filled += uint64(merged)
	}
	return err
}

// answer takes a question.
func (s *Session) answer(kind byte, r *reader, now engine.Moment) error {
	m := s.machine
	if kind == kindCompare {
		if err := r.end(); err != nil {
			return err
		}
		if m.busy != nil {
			s.say(kindBusy, nil)
			return nil
		}
		m.enter(s, now)
		return nil
	}
	if s.exchange.stage != comparing || len(s.exchange.tasks) > maxQuestions {
		return fmt.Errorf("%w: a question out of turn", ErrProtocol)
	}
	switch kind {
	case kindAsk:
		return s.answerAsk(r)
	case kindList:
		return s.answerList(r, now)
	case kindFill:
		n, err := r.node(engine.Levels)
		if err != nil {
			return err
		}
		t := n.whole()
		t.given = true
		s.give(t)
		return nil
	case kindWant:
		if len(r.rest)%8 != 0 || len(r.rest) > 8*wantAtOnce {
			return fmt.Errorf("%w: want", ErrProtocol)
		}
		var hashes []uint64
		for len(r.rest) > 0 {
			hashes = append(hashes, r.u64())
		}
		s.give(task{hashes: hashes, given: true})
		return nil
	}
	m.leave(s, now) // kindEnd
	return r.end()
}

const leafShift = 48

func (s *Session) give(t task) { s.exchange.tasks = append(s.exchange.tasks, t) }

func (s *Session) answerAsk(r *reader) error {
	n, err := r.node(engine.Levels - 1)
	if err != nil {
		return err
	}
	payload := n.append(nil)
	for _, sum := range s.machine.DB.Sums(n.level, n.index) {
		payload = binary.LittleEndian.AppendUint64(payload, sum)
	}
	s.exchange.position = n.leaf()
	s.say(kindSums, payload)
	return nil
}

func (s *Session) answerList(r *reader, now engine.Moment) error {
	leaf := r.uvarint()
	if err := r.end(); err != nil || leaf >= engine.Leaves {
		return fmt.Errorf("%w: list", ErrProtocol)
	}
	payload := binary.AppendUvarint(nil, leaf)
	s.machine.DB.LeafKeys(int(leaf), now, func(hash, digest uint64, _ bool) {
		payload = binary.LittleEndian.AppendUint64(payload, hash)
		payload = binary.LittleEndian.AppendUint64(payload, digest)
	})
	s.exchange.position = int(leaf)
	s.say(kindKeys, payload)
	return nil
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

// leaf is the first leaf below the node.
func (n node) leaf() int {
	leaf := n.index
	for range engine.Levels - n.level {
		leaf *= engine.Fanout
	}
	return leaf
}

// lead takes an answer.
func (s *Session) lead(kind byte, r *reader, now engine.Moment) error {
	x := &s.exchange
	if kind == kindBusy && x.stage == waiting {
		s.machine.busy = nil
		s.peer.stats.busy++
		s.exchange = exchange{tasks: x.tasks}
		s.nextExchange = now.Mono + int64(busyAgain)
		return r.end()
	}
	if kind == kindReady && x.stage == waiting {
		x.stage = comparing
		x.nodes = []node{{}}
		return r.end()
	}
	if x.stage != comparing || x.flying == 0 {
		return fmt.Errorf("%w: an answer out of turn", ErrProtocol)
	}
	x.flying--
	switch kind {
	case kindSums:
		return s.readSums(r)
	case kindKeys:
		return s.readKeys(r, now)
	case kindGiven:
		return r.end()
	}
	return fmt.Errorf("%w: frame of kind %d", ErrProtocol, kind)
}

// readSums compares the sums of a node's children with this node's.
func (s *Session) readSums(r *reader) error {
	n, err := r.node(engine.Levels - 1)
	if err != nil {
		return err
	}
	own := s.machine.DB.Sums(n.level, n.index)
	var theirs [engine.Fanout]uint64
	for i := range theirs {
		theirs[i] = r.u64()
	}
	if err := r.end(); err != nil {
		return err
	}
	x := &s.exchange
	x.position = n.leaf()
	for i := engine.Fanout - 1; i >= 0; i-- { // the first is to be on top of the stack
		if own[i] == theirs[i] {
			continue
		}
		x.nodes = append(x.nodes, node{n.level + 1, n.index*engine.Fanout + i, own[i] == 0, theirs[i] == 0})
	}
	return nil
}

// visit asks about a node of the tree, or has a leaf sent of which the other side has nothing.
func (s *Session) visit(n node) {
	switch {
	case n.lacking:
		s.give(n.whole())
	case n.empty:
		s.ask(kindFill, n.append(nil))
	case n.level < engine.Levels:
		s.ask(kindAsk, n.append(nil))
	default:
		s.ask(kindList, binary.AppendUvarint(nil, uint64(n.index)))
	}
}

// whole is all that is below the node.
func (n node) whole() task {
	shift := 64 - levelBits*n.level
	first := uint64(n.index) << shift
	return task{first: first, last: first | (1<<shift - 1)}
}

// levelBits is how many bits of a hash tell the children of a node apart.
const levelBits = 4

// readKeys compares the keys of a leaf with this node's: it sends what the other lacks, and asks for what this node lacks.
func (s *Session) readKeys(r *reader, now engine.Moment) error {
	leaf := r.uvarint()
	if r.err != nil || leaf >= engine.Leaves || len(r.rest)%16 != 0 {
		return fmt.Errorf("%w: keys", ErrProtocol)
	}
	theirs := make(map[uint64]uint64, len(r.rest)/16)
	var order []uint64
	for len(r.rest) > 0 {
		hash, digest := r.u64(), r.u64()
		if hash>>leafShift != leaf {
			return fmt.Errorf("%w: keys of another leaf", ErrProtocol)
		}
		if _, twice := theirs[hash]; !twice {
			order = append(order, hash)
		}
		theirs[hash] += digest // of names with the same hash
	}
	ours := make(map[uint64]uint64)
	var mine []uint64
	s.machine.DB.LeafKeys(int(leaf), now, func(hash, digest uint64, _ bool) {
		if _, twice := ours[hash]; !twice {
			mine = append(mine, hash)
		}
		ours[hash] += digest
	})
	var gives []uint64
	for _, hash := range mine {
		if theirs[hash] != ours[hash] {
			gives = append(gives, hash)
		}
	}
	if len(gives) > 0 {
		s.give(task{hashes: gives})
	}
	for _, hash := range order {
		if theirs[hash] != ours[hash] {
			s.exchange.wants = append(s.exchange.wants, hash)
		}
	}
	return nil
}

// goOn asks what is to be asked next.
func (s *Session) goOn() {
	x := &s.exchange
	for x.flying < askAhead && len(x.tasks) < askAhead && len(x.wants) > 0 {
		n := min(len(x.wants), wantAtOnce)
		var payload []byte
		for _, hash := range x.wants[:n] {
			payload = binary.LittleEndian.AppendUint64(payload, hash)
		}
		x.wants = x.wants[n:]
		s.ask(kindWant, payload)
	}
	for x.flying < askAhead && len(x.tasks) < askAhead && len(x.nodes) > 0 {
		n := x.nodes[len(x.nodes)-1]
		x.nodes = x.nodes[:len(x.nodes)-1]
		s.visit(n)
	}
}

// nextExchangeFrames appends what there is to say of comparing, one task.
func (s *Session) nextExchangeFrames(dst []byte, now engine.Moment) []byte {
	x := &s.exchange
	if s.leads && x.stage == comparing {
		s.goOn()
		if len(x.tasks) == 0 && x.flying == 0 {
			dst = appendFrame(dst, kindEnd, func(b []byte) []byte { return b })
			s.machine.leave(s, now)
			return dst
		}
	}
	if len(x.tasks) == 0 {
		return dst
	}
	x.heard = now.Mono
	t := &x.tasks[0]
	done := true
	switch {
	case t.frame != nil:
		dst = append(dst, t.frame...)
	case t.hashes != nil:
		dst, done = s.appendHashes(dst, t, now)
	default:
		dst, done = s.appendRange(dst, t, now)
	}
	if done {
		if t.given {
			dst = appendFrame(dst, kindGiven, func(b []byte) []byte { return b })
		}
		x.tasks[0] = task{}
		x.tasks = x.tasks[1:]
	}
	return dst
}

// appendRange appends a part of a range of hashes.
func (s *Session) appendRange(dst []byte, t *task, now engine.Moment) (_ []byte, done bool) {
	d := &s.machine.deltas
	d.Reset()
	t.first, done = s.machine.DB.AppendRange(d, t.first, t.last, now, repairBytes)
	s.exchange.position = engine.Leaf(t.first)
	return s.appendRepair(dst, kindWhole, d), done
}

// moving is the keys of which a change is on its way to a peer. Finding them takes long, and what it is for, telling repairs from what would have come anyway, need not be
// exact: it is made anew after movingFor.
type moving struct {
	hashSet
	until int64 // Moment.Mono
}

const movingFor = 10 * time.Millisecond

// isMoving reports whether a change of a key is on its way to the peer.
func (s *Session) isMoving(hash uint64, now engine.Moment) bool {
	if c := &s.exchange.moving; now.Mono >= c.until {
		s.machine.take(now) // what is about to be on its way is then on its way
		*c = moving{s.peer.moving(), now.Mono + int64(movingFor)}
	}
	return s.exchange.moving.has(hash)
}

// appendHashes appends states of keys, those apart of which a change is on its way anyway.
func (s *Session) appendHashes(dst []byte, t *task, now engine.Moment) (_ []byte, done bool) {
	d, db := &s.machine.deltas, s.machine.DB
	s.isMoving(0, now) // which takes, and uses d
	for _, kind := range [2]byte{kindRepair, kindWhole} {
		d.Reset()
		for _, hash := range t.hashes {
			if s.isMoving(hash, now) == (kind == kindWhole) {
				db.AppendState(d, hash, true)
			}
		}
		dst = s.appendRepair(dst, kind, d)
	}
	return dst, true
}

func (s *Session) appendRepair(dst []byte, kind byte, d *engine.Deltas) []byte {
	if len(d.Records) == 0 {
		return dst
	}
	dst = s.appendWriters(dst, len(s.machine.DB.Writers(0)))
	s.peer.stats.given += uint64(len(d.Hashes))
	return appendFrame(dst, kind, func(b []byte) []byte { return append(b, d.Records...) })
}
