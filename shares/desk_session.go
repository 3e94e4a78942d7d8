package shares

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quotadb/quota-db/quota"
)

// ErrAnswer reports an answer that no ask of this session can have.
var ErrAnswer = errors.New("an answer to no ask")

// Ask is a message to a member: it is to take tokens for a client of this node. With 0 tokens it only tells its level.
type Ask struct {
	Number uint64 // of the session, from 1
	Key    []byte
	Want   Want
}

// Took is the answer.
type Took struct {
	Number uint64
	Tokens uint64 // taken
	// Full is the time until the bucket is full again, rounded down. More than a window: nothing can be expected for
	// now.
	Full time.Duration
}

// Back gives tokens of an ask back.
type Back struct {
	Number uint64
	Tokens uint64
}

// outbox is what is to be sent to a node in one session, and what it still has to answer.
type outbox struct {
	node   uint16
	last   uint64 // number of the last ask
	asks   []*ask // to be sent
	backs  []Back // to be sent
	open   map[uint64]*ask
	looks  quota.Bucket
	over   bool // the session has ended
	answer time.Duration
}

// ask is an Ask on its way, or one that is about to leave.
//
// What it brings is only for orders that began before it left. So each token is taken between the request of the client
// that uses it and the reply. A token that was taken before the request would count in an interval in which its bucket
// has it again.
type ask struct {
	number uint64 // 0: it has not left yet
	out    *outbox
	quota  *deskQuota
	seat   int
	tokens uint64
	turn   uint64 // it left after the orders with smaller turns, and before those with larger ones
	look   bool   // it is sent even if it wants no tokens
	sentAt int64
}

var lookRate = quota.Rate{Capacity: mostLooks, Count: mostLooks, Period: time.Second}

// mayLook counts a look, unless there were too many in the last second.
func (b *outbox) mayLook(now int64) bool { return b.looks.Take(lookRate, 1, now) }

// ask queues an ask of a member that is connected. With n 0 it is a look.
func (d *Desk) ask(q *deskQuota, i int, n uint64) {
	out := d.members[i].out
	a := &ask{out: out, quota: q, seat: i, tokens: n, look: n == 0}
	q.seats[i].ask = a
	q.open++
	out.asks = append(out.asks, a)
}

// giveBack sends tokens back, if the session in which they came still goes on. Then their member has more than it told.
func (d *Desk) giveBack(l lot) {
	out, q := l.ask.out, l.ask.quota
	if out.over || len(out.backs) >= mostOrders {
		d.stats.Lost += l.tokens
		return
	}
	if !q.isGone {
		s := &q.seats[l.ask.seat]
		s.bucket.Give(s.part, l.tokens, d.latest)
	}
	d.stats.GivenBack += l.tokens
	if n := len(out.backs); n > 0 && out.backs[n-1].Number == l.ask.number {
		out.backs[n-1].Tokens += l.tokens
		return
	}
	out.backs = append(out.backs, Back{l.ask.number, l.tokens})
}

// Connect begins a session with a node that knows asks. A session with that node before has ended.
func (d *Desk) Connect(node uint16, now int64) {
	d.lockAt(now)
	d.disconnect(node)
	out := &outbox{node: node, open: map[uint64]*ask{}}
	if m := d.member(node); m != nil {
		m.out = out
	} else {
		d.loose = append(d.loose, out)
	}
	d.unlock(false)
}

// Disconnect ends the session with a node. What is known of its levels is forgotten.
func (d *Desk) Disconnect(node uint16) {
	d.mu.Lock()
	d.disconnect(node)
	d.unlock(true)
}

func (d *Desk) disconnect(node uint16) {
	d.loose = slices.DeleteFunc(d.loose, func(out *outbox) bool { return out.node == node })
	at := slices.IndexFunc(d.members, func(m *member) bool { return m.node == node })
	if at < 0 || d.members[at].out == nil {
		return
	}
	out := d.members[at].out
	out.over, d.members[at].out = true, nil
	for _, b := range out.backs {
		d.stats.GivenBack -= b.Tokens
		d.stats.Lost += b.Tokens
	}
	var touched []*deskQuota
	for _, q := range d.quotas {
		s := &q.seats[at]
		if s.ask != nil {
			touched = append(touched, q)
		}
		s.heard, s.bucket, q.nextLook = 0, quota.Bucket{}, 0
	}
	sortQuotas(touched)
	for _, q := range touched {
		a := q.seats[at].ask
		d.answered(a)
		d.settle(q, d.latest)
	}
}

func (d *Desk) member(node uint16) *member {
	for _, m := range d.members {
		if m.node == node {
			return m
		}
	}
	return nil
}

