package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/engine"
)

// Kinds of frames. Numbers are unsigned varints unless a size is given. Records are encoded by package crdt; their rows
// name writers by the sender's numbers.
//
//	Writers  writer records: the writers that the sender's next numbers stand for
//	Deltas   a round, or 0; records. With this frame everything up to that round has been sent
//	Ack      Deltas frames merged in this session; round up to which all is merged; round up to which all is synced
//	Ping     nothing, or pairs of numbers: see ping.go
//
// Then the kinds for comparing: see exchange.go. Then those about quotas: see quotas.go.
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
	// nextBytes is about the largest number of bytes that one call of Next makes.
	nextBytes = 256 << 10
	// maxWriters is the largest number of writers that a peer may name.
	maxWriters = 1 << 22
)

// ErrProtocol reports a message that violates the protocol.
var ErrProtocol = errors.New("protocol error")

// Session is one connection to a peer.
type Session struct {
	machine *Machine
	peer    *peer
	dialed  bool
	leads   bool // this node leads the comparisons with the peer
	ended   bool
	why     string
	before  peerStats // the peer's statistics when the session began

	heard, said int64 // Moment.Mono when anything was last received, and last sent
	exchanges   bool  // the last output of Next contains frames for comparing

	resuming   bool // the peer has not yet told what it has received
	sentFrames uint64
	writersOut int // the peer knows so many of this node's writers

	writers  []uint32 // from the peer's number of a writer to this node's
	merged   uint64   // number of Deltas frames merged
	ackDue   bool
	exchange exchange
	back     hashSet // keys that are past their deadline here and not at the peer; they are to be sent to the peer

	stops     bool // the peer has said that it stops
	stopsSaid bool // this node has told the peer that it stops
	heldDue   bool // the peer is to be told that this node holds back registers of it

	synced       bool  // since both nodes have started, a comparison has completed
	nextExchange int64 // Moment.Mono

	quotas quotas
}

// Node is the id of the node on the other side.
func (s *Session) Node() uint16 { return s.peer.node }

// Ended reports whether the session is over, and why. The caller then closes the connection.
func (s *Session) Ended() (ended bool, why string) { return s.ended, s.why }

// Stops reports whether the peer has said that it stops.
func (s *Session) Stops() bool { return s.stops }

// IsResuming reports whether the peer has not yet told what it has received. Until then no changes are sent to it.
func (s *Session) IsResuming() bool { return s.resuming }

// Comparing reports whether a comparison of the two stores is running.
func (s *Session) Comparing() bool { return s.exchange.stage == comparing }

// fromGreater reports whether the connection was made by the node with the greater id.
func (s *Session) fromGreater() bool { return s.dialed == (s.machine.Node > s.peer.node) }

// Next appends whole frames to send to the peer now, or nothing if there is nothing to send. Call it when the frames of
// the last call are written, and after each call of the machine that may have made something to send.
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
	dst = s.appendQuotas(dst, stop, now)
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

// Moved tells that a part of a long frame has come from the peer, or has gone to it. So the connection is slow, but the
// peer is neither silent nor has it stopped comparing.
func (m *Machine) Moved(s *Session, came, gone bool, now engine.Moment) {
	if came {
		s.heard = now.Mono
	}
	// Frames for comparing are going now, or wait behind the frame that is going.
	if came || gone && (s.exchanges || len(s.exchange.tasks) > 0) {
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

// appendWriters tells the peer the first n of this node's writers, as far as it does not know them.
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

// Receive handles one frame from the peer, as SplitFrame returned it. After an error the caller closes the connection.
// Errors: ErrProtocol, crdt.ErrShort, crdt.ErrCorrupt, crdt.ErrLater.
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
	if kind > kindEnd && kind <= kindLast {
		return s.receiveQuotas(kind, &r, now)
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
		return fmt.Errorf("%w: it acknowledges %d of %d frames and round %d of %d, synced up to %d", ErrProtocol, frames, s.sentFrames, received, s.machine.round, durable)
	}
	if s.resuming {
		s.resuming = false
		s.peer.resume(received)
	}
	s.peer.acknowledge(frames, received, durable)
	return nil
}

// incoming is the state for merging records of peers.
type incoming struct {
	entries [mergedAtOnce]crdt.Entry
	keys    [mergedAtOnce]engine.Key
	held    int64  // Moment.Mono of the last log line about registers held back
	last    uint64 // hash of the last merged key
}

const (
	heldEvery = time.Minute
	// mergedAtOnce is how many records are decoded before they are merged, so that the cache misses of their keys
	// overlap: see engine.DB.Warm.
	mergedAtOnce = 32
	// keptRows is for how many rows the memory of a decoded record is kept.
	keptRows = 256
)

// merge merges records. It returns the number of records, and how many of them changed this node's store. lacking,
// unless nil, is called with each key that is past its deadline here while the peer's record shows that the peer does
// not know this deadline.
func (s *Session) merge(records []byte, now engine.Moment, lacking func(hash uint64)) (n, merged int, err error) {
	in, db := &s.machine.incoming, s.machine.DB
	horizon := now.Wall + maxAhead.Milliseconds()
	for err == nil && len(records) > 0 {
		var count int
		count, records, err = s.decode(records)
		db.Warm(in.keys[:count])
		for i, k := range in.keys[:count] {
			e := &in.entries[i]
			in.last = k.Hash
			done, hidden := db.Merge(k, e, now, horizon)
			if done.Changed != 0 {
				merged++
			}
			if hidden && done.Ahead && lacking != nil {
				lacking(k.Hash)
			}
			if done.Held != 0 || done.Full {
				s.report(k.Name, done, now)
			}
			if cap(e.Rows) > keptRows {
				e.Rows = nil
			}
			n++
		}
	}
	return n, merged, err
}

// decode decodes the next records into the machine's incoming: at most mergedAtOnce, and those before an error.
func (s *Session) decode(records []byte) (count int, rest []byte, err error) {
	in := &s.machine.incoming
	for ; count < mergedAtOnce && len(records) > 0; count++ {
		e := &in.entries[count]
		name, rest, err := crdt.DecodeRecord(records, e)
		if err == nil {
			err = s.renumber(e)
		}
		if err != nil {
			return count, nil, err
		}
		in.keys[count] = s.machine.DB.Key(name)
		records = rest
	}
	return count, records, nil
}

// renumber replaces the peer's numbers of writers by this node's, and checks the quota.
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

// report counts and logs a record that could not be merged completely.
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
		s.machine.Log.Error("a key has more rows than a node can store: a peer's count of this key is left out", "node", s.peer.node, "key", fmt.Sprintf("%.*q", longest, name), "rows", crdt.MaxRows)
		return
	}
	s.machine.Log.Warn("a peer's clock is far ahead of this node's: its values, TTLs and quotas are held back until this node's clock reaches their time; set the clocks right",
		"node", s.peer.node, "key", fmt.Sprintf("%.*q", longest, name), "limit", maxAhead)
}

// reader reads numbers. After the first error it returns zeros.
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

// end returns the first error, or an error if bytes are left.
func (r *reader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%w: %d bytes too many", ErrProtocol, len(r.rest))
	}
	return r.err
}
