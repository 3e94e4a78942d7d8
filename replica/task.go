package replica

import (
	"slices"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// task is something to send for comparing: a ready frame, or states of keys, which are made when there is room.
type task struct {
	frame  []byte
	hashes []uint64
	first  uint64 // first to last: a range of hashes
	last   uint64
	left   []uint64 // hashes of the range before first that are still to be sent
	all    bool     // nothing of the range is left except these
	given  bool     // send Given afterwards
	leaves int      // the leader's: so many leaves are settled once this is sent
}

// say queues a frame.
func (s *Session) say(kind byte, payload []byte) {
	s.exchange.tasks = append(s.exchange.tasks, task{frame: appendFrame(nil, kind, func(b []byte) []byte { return append(b, payload...) })})
}

// ask queues a question.
func (s *Session) ask(kind byte, payload []byte, q question) {
	s.exchange.asked = append(s.exchange.asked, q)
	s.say(kind, payload)
}

func (s *Session) give(t task) { s.exchange.tasks = append(s.exchange.tasks, t) }

// whole is a task that sends everything below the node.
func (n node) whole() task {
	shift := 64 - levelBits*n.level
	first := uint64(n.index) << shift
	return task{first: first, last: first | (1<<shift - 1)}
}

// levelBits is the number of bits of a hash that select a child of a tree node.
const levelBits = 4

// nextExchangeFrames appends frames for comparing: one task, or a part of it.
func (s *Session) nextExchangeFrames(dst []byte, now engine.Moment) []byte {
	x := &s.exchange
	if len(x.tasks) == 0 && s.back.len() > 0 {
		s.give(task{hashes: s.back.take()})
	}
	if s.leads && x.stage == comparing {
		s.goOn()
		if len(x.tasks) == 0 && len(x.asked) == 0 {
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
		x.settle(&t.leaves, 0)
		if t.given {
			dst = appendFrame(dst, kindGiven, func(b []byte) []byte { return b })
		}
		x.tasks[0] = task{}
		x.tasks = x.tasks[1:]
	}
	return dst
}

// appendRange appends a part of the states in a range of hashes.
func (s *Session) appendRange(dst []byte, t *task, now engine.Moment) (_ []byte, done bool) {
	d := &s.machine.deltas
	d.Reset()
	for len(t.left) > 0 && len(d.Records) < repairBytes {
		s.machine.DB.AppendState(d, t.left[0], true)
		t.left = t.left[1:]
	}
	if len(d.Records) < repairBytes && !t.all {
		t.first, t.all = s.machine.DB.AppendRange(d, t.first, t.last, now, repairBytes-len(d.Records))
		t.left = slices.Clone(d.Left)
		if t.leaves > 0 && !t.all {
			s.exchange.settle(&t.leaves, engine.Leaf(t.last)-engine.Leaf(t.first)+1)
		}
	}
	return s.appendRepair(dst, kindWhole, d), t.all && len(t.left) == 0
}

// moving is a cache of the keys with a change on its way to the peer. It only separates real repairs from changes that
// would have arrived anyway, for the statistics. So it may be stale; it is rebuilt after a time that grows with its
// size.
type moving struct {
	hashSet
	until int64 // Moment.Mono
}

const (
	movingFor     = 10 * time.Millisecond
	movingForEach = time.Microsecond // finding one key takes about a tenth of it
)

// isMoving reports whether a change of the key is on its way to the peer.
func (s *Session) isMoving(hash uint64, now engine.Moment) bool {
	if c := &s.exchange.moving; now.Mono >= c.until {
		s.machine.take(now) // so that the changes made until now count as on their way
		set := s.peer.moving()
		*c = moving{set, now.Mono + int64(movingFor+time.Duration(set.len())*movingForEach)}
	}
	return s.exchange.moving.has(hash)
}

// appendHashes appends a part of the states of keys. Keys with a change on its way anyway go in frames of their own.
func (s *Session) appendHashes(dst []byte, t *task, now engine.Moment) (_ []byte, done bool) {
	s.isMoving(0, now) // called first because it may take a round, which uses m.deltas too
	d := &s.machine.deltas
	d.Reset()
	kind := byte(kindRepair)
	n := 0
	for ; n < len(t.hashes) && len(d.Records) < repairBytes; n++ {
		if next := s.repairKind(t.hashes[n], now); next != kind {
			if len(d.Records) > 0 {
				break
			}
			kind = next
		}
		s.machine.DB.AppendState(d, t.hashes[n], true)
	}
	t.hashes = t.hashes[n:]
	return s.appendRepair(dst, kind, d), len(t.hashes) == 0
}

// repairKind is the kind of frame for a key that the peer lacks or has in another state.
func (s *Session) repairKind(hash uint64, now engine.Moment) byte {
	if s.isMoving(hash, now) {
		return kindWhole
	}
	return kindRepair
}

func (s *Session) appendRepair(dst []byte, kind byte, d *engine.Deltas) []byte {
	if len(d.Records) == 0 {
		return dst
	}
	dst = s.appendWriters(dst, s.machine.DB.WriterCount())
	s.peer.stats.given += uint64(len(d.Hashes))
	return appendFrame(dst, kind, func(b []byte) []byte { return append(b, d.Records...) })
}
