package replica

import (
	"math"
	"slices"
)

const (
	// windowBytes is the largest number of bytes that a peer may leave unacknowledged, and also of rounds that wait for
	// it. Beyond that, only the keys of rounds are remembered.
	windowBytes = 4 << 20
	// catchBytes is about the size of one portion of the states that a peer has missed.
	catchBytes = 64 << 10
)

// peer is another node, connected or not.
//
// It is sent catching first, then missed, then queue; at the end of each, everything up to a round has been sent. sent
// has what was sent and is not acknowledged yet.
type peer struct {
	node    uint16
	run     uint64
	address string
	session *Session // nil: not connected
	window  int      // Options.Window

	queue  []*round
	queued int // bytes of queue

	missed   hashSet  // keys of the rounds whose bytes were dropped
	through  uint64   // the last of those rounds
	since    origin   // the first of those rounds; valid while missed is not empty
	catching []uint64 // missed keys whose states are being sent
	caught   uint64   // after them, everything up to this round has been sent
	lagging  origin   // since, for the keys in catching

	sent    []sending
	unacked int    // bytes in sent
	acked   uint64 // the peer has everything up to this round
	durable uint64 // up to this round everything is synced on the peer's disk
	heard   int64  // Moment.Mono when the last session, now ended, last received something

	received uint64 // the last round of the peer's run that this node has merged
	points   []point
	stable   uint64 // up to this round of the peer, everything is synced on this node's disk

	compared   bool  // a comparison with this run of the peer has completed
	comparedAt int64 // Moment.Mono when the last one completed
	apart      map[part]standoff

	stats peerStats
}

// sending is something that was sent and is not acknowledged: a round, or a portion of missed states.
type sending struct {
	frames  uint64 // Deltas frames of the session up to and including this one
	through uint64 // the round that it belongs to
	hashes  []uint64
	bytes   int
	origin  origin
}

// origin is the oldest round of which something contains changes.
type origin struct {
	round uint64
	at    int64 // Moment.Mono when the round was taken
}

// point: once the group is synced on this node's disk, everything up to the round is.
type point struct{ round, group uint64 }

// maxPoints is the largest number of points kept. Beyond it, a new point replaces the last one, which it covers.
const maxPoints = 64

// isCurrent reports whether the peer is sent rounds as they are made.
func (p *peer) isCurrent() bool { return p.session != nil && !p.session.resuming }

// add queues a round for the peer, or remembers only its keys.
func (p *peer) add(r *round) {
	if !p.isCurrent() || r.frames == nil {
		p.dropQueue() // then the states of missed cover everything up to this round
		p.stats.missed++
		p.miss(r.number, r.hashes, r.origin())
		return
	}
	p.queue = append(p.queue, r)
	p.queued += len(r.frames)
	if p.queued > p.window {
		p.dropQueue()
	}
}

// miss remembers keys of the rounds from the oldest one up to the round through.
func (p *peer) miss(through uint64, hashes []uint64, oldest origin) {
	if p.missed.len() == 0 || oldest.round < p.since.round {
		p.since = oldest
	}
	for _, hash := range hashes {
		p.missed.add(hash)
	}
	p.through = max(p.through, through)
}

// dropQueue drops the queued rounds and remembers only their keys.
func (p *peer) dropQueue() {
	for _, r := range p.queue {
		p.miss(r.number, r.hashes, r.origin())
	}
	p.queue, p.queued = nil, 0
}

// retreat prepares for a new session: everything on its way counts as sent and unacknowledged, until resume knows what
// the peer has received.
func (p *peer) retreat() {
	if len(p.catching) > 0 {
		p.sent = append(p.sent, sending{through: p.caught, hashes: p.catching, origin: p.lagging})
		p.catching = nil
	}
	for _, r := range p.queue {
		p.sent = append(p.sent, sending{through: r.number, hashes: r.hashes, origin: r.origin()})
	}
	p.queue, p.queued = nil, 0
}

// resume is called when the peer has said that it has everything up to the round received. Whatever was on its way
// beyond that round is to be sent again.
func (p *peer) resume(received uint64) {
	if p.acked = max(p.acked, received); p.acked > 0 {
		p.stats.resumed++
	}
	for _, s := range p.sent {
		if s.through > received {
			p.miss(s.through, s.hashes, s.origin)
		}
	}
	p.sent, p.unacked = nil, 0
}

// restarted forgets the state that only the peer's earlier run knew. Changes which that run had received and lost are
// found by comparing.
func (p *peer) restarted(h Hello) {
	p.run = h.Run
	p.received, p.points, p.stable = 0, nil, 0
	p.acked, p.durable, p.compared = 0, 0, false
	for _, s := range p.sent {
		p.miss(s.through, s.hashes, s.origin)
	}
	p.sent, p.unacked = nil, 0
}

