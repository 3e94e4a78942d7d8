package cluster

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quotadb/quota-db/pulse"
	"github.com/quotadb/quota-db/replica"
)

// owner makes all calls of the machine, in one goroutine. The fields below calls belong to this goroutine.
type owner struct {
	*Cluster
	Stepping
	dialers []*dialer
	inside  sync.WaitGroup // goroutines of the links and of the refresh
	finish  chan struct{}
	ended   chan struct{}
	calls   chan func()

	links      map[*link]bool
	losses     losses
	refreshing bool

	asked     chan struct{} // there is something to send that no call of the machine has made
	took      time.Time     // when changes were last taken
	rest      resting
	isResting atomic.Bool // for Status
	status    atomic.Pointer[published]
}

// published is a Status for other goroutines.
type published struct {
	replica.Status
	at time.Time
}

// mostTick is the longest time between two looks at the peers outside of a rest, whatever the batch delay.
const mostTick = 100 * time.Millisecond

// statusEvery is how often Status is published.
const statusEvery = 20 * time.Millisecond

func newOwner(c *Cluster, s Stepping) *owner {
	s.Tick = max(s.Tick, leastTick)
	o := &owner{
		Cluster: c, Stepping: s,
		finish: make(chan struct{}), ended: make(chan struct{}), calls: make(chan func()), links: map[*link]bool{}, losses: losses{},
	}
	o.rest = resting{roused: make(chan struct{}, 1), every: min(o.Tick, mostTick)}
	o.asked = make(chan struct{}, 1)
	o.Machine.Attend(o.missing, o.rouse)
	o.publish()
	return o
}

// rouse makes the owner ask the machine what is to be sent, without waiting for the next tick. Any goroutine may call
// it.
func (o *owner) rouse() {
	select {
	case o.asked <- struct{}{}:
	default:
	}
}

// missing names the configured peers that stand in the way of a founding: those without a connection, and names that
// may stand for more nodes than run now. If the number of founders is configured, nothing of that matters.
func (o *owner) missing() (names []string) {
	if o.o.Founders > 0 {
		return nil
	}
	for _, d := range o.dialers {
		if dial, missing := d.report(); missing {
			names = append(names, fmt.Sprintf("%s (%s)", dial.Address, dial.Error))
		} else if d.met.nodesAt(d.known()) > 1 {
			names = append(names, d.peer+", a name of several nodes: set --founders to the number of nodes of the cluster, on all of them")
		}
	}
	return names
}

func (o *owner) publish() {
	o.status.Store(&published{o.Machine.Status(o.Now()), time.Now()})
}

// do makes the owner call fn, and waits for its end. It returns false if the owner has ended.
func (o *owner) do(fn func()) bool {
	done := make(chan struct{})
	select {
	case o.calls <- func() { fn(); close(done) }:
		<-done
		return true
	case <-o.ended:
		return false
	}
}

func (o *owner) run() {
	defer close(o.ended)
	tick := time.NewTicker(o.rest.every)
	defer tick.Stop()
	for {
		select {
		case <-o.finish:
			o.sendTheRest()
			return
		case fn := <-o.calls:
			fn()
		case <-o.rest.roused:
			o.rest.end(tick)
		case <-o.asked:
			o.pumpAll()
		case <-tick.C:
			o.tellMoved()
			o.tick()
			o.pumpAll()
			o.reportLosses(time.Now())
			if time.Since(o.status.Load().at) >= statusEvery {
				o.publish()
			}
			o.rest.quiet++
		}
		o.refreshIfDue()
		o.rest.beginIfIdle(tick, !o.refreshing && o.Machine.IsIdle(), o.Machine.DB.RestUnsent, o.due)
		if o.rest.on {
			o.publish() // what Status returns until the next event, with the time that has passed since
		}
		o.isResting.Store(o.rest.on)
	}
}

// due is how long an owner that rests may wait for an event.
func (o *owner) due() time.Duration {
	ping := pulse.Until(restTick)
	for l := range o.links {
		if l.peer.Node < o.o.Node {
			ping += followAfter
			break
		}
	}
	return min(ping, o.Machine.Due(o.Now()))
}

func (o *owner) tick() {
	if o.Tick <= mostTick || time.Since(o.took) >= o.Tick {
		o.took = time.Now()
		o.Machine.Tick(o.Now())
		return
	}
	o.Machine.Watch(o.Now())
}

func (o *owner) close() {
	close(o.finish)
	<-o.ended
	o.inside.Wait()
}

