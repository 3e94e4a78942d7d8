package shares

import (
	"slices"
	"time"
	"unsafe"

	"github.com/quotadb/quota-db/quota"
)

// deskQuota is what a desk knows of one quota: which orders wait for its tokens, what has come for them, which asks are
// on their way, and how much the other members have.
type deskQuota struct {
	quotaName
	transient bool
	register  []byte
	size      int // bytes counted for it

	seats  []seat // one for each of Desk.members
	orders orders // they wait for tokens
	demand uint64 // tokens that they want together
	need   uint64 // of these: neither in hand nor asked for; settle counts it anew
	looks  orders // they wait for levels
	hand   []lot  // tokens that have come for the orders that wait, by the turns of their asks
	inHand uint64 // their sum
	open   int    // asks on their way, or about to leave

	touched  int64         // the latest moment at which something happened
	pause    time.Duration // between two looks while the tokens are used up everywhere
	nextLook int64         // 0: no pause has begun

	before, after *deskQuota // in the list of idle quotas
	isIdle        bool
	isGone        bool // it is forgotten, but an ask still points to it
}

// seat is what is known about one member's bucket.
type seat struct {
	part   quota.Rate   // the member's part of the quota
	bucket quota.Bucket // by its last answer, on this node's clock; full where nothing is known
	heard  int64        // moment of that answer; 0: none
	ask    *ask         // on its way, or about to leave; at most one
}

func (s *seat) isFresh(now int64) bool { return s.heard != 0 && now-s.heard < int64(fresh) }

// lot is tokens that one answer has brought.
type lot struct {
	ask    *ask
	tokens uint64
}

// know returns what is known of a quota. It returns nil if no other member is connected, or if there is no room.
func (d *Desk) know(key []byte, w *Want, now int64) *deskQuota {
	if q := d.quotas[quotaName{string(key), w.Rate}]; q != nil {
		return q
	}
	if len(key) > MaxAskedKey || len(w.Register) > MaxRegister || !d.anyConnected() || !d.makeRoom(d.sizeOf(len(key), w)) {
		return nil
	}
	q := &deskQuota{quotaName: quotaName{string(key), w.Rate}, seats: make([]seat, len(d.members)), touched: now}
	var room [16]int
	ranks := d.table.ranks(room[:0], key)
	for i, m := range d.members {
		q.seats[i].part = w.Rate.Share(len(ranks), ranks[m.at])
	}
	d.quotas[q.quotaName] = q
	d.name(q, w)
	return q
}

// sizeOf is about the memory that a quota takes whose key has so many bytes.
func (d *Desk) sizeOf(key int, w *Want) int {
	return 2*int(unsafe.Sizeof(deskQuota{})) + len(d.members)*int(unsafe.Sizeof(seat{})) + key + len(w.Register)
}

// makeRoom forgets the oldest idle quotas until there is room for another one of that size.
func (d *Desk) makeRoom(size int) bool {
	for len(d.quotas) >= mostQuotas || d.bytes+size > mostQuotaBytes {
		if d.idle.first == nil {
			return false
		}
		d.forget(d.idle.first)
	}
	return true
}

// name notes how a quota is to be named in asks.
func (d *Desk) name(q *deskQuota, w *Want) {
	q.transient, q.register = w.Transient, w.Register
	size := d.sizeOf(len(q.key), w)
	d.bytes += size - q.size
	q.size = size
}

func (d *Desk) anyConnected() bool {
	return slices.ContainsFunc(d.members, func(m *member) bool { return m.out != nil })
}

// rest puts a quota that has nothing to do into the list of those that may be forgotten.
func (d *Desk) rest(q *deskQuota) {
	if !q.isGone && q.orders.first == nil && q.looks.first == nil && q.open == 0 {
		d.idle.add(q)
	}
}

// forget drops what is known of a quota.
func (d *Desk) forget(q *deskQuota) {
	d.idle.remove(q)
	q.isGone = true
	d.bytes -= q.size
	delete(d.quotas, q.quotaName)
}

// level is how many tokens a connected member can be expected to have, with those that an ask is about to take. Nothing
// is expected of a member that leaves an ask unanswered for long, for example because its disk fails.
func (d *Desk) level(q *deskQuota, i int, now int64) uint64 {
	s := &q.seats[i]
	if d.members[i].out == nil || s.ask != nil && s.ask.number != 0 && now-s.ask.sentAt >= int64(mostAnswer) {
		return 0
	}
	return s.bucket.Remaining(s.part, now)
}

// mostAnswer is after what time an answer is not expected any more.
const mostAnswer = time.Second

// hope is how many tokens the orders that wait can be expected to get, if nobody else takes any.
func (d *Desk) hope(q *deskQuota, now int64) uint64 {
	return q.inHand + d.levels(q, now)
}

// lookAgain asks the member that was not heard for longest for its level, if it is time for that: an estimate of its
// level may be too low. It reports whether there is something to send.
func (d *Desk) lookAgain(q *deskQuota, now int64) bool {
	half := q.rate.Window() / 2
	if q.nextLook == 0 {
		q.pause = min(firstPause, half)
		q.nextLook = now + int64(q.pause)
		return false
	}
	if now < q.nextLook {
		return false
	}
	oldest := -1
	for i, m := range d.members {
		s := &q.seats[i]
		if m.out != nil && s.ask == nil && s.part.Capacity > 0 && (oldest < 0 || s.heard < q.seats[oldest].heard) {
			oldest = i
		}
	}
	if oldest < 0 || !d.members[oldest].out.mayLook(now) {
		return false
	}
	q.pause = min(2*q.pause, mostPause, half)
	q.nextLook = now + int64(q.pause)
	d.idle.remove(q)
	d.ask(q, oldest, 0)
	return true
}
