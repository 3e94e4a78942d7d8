package shares

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quotadb/quota-db/quota"
)

// deskWorld is one desk, with peers that take tokens from buckets as a node does. Messages arrive in order, late, or
// not at all when their session ends.
type deskWorld struct {
	t      testing.TB
	random *rand.Rand
	now    int64
	desk   *Desk
	peers  []*deskPeer
	orders []*deskOrder
	within bool // a call of Order runs
	roused int

	taken, back, lost uint64 // tokens: taken by peers, come back to them, lost on the way with their sessions
}

// deskPeer is a peer of the desk.
type deskPeer struct {
	node    uint16
	up      bool
	out, in []deskMessage // to the peer, and from it
	takes   map[uint64]uint64
	keys    map[quotaName]quota.Bucket
	names   map[uint64]quotaName // of all asks
	pending map[uint64]quotaName // asks that arrived and are not answered
	looks   []int64              // moments of asks for 0 tokens
	asks    int
}

// deskMessage is one of its fields.
type deskMessage struct {
	ask  *Ask
	back *Back
	took *Took
	at   int64 // it does not arrive before
}

// deskOrder is an order with what is expected of it.
type deskOrder struct {
	*Order
	name     quotaName
	ends     int
	canceled bool
	kept     uint64 // tokens that its client has used
}

func newDeskWorld(t testing.TB, members int, seed uint64) *deskWorld {
	w := &deskWorld{t: t, random: rand.New(rand.NewPCG(seed, 11)), now: 1e9, desk: NewDesk(1)}
	table := &Table{Seed: seed}
	for i := range members {
		table.Members = append(table.Members, Member{Node: uint16(i + 1), Seat: seed*31 + uint64(i)})
		if i > 0 {
			w.peers = append(w.peers, &deskPeer{node: uint16(i + 1), keys: map[quotaName]quota.Bucket{}})
		}
	}
	w.desk.SetRouse(func() { w.roused++ })
	w.desk.SetPart(Part{State: InForce, Table: table, Node: 1})
	return w
}

func (w *deskWorld) connect(p *deskPeer) {
	p.up, p.takes, p.pending, p.names = true, map[uint64]uint64{}, map[uint64]quotaName{}, map[uint64]quotaName{}
	w.desk.Connect(p.node, w.now)
}

func (w *deskWorld) connectAll() *deskWorld {
	for _, p := range w.peers {
		w.connect(p)
	}
	return w
}

// cut ends the session with a peer: what is on its way is lost.
func (w *deskWorld) cut(p *deskPeer) {
	for _, m := range p.in {
		w.lost += m.took.Tokens
	}
	for _, m := range p.out {
		if m.back != nil {
			w.lost += m.back.Tokens
		}
	}
	p.up, p.in, p.out = false, nil, nil
	w.desk.Disconnect(p.node)
}

// order orders tokens; nil: there is no hope.
func (w *deskWorld) order(name quotaName, n uint64, patience time.Duration) *deskOrder {
	o := &deskOrder{name: name}
	w.within = true
	o.Order = w.desk.Order([]byte(name.key), Want{Rate: name.rate, Transient: true, Tokens: n}, w.now+int64(patience), w.now, w.ended(o))
	w.within = false
	if o.Order == nil {
		return nil
	}
	w.orders = append(w.orders, o)
	return o
}

func (w *deskWorld) look(name quotaName, patience time.Duration) *deskOrder {
	o := &deskOrder{name: name}
	w.within = true
	o.Order = w.desk.Look([]byte(name.key), Want{Rate: name.rate, Transient: true}, w.now+int64(patience), w.now, w.ended(o))
	w.within = false
	if o.Order == nil {
		return nil
	}
	w.orders = append(w.orders, o)
	return o
}

func (w *deskWorld) ended(o *deskOrder) func() {
	return func() {
		if o.ends++; o.ends > 1 || w.within {
			w.t.Fatalf("done is called %d times, within Order: %v", o.ends, w.within)
		}
	}
}

// send takes what the desk has to send to a peer, at most so many messages.
func (w *deskWorld) send(p *deskPeer, most int, delay int64) {
	n := 0
	w.desk.Send(p.node, w.now, func() bool { n++; return n <= most }, func(a *Ask) {
		w.isSound(p, a)
		p.out = append(p.out, deskMessage{ask: a, at: w.now + delay})
	}, func(b Back) { p.out = append(p.out, deskMessage{back: &b, at: w.now + delay}) })
}

// isSound checks an ask that leaves.
func (w *deskWorld) isSound(p *deskPeer, a *Ask) {
	name := quotaName{string(a.Key), a.Want.Rate}
	for _, m := range slices.Concat(p.out, p.in) {
		if m.ask != nil && (quotaName{string(m.ask.Key), m.ask.Want.Rate}) == name {
			w.t.Fatalf("two asks for %v are on their way to node %d", name, p.node)
		}
	}
	for _, other := range p.pending {
		if other == name {
			w.t.Fatalf("two asks for %v wait at node %d", name, p.node)
		}
	}
	if p.asks++; a.Want.Tokens == 0 {
		p.looks = append(p.looks, w.now)
	}
}