// outboxOf is the session with a node, nil if there is none.
func (d *Desk) outboxOf(node uint16) *outbox {
	if m := d.member(node); m != nil {
		return m.out
	}
	for _, out := range d.loose {
		if out.node == node {
			return out
		}
	}
	return nil
}

// Send calls ask and back for what is to be sent to a node now, as long as room returns true. They must not keep the
// bytes, and not call the Desk.
func (d *Desk) Send(node uint16, now int64, room func() bool, ask func(*Ask), back func(Back)) {
	d.lockAt(now)
	if out := d.outboxOf(node); out != nil {
		d.send(out, now, room, ask, back)
	}
	d.unlock(false)
}

func (d *Desk) send(out *outbox, now int64, room func() bool, ask func(*Ask), back func(Back)) {
	for len(out.backs) > 0 && room() {
		back(out.backs[0])
		if out.backs = out.backs[1:]; len(out.backs) == 0 {
			out.backs = nil
		}
	}
	for len(out.asks) > 0 && room() {
		a := out.asks[0]
		if out.asks = out.asks[1:]; len(out.asks) == 0 {
			out.asks = nil
		}
		if a.tokens == 0 && !a.look { // its orders have ended
			d.answered(a)
			d.rest(a.quota)
			continue
		}
		out.last++
		d.turn++
		a.number, a.turn, a.sentAt = out.last, d.turn, now
		out.open[a.number] = a
		q := a.quota
		q.need -= min(q.need, a.tokens)
		if a.tokens > 0 {
			d.stats.Asks++
		} else {
			d.stats.Looks++
		}
		ask(&Ask{Number: a.number, Key: []byte(q.key), Want: Want{Rate: q.rate, Transient: q.transient, Register: q.register, Tokens: a.tokens}})
	}
}

// Heard handles an answer of a node. Errors: ErrAnswer.
func (d *Desk) Heard(node uint16, t Took, now int64) error {
	d.lockAt(now)
	err := d.hear(node, t, now)
	d.unlock(err == nil)
	return err
}

func (d *Desk) hear(node uint16, t Took, now int64) error {
	out := d.outboxOf(node)
	if out == nil {
		return fmt.Errorf("%w of node %d", ErrAnswer, node)
	}
	a := out.open[t.Number]
	if a == nil || t.Tokens > a.tokens || t.Full < 0 || t.Full > 2*quota.MaxPeriod {
		return fmt.Errorf("%w: %d tokens for number %d", ErrAnswer, t.Tokens, t.Number)
	}
	delete(out.open, t.Number)
	took := min(time.Duration(max(0, now-a.sentAt)), mostAnswer)
	if out.answer == 0 {
		out.answer = took
	}
	out.answer += (took - out.answer) / 8
	q := a.quota
	if q.isGone {
		d.late(lot{a, t.Tokens})
		return nil
	}
	q.hear(a, t, now)
	d.answered(a)
	if t.Tokens > 0 {
		at, _ := slices.BinarySearchFunc(q.hand, a.turn, func(l lot, turn uint64) int { return cmp.Compare(l.ask.turn, turn) })
		q.hand = slices.Insert(q.hand, at, lot{a, t.Tokens})
		q.inHand += t.Tokens
	}
	d.settle(q, now)
	return nil
}

// late gives tokens back whose order has ended.
func (d *Desk) late(l lot) {
	if l.tokens > 0 {
		d.stats.Late += l.tokens
		d.giveBack(l)
	}
}

// hear notes the level that an answer tells.
func (q *deskQuota) hear(a *ask, t Took, now int64) {
	s := &q.seats[a.seat]
	expected := s.bucket.Remaining(s.part, now)
	s.heard, s.bucket = now, quota.Bucket{FullAt: now + int64(t.Full)}
	left := s.bucket.Remaining(s.part, now)
	if left > 0 && t.Tokens < a.tokens { // it has another part than this node thinks: it has no more
		s.bucket, left = s.bucket.EmptyAt(s.part, now), 0
	}
	if left+t.Tokens > expected { // there may be more that this node does not know of
		q.nextLook = 0
	}
}

// answered notes that an ask is not on its way any more, and ends the looks that have waited for it alone.
func (d *Desk) answered(a *ask) {
	q := a.quota
	q.seats[a.seat].ask = nil
	q.open--
	for o := q.looks.first; o != nil; {
		next := o.after
		if o.awaited = slices.DeleteFunc(o.awaited, func(other *ask) bool { return other == a }); len(o.awaited) == 0 {
			d.end(o)
		}
		o = next
	}
}
