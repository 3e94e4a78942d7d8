package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/quotadb/quota-db/replica"
)

const (
	dialTime      = 3 * time.Second // or the interval, but at least leastDialTime
	leastDialTime = 500 * time.Millisecond
	// leastHandshakeTime is the shortest time that a dialer waits for the end of a handshake, in which the peer writes
	// to its disk. If the interval is longer, the dialer waits for an interval.
	leastHandshakeTime = time.Second

	resolveTime  = 3 * time.Second
	leastBackoff = 100 * time.Millisecond
	// mostBackoff is the longest pause, or half an interval if that is shorter: after a network fault ends, peers are
	// to be connected within an interval.
	mostBackoff  = 5 * time.Second
	steadyTime   = 10 * time.Second // between two rounds while all are connected: a name may have got more addresses
	maxAddresses = 256              // largest number of addresses of a name that are dialed
)

// dialer keeps connections with all addresses of one entry of --peers.
type dialer struct {
	*Cluster
	peer    string
	wake    chan struct{} // a link has ended
	backoff time.Duration

	mu        sync.Mutex       // protects the results of the last round, below
	addresses []netip.AddrPort // of the peer
	problem   string
}

// report returns the peer as a Dial if one of its addresses has no connection; false if all have one.
func (d *dialer) report() (replica.Dial, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, address := range d.addresses {
		if connected, lost := d.met.isConnected(address); !connected {
			return replica.Dial{Address: d.peer, Error: cmp.Or(d.problem, lost, firstAttempt)}, true
		}
	}
	return replica.Dial{Address: d.peer, Error: cmp.Or(d.problem, firstAttempt)}, len(d.addresses) == 0
}

// firstAttempt is shown as the error while no attempt has ended yet.
const firstAttempt = "the first attempt to connect has not ended yet"

// note stores the results of a round, and returns the errors joined.
func (d *dialer) note(addresses []netip.AddrPort, errs ...error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addresses, d.problem = addresses, ""
	if err := errors.Join(errs...); err != nil {
		for _, err := range errs {
			if err != nil {
				d.problem = printable(reason(err))
			}
		}
		return err
	}
	return nil
}