// sendTheRest sends what the machine has left to send, and waits until the peers have read it.
func (o *owner) sendTheRest() {
	deadline := time.NewTimer(lastWords)
	defer deadline.Stop()
	o.Machine.Tick(o.Now())
	o.Machine.Stop()
	o.pumpAll()
	for len(o.links) > 0 {
		for l := range o.links {
			if l.idle && !l.parting && !l.session.IsResuming() { // else what is left has not been sent
				l.part()
			}
		}
		select {
		case fn := <-o.calls: // a link has written everything, or has ended
			fn()
			continue
		case <-deadline.C:
		}
		break
	}
	for l := range o.links {
		o.drop(l, nil)
	}
	o.publish()
}

// refreshIfDue starts computing the digests in another goroutine, since that takes long.
func (o *owner) refreshIfDue() {
	if o.refreshing || !o.Machine.RefreshDue() {
		return
	}
	o.refreshing = true
	o.inside.Go(func() {
		o.Refresh(o.Now())
		o.do(func() {
			o.refreshing = false
			o.Machine.Refreshed(o.Now())
			o.pumpAll()
		})
	})
}

// tellMoved tells the machine which connections have moved parts of long frames, so that it does not take a slow peer
// for a silent one.
func (o *owner) tellMoved() {
	for l := range o.links {
		if came, gone := l.came.Swap(false), l.gone.Swap(false); came || gone {
			o.Machine.Moved(l.session, came, gone, o.Now())
		}
	}
}

// pumpAll asks the machine for more on all links that have written everything, and drops links whose session has ended.
func (o *owner) pumpAll() {
	for l := range o.links {
		o.pump(l)
	}
}

func (o *owner) pump(l *link) {
	if ended, why := l.session.Ended(); ended {
		o.drop(l, errors.New(why))
		return
	}
	if !l.idle || l.parting {
		return
	}
	for {
		if l.buf = o.Machine.Next(l.session, l.buf[:0], o.Now()); len(l.buf) == 0 {
			return
		}
		if rest := l.writeDirectly(l.buf); len(rest) > 0 {
			l.idle = false
			l.out <- rest
			return
		}
	}
}

// connect makes a link of a connection whose peer has proved the secret. The link sends nothing before begin.
func (o *owner) connect(t *talk, h replica.Hello) (l *link, own replica.Hello, err error) {
	alive := o.do(func() {
		own = o.Machine.Hello()
		var s *replica.Session
		if s, err = o.Machine.Connect(h, t.dialed, o.Now()); err != nil {
			return
		}
		l = newLink(o, t, s, h)
		o.links[l] = true
		o.met.online(h.Node, h.Run, l)
		o.pumpAll() // another session may have ended for this one
	})
	if !alive {
		err = errStarting // this node stops; the peer is to retry
	}
	return l, own, err
}

// drop ends a link, unless it has ended already.
func (o *owner) drop(l *link, err error) {
	if !o.links[l] {
		return
	}
	delete(o.links, l)
	o.Machine.Disconnect(l.session, o.Now())
	reason := "this node stops"
	if err != nil {
		reason = printable(err.Error())
	}
	o.met.offline(l.peer.Node, l, reason)
	o.publish()   // so that no peer is shown as online and unreachable at once
	if !l.begun { // its handshake still runs, and will notice
		return
	}
	close(l.closed)
	_ = l.conn.Close()
	var refused *refusal
	switch {
	// A refusal is not logged here: it has been logged as one. A reset is how a connection ends that crossed another
	// one.
	case !l.agreed && errors.Is(err, syscall.ECONNRESET):
		o.o.Log.Debug("a handshake was broken off", "peer", hostOf(l.conn.RemoteAddr()), "reason", reason)
	case !l.agreed && err != nil && !errors.As(err, &refused) && !o.hasLink(l.peer.Node):
		o.noise.warn("a handshake was broken off", hostOf(l.conn.RemoteAddr()), reason)
	case l.agreed:
		o.o.Log.Info("peer disconnected", "node", l.peer.Node, "peer", l.conn.RemoteAddr().String(), "reason", reason)
		if err != nil && !l.session.Stops() && !o.isConnected(l.peer.Node) {
			o.losses.note(l, reason, time.Now())
		}
	}
	for _, d := range o.dialers {
		d.rouse()
	}
}

// hasLink reports whether there is a link to the node, agreed or not. Two nodes may have dialed each other at once;
// only one of the two connections stays.
func (o *owner) hasLink(node uint16) bool {
	for l := range o.links {
		if l.peer.Node == node {
			return true
		}
	}
	return false
}

// isConnected reports whether there is a link to the node that both sides have agreed to.
func (o *owner) isConnected(node uint16) bool {
	for l := range o.links {
		if l.agreed && l.peer.Node == node {
			return true
		}
	}
	return false
}
