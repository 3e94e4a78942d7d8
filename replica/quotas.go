package replica

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/shares"
)

// Kinds of frames about quotas. They go only to peers that have said in a Ping that they know them.
//
//	Notice    of package shares: what the sender knows of the cluster's members
//	Order     number; capacity, count, period in ns; 1 if the quota is transient, else 0; tokens, 0: only the level is
//	          asked for; length of the register, register; key. The numbers of a session are 1, 2, 3 and so on
//	Took      number of an Order; tokens taken; ns until the bucket is full again
//	TookBack  number of an Order; tokens of its Took that are given back
const (
	kindNotice = kindEnd + 1 + iota
	kindOrder
	kindTook
	kindTookBack
	kindLast = kindTookBack
)

// quotas is a session's part in quotas.
type quotas struct {
	said  bool // this node has said that it knows the frames
	known bool // the peer has said so

	orders  uint64           // number of the last Order of the peer
	takes   map[uint64]*take // takes for the peer that it may give back, by number
	answers []answer         // to be sent, in the order of their groups
}

// answer is a Took that may leave once its group is synced.
type answer struct {
	shares.Took
	group uint64 // 0: at once
}

// mostAnswers is the largest number of answers that may wait for one peer.
const mostAnswers = 64 << 10

// Attend sets what the machine asks and calls outside. missing names what stands in the way of a founding: configured
// peers without a connection. rouse is called from any goroutine when there may be something to send that no call of
// the machine has made: an order of a client, or an answer that a sync has released. Call it before the first Connect.
func (m *Machine) Attend(missing func() []string, rouse func()) {
	m.missing, m.rouse = missing, rouse
	if m.Desk != nil {
		m.Desk.SetRouse(rouse)
	}
}

func (m *Machine) knowsQuotas() bool { return m.Council != nil || m.Desk != nil }

// setPart passes on which part of quotas this node has now.
func (m *Machine) setPart() {
	if m.Council == nil {
		return
	}
	p := m.Council.Part()
	m.DB.SetPart(p)
	if m.Desk != nil {
		m.Desk.SetPart(p)
	}
}

// convene lets the council look at the time and at the connections.
func (m *Machine) convene(now engine.Moment) {
	if m.Council == nil {
		return
	}
	age := int64(0) // nothing is durable
	if m.Disk != nil {
		age = m.Disk.SafeAge()
	}
	if m.Council.Tick(now.Mono, age, m.without()) {
		m.setPart()
	}
}

// without names what stands in the way of a founding, while there is none.
func (m *Machine) without() (names []string) {
	if p := m.DB.Part(); p.State == shares.InForce || p.State == shares.Withheld {
		return nil
	}
	if m.missing != nil {
		names = m.missing()
	}
	for _, p := range m.ordered {
		switch s := p.session; {
		case s == nil || s.quotas.known:
		case s.resuming:
			names = append(names, fmt.Sprintf("node %d at %s, which has not answered yet", p.node, p.address))
		default:
			names = append(names, fmt.Sprintf("node %d at %s, which runs an earlier release", p.node, p.address))
		}
	}
	return names
}

// meetQuotas is called when the peer has said that it knows the frames about quotas.
func (s *Session) meetQuotas(now engine.Moment) {
	m := s.machine
	if s.quotas.known || !m.knowsQuotas() {
		return
	}
	s.quotas.known, s.quotas.takes = true, map[uint64]*take{}
	if m.Desk != nil {
		m.Desk.Connect(s.peer.node, now.Mono)
	}
	if m.Council != nil {
		m.Council.Connect(s.peer.node)
		m.convene(now)
	}
}

// leaveQuotas is called when the session ends. Tokens of answers that have not left go back to their buckets: the peer
// was never told of them.
func (s *Session) leaveQuotas(now engine.Moment) {
	m := s.machine
	if !s.quotas.known {
		return
	}
	for i := range s.quotas.answers {
		if t := s.quotas.takes[s.quotas.answers[i].Number]; t != nil { // else it is forgotten, and they stay used
			m.giveBack(t, t.tokens, now)
		}
	}
	for _, t := range s.quotas.takes {
		m.takes.forget(t)
	}
	s.quotas.takes, s.quotas.answers = nil, nil
	if m.Desk != nil {
		m.Desk.Disconnect(s.peer.node)
	}
	if m.Council != nil {
		m.Council.Disconnect(s.peer.node)
	}
}

// appendQuotas appends frames about quotas, up to about the length stop.
func (s *Session) appendQuotas(dst []byte, stop int, now engine.Moment) []byte {
	m := s.machine
	if !s.quotas.known || !s.quotas.said {
		return dst
	}
	dst = s.appendAnswers(dst, stop)
	if m.Desk != nil {
		m.Desk.Send(s.peer.node, now.Mono, func() bool { return len(dst) < stop },
			func(a *shares.Ask) { dst = appendOrder(dst, a) },
			func(b shares.Back) { dst = appendPair(dst, kindTookBack, b.Number, b.Tokens) })
	}
	if m.Council != nil && len(dst) < stop && m.Council.Due(s.peer.node, now.Mono) {
		dst = appendFrame(dst, kindNotice, func(b []byte) []byte { return m.Council.Notice(b, s.peer.node, now.Mono) })
	}
	return dst
}