// arrive handles the next message to a peer, if it has arrived.
func (w *deskWorld) arrive(p *deskPeer, delay int64) bool {
	if len(p.out) == 0 || p.out[0].at > w.now {
		return false
	}
	m := p.out[0]
	if p.out = p.out[1:]; m.back != nil {
		if p.takes[m.back.Number] < m.back.Tokens {
			w.t.Fatalf("%d tokens of ask %d come back, and %d were taken", m.back.Tokens, m.back.Number, p.takes[m.back.Number])
		}
		p.takes[m.back.Number] -= m.back.Tokens
		w.back += m.back.Tokens
		name := p.names[m.back.Number]
		b := p.keys[name]
		b.Give(w.desk.partOf(p.node, []byte(name.key), name.rate), m.back.Tokens, w.now)
		p.keys[name] = b
		return true
	}
	name := quotaName{string(m.ask.Key), m.ask.Want.Rate}
	p.pending[m.ask.Number], p.names[m.ask.Number] = name, name
	t := w.serve(p, m.ask)
	p.in = append(p.in, deskMessage{took: &t, at: w.now + delay})
	return true
}

// serve takes tokens as an asked node does.
func (w *deskWorld) serve(p *deskPeer, a *Ask) Took {
	name := quotaName{string(a.Key), a.Want.Rate}
	part := w.desk.partOf(p.node, a.Key, a.Want.Rate)
	b := p.keys[name]
	n := min(a.Want.Tokens, b.Remaining(part, w.now))
	if !b.Take(part, n, w.now) {
		w.t.Fatal("the bucket refuses what it has")
	}
	p.keys[name] = b
	p.takes[a.Number] = n
	w.taken += n
	return Took{Number: a.Number, Tokens: n, Full: max(0, time.Duration(b.FullAt-w.now))}
}

// answer gives the desk the next answer of a peer, if it has arrived.
func (w *deskWorld) answer(p *deskPeer) bool {
	if len(p.in) == 0 || p.in[0].at > w.now {
		return false
	}
	m := p.in[0]
	p.in = p.in[1:]
	delete(p.pending, m.took.Number)
	if err := w.desk.Heard(p.node, *m.took, w.now); err != nil {
		w.t.Fatal(err)
	}
	return true
}

// settle delivers everything at once, without letting time pass.
func (w *deskWorld) settle() {
	for busy := true; busy; {
		busy = false
		for _, p := range w.peers {
			if p.up {
				w.send(p, 1000, 0)
				for w.arrive(p, 0) || w.answer(p) {
					busy = true
				}
			}
		}
	}
}

// roundTrip lets one round trip pass: all that is to be sent is answered.
func (w *deskWorld) roundTrip() {
	for _, p := range w.peers {
		if p.up {
			w.send(p, 1000, 0)
		}
	}
	w.now += int64(time.Millisecond)
	for _, p := range w.peers {
		for w.arrive(p, 0) {
		}
		for w.answer(p) {
		}
	}
}

// check checks what must hold at any moment.
func (w *deskWorld) check() {
	w.t.Helper()
	d := w.desk
	bytes, open := 0, 0
	for name, q := range d.quotas {
		bytes += q.size
		sum, demand, asks := uint64(0), uint64(0), 0
		for _, l := range q.hand {
			sum += l.tokens
		}
		for o := q.orders.first; o != nil; o = o.after {
			demand += o.want
			open++
		}
		for o := q.looks.first; o != nil; o = o.after {
			open++
			if len(o.awaited) == 0 {
				w.t.Fatal("a look waits for nobody")
			}
		}
		for i := range q.seats {
			if q.seats[i].ask != nil {
				asks++
			}
		}
		if name != q.quotaName || sum != q.inHand || demand != q.demand || asks != q.open || q.inHand > q.demand {
			w.t.Fatalf("%v: %d tokens in hand, counted %d; demand %d, counted %d; %d asks, counted %d", name, sum, q.inHand, demand, q.demand, asks, q.open)
		}
		if q.isIdle != (q.orders.first == nil && q.looks.first == nil && q.open == 0) {
			w.t.Fatalf("%v is idle: %v", name, q.isIdle)
		}
	}
	if bytes != d.bytes || open != len(d.due) {
		w.t.Fatalf("%d bytes, counted %d; %d orders, counted %d", bytes, d.bytes, open, len(d.due))
	}
	for _, o := range w.orders {
		granted, over := o.Result()
		switch {
		case over != (o.ends == 1) && !o.canceled:
			w.t.Fatalf("an order is over: %v, and done was called %d times", over, o.ends)
		case granted != 0 && granted != o.want:
			w.t.Fatalf("%d of %d tokens are granted", granted, o.want)
		case slices.ContainsFunc(o.granted, func(l lot) bool { return l.ask.turn < o.turn }):
			w.t.Fatal("tokens are granted that were taken before the order")
		case !over && o.deadline <= w.now:
			w.t.Fatal("an order waits beyond its deadline")
		}
	}
	w.inOrder()
}

