package replica

import (
	"math"
	"slices"
)

const (
	// windowBytes is how much a peer may leave unacknowledged, and how much of rounds waits for it besides. Beyond, only their keys are remembered.
	windowBytes = 4 << 20
	// catchBytes is about how much is made at once of what a peer has missed.
	catchBytes = 64 << 10
)

// peer is another node, whether there is a connection to it or not.
//
// What it has yet to be sent: catching, then missed, then the queue, so that "all up to a round" can be said at the end of each. What it has been
// sent and has not acknowledged is in sent.
type peer struct {
	node    uint16
	run     uint64
	address string
	session *Session // nil: there is no connection
	window  int      // Options.Window

	queue  []*round
	queued int // bytes

	missed   hashSet  // keys of rounds that were not kept
	through  uint64   // the last of those rounds
	since    int64    // Moment.Mono of the first of them, if any key was missed
	catching []uint64 // keys that were missed, as they are being sent
	caught   uint64   // the round up to which they reach
	lagging  int64    // since, as it was for those

	sent    []sending
	unacked int    // bytes of sent
	acked   uint64 // up to this round it has everything
	base    uint64 // the round at which it was met, or up to which it had everything, as it was when it started anew: what it is behind is counted from here
	durable uint64 // and safe on its disk
	heard   int64  // Moment.Mono when the last session heard of it last, once that has ended

	received uint64 // the last round of its run that this node has merged
	points   []point
	stable   uint64 // the last round of which all is safe on this node's disk

	compared   bool  // everything, with this run
	comparedAt int64 // Moment.Mono at which the last time ended
	apart      map[part]standoff

	stats peerStats
}

// sending is a part of what was sent.
type sending struct {
	frames  uint64 // of deltas that the session had sent with it
	through uint64 // the round that it is part of
	hashes  []uint64
	bytes   int
	at      int64 // Moment.Mono when the oldest change in it was taken
}

// point: up to the round all is safe on this node's disk once the group is.
type point struct{ round, group uint64 }

// maxPoints is how many points are kept; a later one then stands for the one before too.
const maxPoints = 64

// isCurrent reports whether the peer gets rounds as they come.
func (p *peer) isCurrent() bool { return p.session != nil && !p.session.resuming }

// add gives the peer a round.
func (p *peer) add(r *round) {
	if !p.isCurrent() || r.frames == nil {
		p.dropQueue() // with what is missed all up to this round will have been passed
		p.stats.missed++
		p.miss(r.number, r.hashes, r.at)
		return
	}
	p.queue = append(p.queue, r)
	p.queued += len(r.frames)
	if p.queued > p.window {
		p.dropQueue()
	}
}

// miss remembers the keys of a round that was taken at a moment.
func (p *peer) miss(number uint64, hashes []uint64, at int64) {
	if p.missed.len() == 0 || at < p.since {
		p.since = at
	}
	for _, hash := range hashes {
		p.missed.add(hash)
	}
	p.through = max(p.through, number)
}

// dropQueue remembers only the keys of what waits.
func (p *peer) dropQueue() {
	for _, r := range p.queue {
		p.miss(r.number, r.hashes, r.at)
	}
	p.queue, p.queued = nil, 0
}

// retreat makes what was on its way something to be sent again, but for what the peer will say that it has.
func (p *peer) retreat() {
	if len(p.catching) > 0 {
		p.sent = append(p.sent, sending{through: p.caught, hashes: p.catching, at: p.lagging})
		p.catching = nil
	}
	for _, r := range p.queue {
		p.sent = append(p.sent, sending{through: r.number, hashes: r.hashes, at: r.at})
	}
	p.queue, p.queued = nil, 0
}

// resume settles what was on its way when the last connection ended: the peer has all up to a round.
func (p *peer) resume(received uint64) {
	if p.acked = max(p.acked, received); p.acked > 0 {
		p.stats.resumed++
	}
	for _, s := range p.sent {
		if s.through > received {
			p.miss(s.through, s.hashes, s.at)
		}
	}
	p.sent, p.unacked = nil, 0
}

// restarted forgets what only the run before knew. What that had and did not have safe, comparing brings back.
func (p *peer) restarted(h Hello) {
	p.run = h.Run
	p.received, p.points, p.stable = 0, nil, 0
	p.base = max(p.base, p.acked)
	p.acked, p.durable, p.compared = 0, 0, false
	for _, s := range p.sent {
		p.miss(s.through, s.hashes, s.at)
	}
	p.sent, p.unacked = nil, 0
}

// acknowledge notes what the peer says that it has: so many frames of deltas of this session.
func (p *peer) acknowledge(frames, received, durable uint64) {
	n := 0
	for n < len(p.sent) && p.sent[n].frames <= frames {
		p.unacked -= p.sent[n].bytes
		n++
	}
	p.sent = slices.Delete(p.sent, 0, n)
	p.acked, p.durable = max(p.acked, received), max(p.durable, durable)
}

// nextDeltas appends what the peer is to be sent next: a round, or a part of what it has missed. Nothing: there is nothing, or it has to acknowledge first.
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
		p.note(s, r.count, sending{through: r.number, hashes: r.hashes, bytes: len(r.frames), at: r.at})
		return append(dst, r.frames...)
	}
	return dst
}

// nextMissed appends a part of what the peer has missed, as it is now.
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
	p.note(s, frames, sending{through: p.caught, hashes: hashes, bytes: len(dst) - before, at: p.lagging})
	return dst
}

// note remembers what was sent until it is acknowledged.
func (p *peer) note(s *Session, frames int, sent sending) {
	s.sentFrames += uint64(frames)
	sent.frames = s.sentFrames
	p.sent = append(p.sent, sent)
	p.unacked += sent.bytes
}

// moving are the keys of which a change is on its way to the peer, or about to be.
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

// isBehind reports whether there is anything that the peer has yet to acknowledge.
func (p *peer) isBehind() bool {
	return p.missed.len()+len(p.catching)+len(p.sent)+len(p.queue) > 0
}

// oldest is the Moment.Mono at which the oldest change was taken that the peer has yet to acknowledge. There is one.
func (p *peer) oldest() int64 {
	at := int64(math.MaxInt64)
	if p.missed.len() > 0 {
		at = p.since
	}
	if len(p.catching) > 0 {
		at = min(at, p.lagging)
	}
	if len(p.queue) > 0 {
		at = min(at, p.queue[0].at)
	}
	for i := range p.sent { // what was caught up may lie behind newer rounds that an earlier session had sent
		at = min(at, p.sent[i].at)
	}
	return at
}

// behind is how many keys' changes the peer has yet to acknowledge, a key counted once for each part that it is in.
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

// merged notes that all of a round has been merged.
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

// settle reports whether more of what the peer has sent is safe by now.
func (p *peer) settle(disk Disk) bool {
	n := 0
	for n < len(p.points) && disk.Safe(p.points[n].group) {
		p.stable = p.points[n].round
		n++
	}
	p.points = append(p.points[:0], p.points[n:]...)
	return n > 0
}
