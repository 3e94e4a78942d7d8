package shares

import (
	"sync"
	"time"

	"github.com/quotadb/quota-db/quota"
)

// Bounds of a Desk.
const (
	mostOrders     = 64 << 10 // orders that wait; also tokens that wait to be given back, for each session
	mostQuotas     = 64 << 10 // quotas of which a desk knows something
	mostQuotaBytes = 64 << 20 // their memory
	// MaxAskedKey is the longest key for which tokens are ordered from others, in bytes.
	MaxAskedKey = 64 << 10
	// MaxRegister is the longest Want.Register: a record with the longest key.
	MaxRegister = MaxAskedKey + 1<<10
)

const (
	firstPause = 10 * time.Millisecond // before the first look at a quota whose tokens are used up everywhere
	mostPause  = time.Second
	// mostLooks is how many such looks a peer gets in a second, at most, all quotas together.
	mostLooks = 1000
	// fresh is the age up to which a level that another node has told need not be asked for again.
	fresh = 100 * time.Millisecond
)

// Desk gets tokens of other members for clients of this node. An event loop gives it an order. The desk asks the
// members that can be expected to have tokens: asks leave, and answers come, in the sessions with those nodes. A node
// that is asked takes the tokens from its own bucket before it answers. So no token is here that is not taken
// elsewhere. What comes and is not needed is given back.
//
// A desk has no goroutines and no clock. Its methods are safe for concurrent use.
type Desk struct {
	mu      sync.Mutex // protects everything below; only Send calls functions of others while it is held
	rouse   func()
	node    uint16
	table   *Table
	members []*member // of the table, without this node; those with larger node numbers than this node first
	loose   []*outbox // sessions with nodes that are no members
	quotas  map[quotaName]*deskQuota
	idle    idleQuotas // those without orders and without asks on their way, the oldest first
	bytes   int        // memory of all quotas
	due     deadlines
	stats   DeskStats
	ended   []func() // to be called when mu is released
	latest  int64    // moment of the latest call
	turn    uint64   // number of the last order that began, or ask that left
	offers  []offer  // memory of askForRest
	coming  []lot    // memory of count
}

// quotaName: two limits of a key are two quotas here. Their tokens are the same, but what is known about them differs.
type quotaName struct {
	key  string
	rate quota.Rate
}

// member is another node that owns a part of every quota.
type member struct {
	node uint16
	at   int     // its index in Table.Members
	out  *outbox // nil: there is no session with it
}

// NewDesk makes the desk of a node. Until SetPart tells it of a table, there is no hope for any order.
func NewDesk(node uint16) *Desk {
	return &Desk{node: node, quotas: map[quotaName]*deskQuota{}, rouse: func() {}}
}

// SetRouse sets the function that is called when there is something to send. It is called from any goroutine, and must
// be quick.
func (d *Desk) SetRouse(rouse func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rouse = rouse
}

// Order is a client's wish for tokens of other members, or for their levels.
type Order struct {
	desk     *Desk
	quota    *deskQuota
	want     uint64 // 0: a look
	deadline int64
	done     func()
	turn     uint64 // see ask
	place    int    // in Desk.due
	before   *Order // in the list of its quota
	after    *Order

	awaited []*ask // of a look: asks whose answers it waits for
	granted []lot  // tokens that were taken for it
	over    bool
	left    bool // Cancel was called
}

// Order asks other members for tokens. done is called once when the order has ended, from any goroutine and never
// within Order. It must be quick. It may be called while Cancel runs, and after it. Order returns nil if nobody who is
// connected can have the tokens by now, as far as this node knows. That is a denial without a message.
func (d *Desk) Order(key []byte, w Want, deadline, now int64, done func()) *Order {
	d.lockAt(now)
	o, send := d.order(key, &w, deadline, now, done)
	d.unlock(send)
	return o
}

func (d *Desk) order(key []byte, w *Want, deadline, now int64, done func()) (o *Order, send bool) {
	if w.Tokens == 0 || w.Tokens > w.Rate.Capacity || deadline <= now {
		return nil, false
	}
	q := d.know(key, w, now)
	if q == nil {
		d.stats.Hopeless++
		return nil, false
	}
	if is, send := d.isHopeless(q, w.Tokens, now); is {
		return nil, send
	}
	o = &Order{desk: d, quota: q, want: w.Tokens, deadline: deadline, done: done}
	d.begin(o, &q.orders, w)
	q.demand += o.want
	q.need += o.want
	q.touched = max(q.touched, now)
	d.stats.Waited++
	d.askForRest(q, now)
	return o, true
}

