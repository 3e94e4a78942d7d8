package sim

import (
	"errors"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/lives"
	"github.com/quotadb/quota-db/replica"
)

// pipe is a connection between two processes.
type pipe struct {
	world *world
	ends  [2]end
}

// end is one side of a pipe.
type end struct {
	process   *process
	session   *replica.Session
	gone      bool // this side has closed the pipe, or knows that it is closed
	swallowed bool // what this side sends is lost
	stalled   time.Duration
	flying    []flight
	buf       []byte // bytes that have arrived and are not a whole frame yet
}

// flight is a piece of bytes on its way.
type flight struct {
	at    time.Duration
	bytes []byte
}

// delta is a record that was sent once, and its sender, whose numbers of writers it uses.
type delta struct {
	live   *process
	record []byte
}

func (w *world) isBlocked(a, b *host) bool {
	return w.blocked[[2]int{min(a.index, b.index), max(a.index, b.index)}]
}

// partition cuts one group of hosts from the others, or cuts two hosts from each other while a third reaches both.
func (w *world) partition() {
	if w.pairs || w.chance(3) {
		pair := w.random.Perm(w.members)[:2]
		w.blocked = map[[2]int]bool{{min(pair[0], pair[1]), max(pair[0], pair[1])}: true}
		w.saw("two hosts do not reach each other")
		w.note("hosts %v do not reach each other", pair)
		return
	}
	side := make([]bool, len(w.hosts))
	for i := range side {
		side[i] = w.chance(2)
	}
	w.blocked = map[[2]int]bool{}
	for i := range side {
		for j := range i {
			if side[i] != side[j] {
				w.blocked[[2]int{j, i}] = true
			}
		}
	}
	w.saw("a partition")
	w.note("partition %v", side)
}

// dial connects two processes, as package cluster does.
func (w *world) dial(from, to *host) {
	a, b := from.process, to.process
	if from == to || b == nil || to.isAsleep() || w.isBlocked(from, to) || a.isConnected(b) && (w.healed || !w.chance(40)) {
		return
	}
	if to.index == w.members { // no host has the copy in its --peers
		return
	}
	if from.id == to.id { // a copy has the same --peers
		return
	}
	ha, hb := a.machine.Hello(), b.machine.Hello()
	if err := b.host.claims.Register(started(ha)); err != nil {
		w.refused(err)
		return
	}
	sb, err := b.machine.Connect(ha, false, b.now())
	if err != nil {
		w.refused(err)
		return
	}
	p := &pipe{world: w, ends: [2]end{{process: a}, {process: b, session: sb}}}
	w.pipes = append(w.pipes, p)
	if !w.healed && w.chance(20) { // the answer is lost
		w.saw("a handshake that one side believes in")
		p.ends[0].gone, p.ends[1].swallowed = true, true
		return
	}
	if err := a.host.claims.Register(started(hb)); err != nil {
		w.refused(err)
		p.cut()
		return
	}
	sa, err := a.machine.Connect(hb, true, a.now())
	if err != nil {
		w.refused(err)
		p.cut()
		return
	}
	p.ends[0].session = sa
}

func (w *world) refused(err error) {
	switch {
	case errors.Is(err, lives.ErrStartedTwice):
		w.saw("a life that was started twice is refused")
	case errors.Is(err, replica.ErrTwice):
		w.saw("a second process with an id is refused")
	case errors.Is(err, replica.ErrDuplicate):
		w.saw("a second connection is refused")
	default:
		w.t.Fatal(err)
	}
}

func (p *process) isConnected(to *process) bool {
	for _, pipe := range p.host.world.pipes {
		a, b := &pipe.ends[0], &pipe.ends[1]
		if a.process == p && b.process == to && !a.gone || b.process == p && a.process == to && !b.gone {
			return true
		}
	}
	return false
}

// cut ends a pipe for both sides at once.
func (p *pipe) cut() {
	for i := range p.ends {
		p.close(i)
	}
}

// close ends a pipe for one side.
func (p *pipe) close(i int) {
	e := &p.ends[i]
	if e.session != nil && e.process.host.process == e.process {
		e.process.machine.Disconnect(e.session, e.process.now())
	}
	e.gone = true
}

// drop ends the pipes of a process that has ended. The other side is told, unless the two hosts cannot reach each
// other.
func (w *world) drop(of *process) {
	for _, p := range w.pipes {
		for i := range p.ends {
			if p.ends[i].process != of {
				continue
			}
			if p.ends[i].gone = true; w.isBlocked(p.ends[0].process.host, p.ends[1].process.host) {
				p.ends[1-i].swallowed = true
			} else {
				p.close(1 - i)
			}
		}
	}
}

// carry delivers the bytes that are due.
func (w *world) carry() {
	for _, p := range w.pipes {
		for i := range p.ends {
			p.say(i)
			p.deliver(i)
		}
	}
	kept := w.pipes[:0]
	for _, p := range w.pipes {
		for i := range p.ends {
			e := &p.ends[i]
			if e.gone || e.session == nil {
				continue
			}
			if ended, why := e.session.Ended(); ended {
				if why == "it has been silent" {
					w.saw("silence is noticed")
				}
				p.close(i)
				if !e.swallowed { // the other side is told of the end
					p.close(1 - i)
				}
			}
		}
		if !p.ends[0].gone || !p.ends[1].gone {
			kept = append(kept, p)
		}
	}
	w.pipes = kept
}

// carryFrom delivers at once everything that a process sends.
func (w *world) carryFrom(of *process) {
	for _, p := range w.pipes {
		for i := range p.ends {
			if p.ends[i].process == of {
				p.say(i)
				for j := range p.ends[i].flying {
					p.ends[i].flying[j].at = w.now
				}
				p.deliver(i)
			}
		}
	}
}