// inOrder checks that no order was granted before an older one of the same quota that still waits.
func (w *deskWorld) inOrder() {
	waits := map[quotaName]bool{}
	for _, o := range w.orders {
		if o.want == 0 {
			continue
		}
		granted, over := o.Result()
		if waits[o.name] && granted > 0 && o.kept == 0 {
			w.t.Fatal("an order was granted before an older one")
		}
		waits[o.name] = waits[o.name] || !over
	}
}

// use has the clients of granted orders use their tokens, and forgets orders that are over.
func (w *deskWorld) use() (used uint64) {
	w.orders = slices.DeleteFunc(w.orders, func(o *deskOrder) bool {
		granted, over := o.Result()
		used += granted
		return over
	})
	return used
}

func TestNoTokenIsGrantedThatWasNotTakenAndNoneIsLostUncounted(t *testing.T) {
	worlds := uint64(600)
	if testing.Short() {
		worlds = 100
	}
	var sum DeskStats
	for seed := range worlds {
		if !t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := randomDesk(t, seed)
			sum.Granted += s.Granted
			sum.Denied += s.Denied
			sum.Cancelled += s.Cancelled
			sum.Hopeless += s.Hopeless
			sum.Late += s.Late
			sum.Lost += s.Lost
			sum.GivenBack += s.GivenBack
			sum.Looks += s.Looks
		}) {
			return
		}
	}
	t.Logf("%+v", sum)
	if sum.Granted == 0 || sum.Denied == 0 || sum.Cancelled == 0 || sum.Hopeless == 0 || sum.Late == 0 || sum.Lost == 0 || sum.Looks == 0 {
		t.Errorf("not everything happened: %+v", sum)
	}
}

func randomDesk(t *testing.T, seed uint64) DeskStats {
	w := newDeskWorld(t, 2+int(seed%4), seed)
	r := w.random
	names := []quotaName{}
	for i := range 3 {
		limit := 1 + r.Uint64N(40)
		names = append(names, quotaName{fmt.Sprint("k", i%2), quota.Rate{Capacity: limit, Count: limit, Period: time.Duration(1 + r.Int64N(int64(time.Second)))}})
	}
	used := uint64(0)
	latency := r.Int64N(int64(30*time.Millisecond)) + 1
	for range 400 {
		w.now += r.Int64N(int64(3 * time.Millisecond))
		p := w.peers[r.IntN(len(w.peers))]
		switch name := names[r.IntN(len(names))]; r.IntN(12) {
		case 0, 1, 2:
			w.order(name, 1+r.Uint64N(min(8, name.rate.Capacity)), time.Duration(1+r.Int64N(int64(50*time.Millisecond))))
		case 3:
			w.look(name, 20*time.Millisecond)
		case 4:
			if !p.up {
				w.connect(p)
			} else if r.IntN(4) == 0 {
				w.cut(p)
			}
		case 5:
			if len(w.orders) > 0 {
				i := r.IntN(len(w.orders))
				w.desk.Cancel(w.orders[i].Order)
				w.orders = slices.Delete(w.orders, i, i+1)
			}
		case 6:
			used += w.use()
		case 7, 8:
			if p.up {
				w.send(p, 1+r.IntN(3), r.Int64N(latency))
			}
		case 9:
			w.arrive(p, r.Int64N(latency))
		default:
			w.answer(p)
		}
		w.desk.Tick(w.now)
		w.check()
	}
	for range 100 { // all is delivered, and all orders end
		w.now += int64(time.Millisecond)
		w.settle()
		w.desk.Tick(w.now)
		w.check()
	}
	used += w.use()
	if len(w.orders) > 0 || !w.desk.IsIdle() {
		t.Fatalf("%d orders wait, idle: %v", len(w.orders), w.desk.IsIdle())
	}
	s := w.desk.Stats()
	// What was granted and used, came back, or was lost with its session is what was taken. The desk knows of lost
	// tokens only if they had come to it.
	if used+w.back+w.lost+s.Lost != w.taken {
		t.Fatalf("%d tokens were taken; %d used, %d came back, %d and %d lost", w.taken, used, w.back, w.lost, s.Lost)
	}
	if s.Waited != s.Granted+s.Denied+s.Cancelled {
		t.Fatalf("%+v", s)
	}
	return s
}

// partOf is a member's part of a quota.
func (d *Desk) partOf(node uint16, key []byte, rate quota.Rate) quota.Rate {
	p := Part{State: InForce, Table: d.table, Node: node}
	return p.Own(key, rate)
}
