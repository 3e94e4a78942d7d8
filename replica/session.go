package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/engine"
)

// Kinds of frames. Numbers are unsigned varints unless a size is given; records are those of package crdt, whose rows have the sender's numbers.
//
//	Writers  writer records: whose rows the next numbers stand for
//	Deltas   round, or 0; records. With it all up to that round has been sent
//	Ack      frames of deltas merged in this session; round up to which all is merged; round up to which all is safe on the disk
//	Ping     what is to be known besides, or nothing: see ping.go
//
// and those of comparing: see exchange.go.
const (
	kindWriters = 1 + iota
	kindDeltas
	kindAck
	kindPing
	kindCompare
	kindReady
	kindBusy
	kindAsk
	kindSums
	kindList
	kindKeys
	kindFill
	kindWant
	kindGiven
	kindRepair
	kindWhole
	kindEnd
)

const (
	// nextBytes is about how much Next makes at once.
	nextBytes = 256 << 10
	// maxWriters is how many writers a peer may name.
	maxWriters = 1 << 22
)

// ErrProtocol: a peer has said what nobody says.
var ErrProtocol = errors.New("not as the protocol has it")

// Session is one connection to a peer.
type Session struct {
	machine *Machine
	peer    *peer
	dialed  bool
	leads   bool // this node leads comparing
	ended   bool
	why     string
	before  peerStats // when the two connected

	heard, said int64 // Moment.Mono when anything was last received, and sent
	exchanges   bool  // what was given last is of comparing

	resuming   bool // the peer has not said yet what it has
	sentFrames uint64
	writersOut int // how many of this node's writers the peer knows

	writers  []uint32 // by the peer's numbers, this node's
	merged   uint64   // frames of deltas
	ackDue   bool
	exchange exchange
	back     hashSet // keys that the peer is to be told of, which are hidden here

	stops     bool // the peer has said that it stops
	stopsSaid bool // this node has
	heldDue   bool // it is to be told that registers are held back

	synced       bool  // the two have compared all since each of them has started
	nextExchange int64 // Moment.Mono
}

// Node is the id of the node on the other side.
func (s *Session) Node() uint16 { return s.peer.node }

// Ended reports whether the session is over, and why: the connection is to be closed.
func (s *Session) Ended() (ended bool, why string) { return s.ended, s.why }

// Stops reports whether the peer has said that it stops.
func (s *Session) Stops() bool { return s.stops }

// Comparing reports whether the two compare what they store at the moment.
func (s *Session) Comparing() bool { return s.exchange.stage == comparing }

// fromGreater reports whether the connection was made by the node with the greater id.
func (s *Session) fromGreater() bool { return s.dialed == (s.machine.Node > s.peer.node) }

// Next appends what is to be sent to the peer now, whole frames, nothing if there is nothing. It is to be called when what it gave before is written, and after
// each call of the machine that may have made something to say.
func (m *Machine) Next(s *Session, dst []byte, now engine.Moment) []byte {
	if s.ended {
		return dst
	}
	before := len(dst)
	stop := before + nextBytes
	if s.ackDue {
		s.ackDue = false
		dst = s.appendAck(dst)
	}
	s.exchanges = false
	for full := false; !full && len(dst) < stop; {
		at := len(dst)
		dst = s.peer.nextDeltas(s, dst)
		deltas := len(dst)
		dst = s.nextExchangeFrames(dst, now)
		full = len(dst) == at
		s.exchanges = s.exchanges || len(dst) > deltas
	}
	dst = s.appendPing(dst, len(dst) == before && time.Duration(now.Mono-s.said) >= pingAfter, now)
	if len(dst) > before {
		s.said = now.Mono
		s.peer.stats.bytesSent += uint64(len(dst) - before)
	}
	return dst
}

// Moved says that a part of a frame that takes long has come from the peer, or has gone to it: it is slow, but neither silent nor has it stopped comparing.
func (m *Machine) Moved(s *Session, came, gone bool, now engine.Moment) {
	if came {
		s.heard = now.Mono
	}
	if came || gone && (s.exchanges || len(s.exchange.tasks) > 0) { // or it waits behind what goes
		s.exchange.heard = now.Mono
	}
}

func (s *Session) appendAck(dst []byte) []byte {
	return appendFrame(dst, kindAck, func(b []byte) []byte {
		b = binary.AppendUvarint(b, s.merged)
		b = binary.AppendUvarint(b, s.peer.received)
		return binary.AppendUvarint(b, s.peer.stable)
	})
}

// appendWriters tells the peer of the first n of this node's writers, if it does not know them.
func (s *Session) appendWriters(dst []byte, n int) []byte {
	if n <= s.writersOut {
		return dst
	}
	first := s.writersOut
	fresh := s.machine.DB.Writers(first)[:n-first]
	s.writersOut = n
	return appendFrame(dst, kindWriters, func(b []byte) []byte {
		for i, w := range fresh {
			b = crdt.AppendWriter(b, uint32(first+i), w)
		}
		return b
	})
}

