package cluster

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/quotadb/quota-db/lives"
	"github.com/quotadb/quota-db/replica"
)

// strangersWord is the answer to a client that has mistaken this port for another, in the protocol of Redis, which most
// such clients speak.
const strangersWord = "-ERR nodes replicate on this port, clients are served on another (--bind)\r\n"

const acceptPause = 50 * time.Millisecond // after an error of accept, for example too many open files

// accept accepts connections until the listener is closed.
func (c *Cluster) accept() {
	for ended := 0; ; {
		conn, err := c.listener.Accept()
		if err != nil {
			if c.ctx.Err() != nil {
				return
			}
			c.quiet.warn("could not accept a connection of a peer", c.Addr().String(), err.Error())
			select {
			case <-c.ctx.Done():
			case <-time.After(acceptPause):
			}
			continue
		}
		one, crowded := c.strangers.admit(conn, c.met.isNamed)
		c.outside.Go(func() { c.welcome(one) })
		if crowded {
			c.noise.warn("closed connections to make room", "many", "too many connections have not proved that they know the cluster secret")
			if ended++; ended%crowdBatch == 0 {
				time.Sleep(crowdPause)
			}
		}
	}
}

// welcome leads one handshake on the listener's side.
func (c *Cluster) welcome(one *stranger) {
	conn := one.conn
	one.unlimit = c.limit(c.ctx, conn, c.o.patience)
	defer one.unlimit()
	used, err := c.answer(one)
	if used {
		return
	}
	c.part(conn, err)
	_ = conn.Close()
	c.strangers.leave(one)
}

// part tells the other side, and the log, why the connection is closed.
func (c *Cluster) part(conn net.Conn, err error) {
	var version versionError
	switch r := (*refusal)(nil); {
	case err == nil, errors.Is(err, errCrowd):
	case errors.As(err, &r) && r.theirs:
		if !r.silent() {
			c.noise.warnOnce("a peer refuses to replicate with this node", hostOf(conn.RemoteAddr()), r.text)
		}
	case errors.As(err, &r):
		if refuse(conn, r); !r.silent() {
			c.noise.warn("a connection was refused", hostOf(conn.RemoteAddr()), r.text)
		}
	case errors.Is(err, errForeign):
		partWith(conn, []byte(strangersWord))
		c.noise.warn("a connection was refused", hostOf(conn.RemoteAddr()), "this is not a node: clients must use the port of --bind")
	case errors.As(err, &version):
		refuse(conn, &refusal{code: refusedOther, text: "this node speaks another version of the replication protocol: run the same release on all nodes"})
		c.noise.warn("a connection was refused", hostOf(conn.RemoteAddr()), err.Error())
	case errors.Is(err, net.ErrClosed): // ended to make room for another, or because this node stops
	case errors.Is(err, syscall.ECONNRESET): // as a peer does whose other connection has succeeded meanwhile
		c.o.Log.Debug("a handshake was broken off", "peer", hostOf(conn.RemoteAddr()), "reason", reason(err))
	default:
		c.noise.warn("a handshake was broken off", hostOf(conn.RemoteAddr()), reason(err))
	}
}

// limit ends a handshake after patience, or when ctx ends. The caller calls stop when the handshake has
// ended. A link calls stop earlier, when it begins: from then on a stop of the node leaves it the time to say so.
func (c *Cluster) limit(ctx context.Context, conn net.Conn, patience time.Duration) (stop func() bool) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	return context.AfterFunc(ctx, func() { _ = conn.Close() })
}

// errCrowd: the connection was ended to make room for another.
var errCrowd = errors.New("there are too many connections that have proved nothing")

// answer is the listener's side of a handshake. used: the connection belongs to a link now.
func (c *Cluster) answer(one *stranger) (used bool, err error) {
	conn := one.conn
	if !c.allowed(conn.LocalAddr(), conn.RemoteAddr()) {
		return false, errInsecure
	}
	t := &talk{conn: conn, secret: c.o.Secret, unlimit: one.unlimit}
	peer, err := t.receiveGreeting()
	if err != nil {
		return false, err
	}
	if !c.strangers.greet(one) {
		return false, errCrowd
	}
	if err := t.sendGreeting(greeting{node: c.o.Node, run: c.o.Run}); err != nil {
		return false, err
	}
	k, body, err := t.receiveProof(helloKind, claimKind)
	if err == nil && peer.node == c.o.Node {
		err = c.namesake(peer)
	}
	if err != nil {
		return false, err
	}
	if !c.strangers.prove(one) {
		return false, errCrowd
	}
	defer c.strangers.done()
	if k == claimKind {
		return false, c.answerClaim(t, peer, body)
	}
	return c.answerHello(t, peer, body)
}

// namesake is the refusal of a peer with this node's id: either it is this node, or its id is not unique.
func (c *Cluster) namesake(peer greeting) error {
	if peer.run == c.o.Run {
		return explain(replica.ErrSelf, peer.node)
	}
	return explain(replica.ErrOwnID, peer.node)
}

func (c *Cluster) answerClaim(t *talk, peer greeting, body []byte) error {
	claim, err := parseClaim(body)
	if err != nil {
		return err
	}
	claims := c.claims.Load()
	if claims == nil {
		return errStarting
	}
	if claim.Run != peer.run {
		return errMalformed
	}
	witness, err := claims.Claim(peer.node, claim.Life, claim.Before, claim.Run)
	if err != nil {
		return explain(err, peer.node)
	}
	return t.sendProof(answerKind, func(dst []byte) []byte { return appendAnswer(dst, witness) })
}

func (c *Cluster) answerHello(t *talk, peer greeting, body []byte) (used bool, err error) {
	o := c.owner.Load()
	if o == nil {
		return false, errStarting
	}
	h, err := c.learn(peer, body)
	if err != nil {
		return false, err
	}
	l, own, err := o.connect(t, h)
	if err != nil {
		return false, explain(err, h.Node)
	}
	if err := t.sendProof(helloKind, func(dst []byte) []byte { return appendHello(dst, own) }); err != nil {
		l.fail(err)
		return false, err
	}
	if err := l.begin(); err != nil {
		return false, explain(err, h.Node)
	}
	return true, nil
}

// learn reads the Hello of a peer that has proved the secret, and records the peer's run on disk.
func (c *Cluster) learn(peer greeting, body []byte) (replica.Hello, error) {
	h, err := parseHello(body)
	if err != nil {
		return h, err
	}
	if h.Node != peer.node || h.Run != peer.run {
		return h, errMalformed
	}
	if err := c.claims.Load().Register(lives.Started{Node: h.Node, Life: h.Life, Run: h.Run, Earlier: h.Earlier}); err != nil {
		return h, explain(err, h.Node)
	}
	return h, nil
}

// allowed reports whether a connection between two addresses may be used. Without a secret only loopback is allowed.
func (c *Cluster) allowed(local, remote net.Addr) bool {
	if len(c.o.Secret) > 0 || c.o.Insecure {
		return true
	}
	return onLoopback(local) && onLoopback(remote)
}

func onLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// hostOf is an address without the port, since each connection has another port.
func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}