// acknowledge notes the peer's acknowledgement: it has merged so many Deltas frames of this session, has everything up
// to the round received, and has synced everything up to durable.
func (p *peer) acknowledge(frames, received, durable uint64) {
	n := 0
	for n < len(p.sent) && p.sent[n].frames <= frames {
		p.unacked -= p.sent[n].bytes
		n++
	}
	p.sent = slices.Delete(p.sent, 0, n)
	p.acked, p.durable = max(p.acked, received), max(p.durable, durable)
}

// nextDeltas appends what is next for the peer: a round, or a portion of the states it has missed. It appends nothing
// if there is nothing to send, or if the window is full.
func (p *peer) nextDeltas(s *Session, dst []byte) []byte {
	if s.resuming || p.unacked >= p.window {
		return dst
	}
	if len(p.catching) == 0 && p.missed.len() > 0 {
		p.catching, p.caught, p.lagging = p.missed.take(), p.through, p.since
	}
	switch {
	case len(p.catching) > 0:
		return p.nextMissed(s, dst)
	case len(p.queue) > 0:
		r := p.queue[0]
		p.queue[0] = nil
		p.queue = p.queue[1:]
		p.queued -= len(r.frames)
		dst = s.appendWriters(dst, r.writers)
		p.stats.deltasSent += uint64(len(r.hashes))
		p.note(s, r.count, sending{through: r.number, hashes: r.hashes, bytes: len(r.frames), origin: r.origin()})
		return append(dst, r.frames...)
	}
	return dst
}

// nextMissed appends a portion of the keys that the peer has missed, in their present states.
func (p *peer) nextMissed(s *Session, dst []byte) []byte {
	d := &s.machine.deltas
	d.Reset()
	n := 0
	for ; n < len(p.catching) && len(d.Records) < min(catchBytes, p.window); n++ {
		s.machine.DB.AppendState(d, p.catching[n], false)
	}
	hashes := p.catching[:n:n]
	p.catching = p.catching[n:]
	number := uint64(0)
	if len(p.catching) == 0 {
		number = p.caught
	}
	dst = s.appendWriters(dst, s.machine.DB.WriterCount())
	before := len(dst)
	dst, frames := s.machine.appendDeltas(dst, d, number)
	p.stats.deltasSent += uint64(len(d.Ends))
	p.note(s, frames, sending{through: p.caught, hashes: hashes, bytes: len(dst) - before, origin: p.lagging})
	return dst
}

// note remembers what was sent until the peer acknowledges it.
func (p *peer) note(s *Session, frames int, sent sending) {
	s.sentFrames += uint64(frames)
	sent.frames = s.sentFrames
	p.sent = append(p.sent, sent)
	p.unacked += sent.bytes
}

// moving is the set of keys with a change that is on its way to the peer, or will be sent to it.
func (p *peer) moving() hashSet {
	var set hashSet
	for _, s := range p.sent {
		set.addAll(s.hashes)
	}
	for _, r := range p.queue {
		set.addAll(r.hashes)
	}
	set.addAll(p.catching)
	set.addAll(p.missed.order)
	return set
}

// isBehind reports whether the peer has not acknowledged everything.
func (p *peer) isBehind() bool {
	return p.missed.len()+len(p.catching)+len(p.sent)+len(p.queue) > 0
}

// oldest is the oldest round with a change that the peer has not acknowledged. It requires isBehind. While a portion of
// missed states is on its way, this can be a round of the portion that the peer has acknowledged by itself.
func (p *peer) oldest() origin {
	oldest := origin{round: math.MaxUint64}
	consider := func(o origin) {
		if o.round < oldest.round {
			oldest = o
		}
	}
	if p.missed.len() > 0 {
		consider(p.since)
	}
	if len(p.catching) > 0 {
		consider(p.lagging)
	}
	if len(p.queue) > 0 {
		consider(p.queue[0].origin())
	}
	for i := range p.sent { // missed states may stand behind newer rounds that an earlier session sent
		consider(p.sent[i].origin)
	}
	return oldest
}

// behind is the number of changed keys that the peer has not acknowledged. A key counts once for each round or portion
// that contains it.
func (p *peer) behind() (keys int) {
	keys = p.missed.len() + len(p.catching)
	for _, s := range p.sent {
		keys += len(s.hashes)
	}
	for _, r := range p.queue {
		keys += len(r.hashes)
	}
	return keys
}

// merged notes that a round of the peer has been merged completely.
func (p *peer) merged(number uint64, disk Disk) {
	p.received = max(p.received, number)
	if disk == nil {
		return
	}
	group := disk.Group()
	if n := len(p.points); n > 0 && (p.points[n-1].group == group || n == maxPoints) {
		p.points[n-1] = point{number, group}
		return
	}
	p.points = append(p.points, point{number, group})
}

// settle reports whether more of the peer's changes have been synced since the last call.
func (p *peer) settle(disk Disk) bool {
	n := 0
	for n < len(p.points) && disk.Safe(p.points[n].group) {
		p.stable = p.points[n].round
		n++
	}
	p.points = append(p.points[:0], p.points[n:]...)
	return n > 0
}