// rouse makes the next round begin soon.
func (d *dialer) rouse() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *dialer) run() {
	for {
		if err := d.round(); (err == nil || errors.Is(err, errInsecure)) && d.steady() > d.mostBackoff() {
			d.backoff = 0
		}
		d.backoff = min(max(2*d.backoff, leastBackoff), d.mostBackoff())
		pause := d.backoff/2 + rand.N(d.backoff/2)
		select {
		case <-d.ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (d *dialer) mostBackoff() time.Duration {
	return min(mostBackoff, max(d.o.Interval/2, leastBackoff))
}

// steady waits for the end of a link, at most steadyTime. It returns how long it waited.
func (d *dialer) steady() time.Duration {
	began := time.Now()
	select {
	case <-d.ctx.Done():
	case <-d.wake:
	case <-time.After(steadyTime):
	}
	return time.Since(began)
}

// round dials all present addresses of the peer's name at the same time. After an error the next round is to begin
// soon.
func (d *dialer) round() error {
	addresses, err := d.resolve(d.ctx, d.peer)
	if err != nil {
		if d.ctx.Err() == nil {
			d.quiet.warn("could not resolve the name of a peer", d.peer, err.Error())
		}
		addresses = d.known()
	}
	errs := make([]error, len(addresses))
	var all sync.WaitGroup
	for i, address := range addresses {
		all.Go(func() { errs[i] = d.try(address) })
	}
	all.Wait()
	addresses, errs = serving(addresses, errs)
	for i, err := range errs {
		d.complain(addresses[i], err)
	}
	return d.note(addresses, append(errs, err)...)
}

// known is the result of the last successful resolution of the name.
func (d *dialer) known() []netip.AddrPort {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.addresses
}

// try connects with an address, unless it is known as this node's or a connected node's.
func (d *dialer) try(address netip.AddrPort) error {
	if d.met.skip(address, time.Now()) {
		return nil
	}
	if !d.mayDial(address) {
		return errInsecure
	}
	err := d.dial(address)
	if isUnreachable(err) {
		d.met.forget(address)
	}
	var r *refusal
	if d.ctx.Err() != nil || errors.As(err, &r) && r.code == refusedSelf {
		return nil
	}
	return err
}

// complain logs why there is no connection with an address.
func (d *dialer) complain(address netip.AddrPort, err error) {
	var r *refusal
	switch {
	case err == nil, errors.As(err, &r) && r.code == refusedDuplicate:
		d.quiet.forget(d.name(address))
	case errors.Is(err, errInsecure): // mayDial has logged it
	case errors.As(err, &r) && r.silent():
	case errors.As(err, &r) && r.theirs:
		d.quiet.warnOnce("a peer refuses to replicate with this node", d.name(address), r.text)
	case errors.As(err, &r):
		d.quiet.warn("a peer and this node do not replicate", d.name(address), r.text)
	default:
		d.quiet.warn("a peer cannot be reached", d.name(address), reason(err))
	}
}

// name is the peer's name for the log.
func (d *dialer) name(address netip.AddrPort) string {
	if a := address.String(); a != d.peer {
		return d.peer + " at " + a
	}
	return d.peer
}

// mayDial reports whether an address may be dialed, and logs the first that may not.
func (c *Cluster) mayDial(address netip.AddrPort) bool {
	if len(c.o.Secret) > 0 || c.o.Insecure || address.Addr().IsLoopback() {
		return true
	}
	if !c.blocked.Swap(true) {
		c.o.Log.Warn("no replication with other hosts: set --cluster-secret (QUOTADB_CLUSTER_SECRET), or --cluster-secret-file, to the same on all nodes; or use --insecure-cluster", "peer", address.String())
	}
	return false
}

// dial makes a connection, leads the handshake, and makes a link of it.
func (d *dialer) dial(address netip.AddrPort) error {
	t, peer, stop, err := d.call(d.ctx, address)
	if err != nil {
		return err
	}
	defer stop()
	used, err := d.introduce(t, peer)
	if !used {
		_ = t.conn.Close()
	}
	return err
}

// call dials an address and exchanges greetings; the Cluster remembers who answered.
func (c *Cluster) call(ctx context.Context, address netip.AddrPort) (t *talk, peer greeting, stop func() bool, err error) {
	nd := net.Dialer{Timeout: min(dialTime, max(c.o.Interval, leastDialTime))}
	conn, err := nd.DialContext(ctx, "tcp", address.String())
	if err != nil {
		return nil, peer, nil, err
	}
	stop = c.limit(ctx, conn, min(c.o.patience, max(c.o.Interval, leastHandshakeTime)))
	if !c.allowed(conn.LocalAddr(), conn.RemoteAddr()) {
		err = errInsecure
	}
	t = &talk{conn: conn, secret: c.o.Secret, dialed: true, unlimit: stop}
	if err == nil {
		peer, err = t.greet(greeting{node: c.o.Node, run: c.o.Run})
	}
	if err == nil {
		c.met.remember(address, peer, peer.node == c.o.Node && peer.run == c.o.Run, time.Now())
		if peer.node == c.o.Node {
			r := explain(c.namesake(peer), peer.node)
			refuse(conn, r)
			err = r
		}
	}
	if err != nil {
		stop()
		_ = conn.Close()
		return nil, peer, nil, err
	}
	return t, peer, stop, nil
}

// introduce is the dialer's side of the rest of a handshake. used: the connection belongs to a link now.
func (c *Cluster) introduce(t *talk, peer greeting) (used bool, err error) {
	if !c.met.mayIntroduce(peer) { // connected meanwhile, or through another address
		r := explain(replica.ErrDuplicate, peer.node)
		refuse(t.conn, r)
		return false, r
	}
	defer c.met.introduced(peer)
	o := c.owner.Load()
	var own replica.Hello
	if !o.do(func() { own = o.Machine.Hello() }) {
		return false, nil
	}
	if err := t.sendProof(helloKind, func(dst []byte) []byte { return appendHello(dst, own) }); err != nil {
		return false, err
	}
	_, body, err := t.receiveProof(helloKind)
	if err != nil {
		return false, err
	}
	h, err := c.learn(peer, body)
	var l *link
	if err == nil {
		l, _, err = o.connect(t, h)
	}
	if err != nil {
		r := explain(err, peer.node)
		refuse(t.conn, r)
		return false, r
	}
	if err := l.begin(); err != nil {
		return false, explain(err, h.Node)
	}
	return true, nil
}

// reason is an error's text for the log. Errors of the same kind give the same text.
func reason(err error) string {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it does not answer"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it closes the connection in the handshake"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return fmt.Sprintf("%s: %v", op.Op, op.Err)
	}
	return err.Error()
}