// say takes from one side what it sends.
func (p *pipe) say(i int) {
	e, w := &p.ends[i], p.world
	if e.gone || e.session == nil || e.process.host.isAsleep() || len(e.flying) > 3 {
		return
	}
	bytes := e.process.machine.Next(e.session, nil, e.process.now())
	if len(bytes) == 0 {
		return
	}
	w.remember(e, bytes)
	if e.swallowed || w.isBlocked(p.ends[0].process.host, p.ends[1].process.host) {
		e.swallowed = true
		w.saw("bytes are swallowed")
		return
	}
	at := max(w.now, e.stalled) + time.Duration(w.random.IntN(20))*time.Millisecond
	if n := len(e.flying); n > 0 {
		at = max(at, e.flying[n-1].at)
	}
	if cut := w.random.IntN(len(bytes) + 1); cut > 0 && cut < len(bytes) { // in two pieces
		e.flying = append(e.flying, flight{at, bytes[:cut]})
		bytes = bytes[cut:]
	}
	e.flying = append(e.flying, flight{at, bytes})
}

// deliver gives the other side the bytes that have arrived.
func (p *pipe) deliver(i int) {
	e, other, w := &p.ends[i], &p.ends[1-i], p.world
	for len(e.flying) > 0 && e.flying[0].at <= w.now {
		if other.gone || other.process.host.isAsleep() {
			break
		}
		e.buf = append(e.buf, e.flying[0].bytes...)
		e.flying = e.flying[1:]
	}
	for !other.gone && other.session != nil {
		frame, rest, _, err := replica.SplitFrame(e.buf)
		if err != nil {
			w.t.Fatal(err)
		}
		if frame == nil {
			return
		}
		e.buf = rest
		if err := other.process.machine.Receive(other.session, frame, other.process.now()); err != nil {
			w.fail("node %d refuses what node %d sends: %v", other.process.host.id, e.process.host.id, err)
			p.cut()
		}
		w.lookAt(other.process)
	}
}

// somePipe returns a random pipe, nil if there is none.
func (w *world) somePipe() *pipe {
	if len(w.pipes) == 0 {
		return nil
	}
	return w.pipes[w.random.IntN(len(w.pipes))]
}

// cutSome cuts a random pipe; bytes on their way are lost.
func (w *world) cutSome() {
	if p := w.somePipe(); p != nil {
		if len(p.ends[0].flying)+len(p.ends[1].flying) > 0 {
			w.saw("a connection is cut with bytes on their way")
		}
		for i := range p.ends {
			if s := p.ends[i].session; s != nil && !p.ends[i].gone && s.Comparing() {
				w.saw("a connection is cut while the two compare")
			}
		}
		w.note("the connection of hosts %d and %d is cut", p.ends[0].process.host.index, p.ends[1].process.host.index)
		p.cut()
	}
}

// swallowSome makes a pipe half-open: what one side sends, or both, is lost, and neither side is told.
func (w *world) swallowSome() {
	if p := w.somePipe(); p != nil {
		i := w.random.IntN(2)
		p.ends[i].swallowed = true
		p.ends[i].flying = nil
		p.ends[1-i].swallowed = p.ends[1-i].swallowed || w.chance(2)
		w.saw("a half-open connection")
		w.note("the connection of hosts %d and %d is half-open", p.ends[0].process.host.index, p.ends[1].process.host.index)
	}
}

// stallSome delays what one side sends.
func (w *world) stallSome() {
	if p := w.somePipe(); p != nil {
		p.ends[w.random.IntN(2)].stalled = w.now + time.Duration(w.random.IntN(2000))*time.Millisecond
		w.saw("a connection stalls")
	}
}

// maxOld is the number of sent records that are kept.
const maxOld = 200

// remember keeps some of the sent records, for repeatSome.
func (w *world) remember(e *end, bytes []byte) {
	for rest := bytes; ; {
		frame, after, _, err := replica.SplitFrame(rest)
		if err != nil {
			w.t.Fatal(err)
		}
		if frame == nil {
			return
		}
		rest = after
		if records := replica.RecordsOf(frame); len(records) > 0 && len(w.old) < maxOld && w.chance(2) {
			w.old = append(w.old, delta{live: e.process, record: append([]byte(nil), records...)})
		}
	}
}

// repeatSome delivers kept records once more: late, doubled, out of order, to any node.
func (w *world) repeatSome() {
	for range 3 {
		if len(w.old) == 0 {
			return
		}
		d := w.old[w.random.IntN(len(w.old))]
		h := w.hosts[w.random.IntN(w.members)]
		// the numbers of the sender's writers ended with its process
		if h.process == nil || d.live.host.process != d.live {
			continue
		}
		writers := d.live.store.DB().Writers(0)
		db := h.process.store.DB()
		var e crdt.Entry
		for rest := d.record; len(rest) > 0; {
			name, after, err := crdt.DecodeRecord(rest, &e)
			if err != nil {
				w.t.Fatal(err)
			}
			rest = after
			for i := range e.Rows {
				e.Rows[i].Writer = db.Writer(writers[e.Rows[i].Writer])
			}
			db.Merge(db.Key(append([]byte(nil), name...)), &e, h.process.now(), h.wall()+time.Hour.Milliseconds())
			w.lookAt(h.process)
		}
		w.saw("an old delta arrives again")
	}
}

func started(h replica.Hello) lives.Started {
	return lives.Started{Node: h.Node, Life: h.Life, Run: h.Run, Earlier: h.Earlier}
}