// appendAnswers appends the answers whose groups are synced.
func (s *Session) appendAnswers(dst []byte, stop int) []byte {
	m, q := s.machine, &s.quotas
	n := 0
	for ; n < len(q.answers) && len(dst) < stop; n++ {
		a := &q.answers[n]
		if a.group != 0 && !m.Disk.Safe(a.group) && m.awaitSync(a.group) {
			break
		}
		dst = appendTook(dst, &a.Took)
	}
	if q.answers = q.answers[n:]; len(q.answers) == 0 {
		q.answers = nil
	}
	return dst
}

// awaitSync asks for a sync, and has rouse called after it. It returns false if the group is synced already.
func (m *Machine) awaitSync(group uint64) bool {
	if m.awaited >= group {
		return true
	}
	if !m.Disk.Await(group, true, m.rouseNow) {
		return false
	}
	m.awaited = group
	return true
}

func (m *Machine) rouseNow() {
	if m.rouse != nil {
		m.rouse()
	}
}

// receiveQuotas handles a frame about quotas.
func (s *Session) receiveQuotas(kind byte, r *reader, now engine.Moment) error {
	m := s.machine
	if !s.quotas.said || !s.quotas.known {
		return fmt.Errorf("%w: frame of kind %d", ErrProtocol, kind)
	}
	switch {
	case kind == kindNotice && m.Council != nil:
		return s.hearNotice(r, now)
	case kind == kindOrder:
		return s.readOrder(r, now)
	case kind == kindTook && m.Desk != nil:
		t := shares.Took{Number: r.uvarint(), Tokens: r.uvarint(), Full: time.Duration(r.uvarint())}
		if err := r.end(); err != nil {
			return err
		}
		if err := m.Desk.Heard(s.peer.node, t, now.Mono); err != nil {
			return fmt.Errorf("%w: %w", ErrProtocol, err)
		}
		return nil
	case kind == kindTookBack:
		return s.readBack(r, now)
	}
	return nil // a notice to a node without a council
}

func (s *Session) hearNotice(r *reader, now engine.Moment) error {
	m := s.machine
	if err := m.Council.Hear(s.peer.node, r.rest, now.Mono); err != nil {
		return err
	}
	m.convene(now)
	return nil
}

func appendOrder(dst []byte, a *shares.Ask) []byte {
	return appendFrame(dst, kindOrder, func(b []byte) []byte {
		w := &a.Want
		transient := uint64(0)
		if w.Transient {
			transient = 1
		}
		for _, n := range [...]uint64{a.Number, w.Rate.Capacity, w.Rate.Count, uint64(w.Rate.Period), transient, w.Tokens, uint64(len(w.Register))} {
			b = binary.AppendUvarint(b, n)
		}
		return append(append(b, w.Register...), a.Key...)
	})
}

// order reads an Order. The bytes of the frame are not copied.
func (r *reader) order() (a shares.Ask, err error) {
	a.Number = r.uvarint()
	capacity, count, period := r.uvarint(), r.uvarint(), r.uvarint()
	transient := r.uvarint()
	a.Want.Tokens = r.uvarint()
	length := r.uvarint()
	if r.err == nil && (length > min(shares.MaxRegister, uint64(len(r.rest))) || len(r.rest)-int(length) > shares.MaxAskedKey || transient > 1 || period > uint64(quota.MaxPeriod)) {
		r.err = fmt.Errorf("%w: order %d", ErrProtocol, a.Number)
	}
	if r.err != nil {
		return a, r.err
	}
	a.Want.Transient = transient == 1
	a.Want.Register, a.Key = r.rest[:length:length], r.rest[length:]
	if a.Want.Rate, err = quota.New(capacity, count, time.Duration(period)); err != nil || a.Want.Tokens > capacity {
		return a, fmt.Errorf("%w: order %d of %d tokens: %w", ErrProtocol, a.Number, a.Want.Tokens, err)
	}
	return a, nil
}

func appendTook(dst []byte, t *shares.Took) []byte {
	return appendFrame(dst, kindTook, func(b []byte) []byte {
		return binary.AppendUvarint(binary.AppendUvarint(binary.AppendUvarint(b, t.Number), t.Tokens), uint64(t.Full))
	})
}

func appendPair(dst []byte, kind byte, first, second uint64) []byte {
	return appendFrame(dst, kind, func(b []byte) []byte {
		return binary.AppendUvarint(binary.AppendUvarint(b, first), second)
	})
}