// Receive takes a frame that the peer has sent, as SplitFrame gave it. After an error the connection is to be closed. Errors: ErrProtocol, crdt.ErrShort, crdt.ErrCorrupt,
// crdt.ErrLater.
func (m *Machine) Receive(s *Session, frame []byte, now engine.Moment) error {
	if s.ended {
		return nil
	}
	s.heard = now.Mono
	s.peer.stats.bytesReceived += uint64(len(frame))
	kind, r := frame[4], reader{rest: frame[frameHeader:]}
	switch kind {
	case kindWriters:
		return s.readWriters(r.rest)
	case kindDeltas:
		return s.readDeltas(&r, now)
	case kindAck:
		return s.readAck(&r)
	case kindPing:
		return s.readPing(&r, now)
	}
	if kind > kindEnd {
		return fmt.Errorf("%w: frame of kind %d", ErrProtocol, kind)
	}
	return s.receiveExchange(kind, &r, now)
}

func (s *Session) readWriters(records []byte) error {
	for len(records) > 0 {
		number, w, rest, err := crdt.DecodeWriter(records)
		if err != nil {
			return err
		}
		if int(number) != len(s.writers) || number >= maxWriters || w.Node == 0 {
			return fmt.Errorf("%w: writer %d after %d", ErrProtocol, number, len(s.writers))
		}
		s.writers = append(s.writers, s.machine.DB.Writer(w))
		records = rest
	}
	return nil
}

func (s *Session) readDeltas(r *reader, now engine.Moment) error {
	number := r.uvarint()
	if r.err != nil {
		return r.err
	}
	n, merged, err := s.merge(r.rest, now, nil)
	if err != nil {
		return err
	}
	p := s.peer
	p.stats.deltasReceived += uint64(n)
	p.stats.deltasMerged += uint64(merged)
	s.merged++
	s.ackDue = true
	if number > 0 {
		p.merged(number, s.machine.Disk)
	}
	return nil
}

func (s *Session) readAck(r *reader) error {
	frames, received, durable := r.uvarint(), r.uvarint(), r.uvarint()
	if err := r.end(); err != nil {
		return err
	}
	if frames > s.sentFrames || received > s.machine.round || durable > received {
		return fmt.Errorf("%w: it acknowledges %d frames of %d, round %d of %d, %d of them safe", ErrProtocol, frames, s.sentFrames, received, s.machine.round, durable)
	}
	if s.resuming {
		s.resuming = false
		s.peer.resume(received)
	}
	s.peer.acknowledge(frames, received, durable)
	return nil
}

// incoming is what merging needs.
type incoming struct {
	entry crdt.Entry
	held  int64  // Moment.Mono of the last line about registers that were held back
	last  uint64 // hash of the key that was merged last
}

const heldEvery = time.Minute

// merge merges records, and says how many they were and how many changed anything. lacking is called for keys of which the peer shows what is past
// its deadline here; nil: nobody wants to know.
func (s *Session) merge(records []byte, now engine.Moment, lacking func(hash uint64)) (n, merged int, err error) {
	m := s.machine
	e := &m.incoming.entry
	horizon := now.Wall + maxAhead.Milliseconds()
	for len(records) > 0 {
		name, rest, err := crdt.DecodeRecord(records, e)
		if err != nil {
			return n, merged, err
		}
		if err := s.renumber(e); err != nil {
			return n, merged, err
		}
		k := m.DB.Key(name)
		m.incoming.last = k.Hash
		done, hidden := m.DB.Merge(k, e, now, horizon)
		if done.Changed != 0 {
			merged++
		}
		if hidden && done.Ahead && lacking != nil {
			lacking(k.Hash)
		}
		if done.Held != 0 || done.Full {
			s.report(name, done, now)
		}
		n++
		records = rest
	}
	return n, merged, nil
}

// renumber gives the rows this node's numbers, and says what cannot be.
func (s *Session) renumber(e *crdt.Entry) error {
	for i := range e.Rows {
		number := e.Rows[i].Writer
		if int64(number) >= int64(len(s.writers)) {
			return fmt.Errorf("%w: unknown writer %d", ErrProtocol, number)
		}
		e.Rows[i].Writer = s.writers[number]
	}
	return engine.CheckQuota(&e.Quota)
}

// report tells of a record that could not be merged as a whole.
func (s *Session) report(name []byte, done crdt.Merged, now engine.Moment) {
	s.peer.stats.held++
	s.heldDue = s.heldDue || done.Held != 0
	in := &s.machine.incoming
	if in.held != 0 && now.Mono-in.held < int64(heldEvery) {
		return
	}
	in.held = now.Mono
	const longest = 64
	if done.Full {
		s.machine.Log.Error("a key has more rows than a node can keep: what a peer has counted on it is left out", "node", s.peer.node, "key", fmt.Sprintf("%.*q", longest, name), "rows", crdt.MaxRows)
		return
	}
	s.machine.Log.Warn("a peer's clock is far ahead of this node's: what it has written is held back until that time; set the clocks right",
		"node", s.peer.node, "key", fmt.Sprintf("%.*q", longest, name), "limit", maxAhead)
}

// reader reads numbers until the first error.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) u64() uint64 {
	if len(r.rest) < 8 {
		r.fail()
		return 0
	}
	v := binary.LittleEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return v
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = fmt.Errorf("%w: a frame is cut short", ErrProtocol)
	}
	r.rest = nil
}

// end is the error, also if something is left.
func (r *reader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%w: %d bytes too many", ErrProtocol, len(r.rest))
	}
	return r.err
}