// Hopeless reports whether Order would return nil for want of hope. If so it counts the denial, as Order does. It may
// be false where Order returns nil. A caller asks first, and prepares an order only if there is hope.
func (d *Desk) Hopeless(key []byte, rate quota.Rate, tokens uint64, now int64) (is bool) {
	d.lockAt(now)
	send := false
	if q := d.quotas[quotaName{string(key), rate}]; q != nil {
		is, send = d.isHopeless(q, tokens, now)
	} else if is = !d.anyConnected(); is {
		d.stats.Hopeless++
	}
	d.unlock(send)
	return is
}

func (d *Desk) isHopeless(q *deskQuota, tokens uint64, now int64) (is, send bool) {
	if d.hope(q, now) >= q.demand+tokens && len(d.due) < mostOrders {
		return false, false
	}
	d.stats.Hopeless++
	d.rest(q)
	return true, d.lookAgain(q, now)
}

// Look asks all connected members for their levels of a quota and takes nothing; the answers change what Others
// returns. It returns nil if nobody is to be asked: no member is connected, or all have told their levels a moment ago.
// done and deadline are as with Order.
func (d *Desk) Look(key []byte, w Want, deadline, now int64, done func()) *Order {
	d.lockAt(now)
	o := d.look(key, &w, deadline, now, done)
	d.unlock(o != nil)
	return o
}

func (d *Desk) look(key []byte, w *Want, deadline, now int64, done func()) *Order {
	if deadline <= now || len(d.due) >= mostOrders || d.areFresh(key, w.Rate, now) {
		return nil
	}
	q := d.know(key, w, now)
	if q == nil {
		return nil
	}
	o := &Order{desk: d, quota: q, deadline: deadline, done: done}
	d.begin(o, &q.looks, w)
	for i, m := range d.members {
		s := &q.seats[i]
		if m.out == nil || s.isFresh(now) {
			continue
		}
		if s.ask == nil {
			d.ask(q, i, 0)
		}
		s.ask.look = true
		o.awaited = append(o.awaited, s.ask)
	}
	return o
}

// areFresh reports whether a look would ask nobody.
func (d *Desk) areFresh(key []byte, rate quota.Rate, now int64) bool {
	q := d.quotas[quotaName{string(key), rate}]
	for i, m := range d.members {
		if m.out != nil && (q == nil || !q.seats[i].isFresh(now)) {
			return false
		}
	}
	return true
}

// Result says how an order stands. over: it has ended. Then granted is how many tokens were taken for it at other
// members: all that it wanted, or 0, and of a look always 0.
func (o *Order) Result() (granted uint64, over bool) {
	o.desk.mu.Lock()
	defer o.desk.mu.Unlock()
	if len(o.granted) > 0 {
		granted = o.want
	}
	return granted, o.over
}

// Cancel ends an order whose client has gone or was answered without its tokens. What has come for it, or comes later,
// is given back.
func (d *Desk) Cancel(o *Order) {
	d.mu.Lock()
	send := false
	switch {
	case o.left:
	case !o.over:
		d.stats.Cancelled += o.ones()
		d.end(o)
		if q := o.quota; q.orders.first == nil || len(q.hand) > 0 { // else the other orders wait on
			d.settle(q, d.latest)
		}
		send = true
	case len(o.granted) > 0:
		for _, l := range o.granted {
			d.giveBack(l)
		}
		o.granted, send = nil, true
	}
	o.left = true
	d.unlock(send)
}

// ones is how often the order counts in the figures of orders: a look does not.
func (o *Order) ones() uint64 {
	if o.want == 0 {
		return 0
	}
	return 1
}

// lockAt takes the mutex. The clocks of two goroutines may have been read in another order.
func (d *Desk) lockAt(now int64) {
	d.mu.Lock()
	d.latest = max(d.latest, now)
}

// unlock releases the mutex, and then calls what is to be called without it.
func (d *Desk) unlock(send bool) {
	ended, rouse := d.ended, d.rouse
	d.ended = nil
	d.mu.Unlock()
	for _, done := range ended {
		done()
	}
	if send {
		rouse()
	}
}
