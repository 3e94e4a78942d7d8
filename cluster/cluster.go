// Package cluster connects a node with its peers: it listens, dials, proves the cluster's secret, and steps the machine of package replica,
// which decides what is said then.
//
// One goroutine, the owner, makes all calls of the machine. Each connection, a link, has a reader and a writer beside it. The machine
// is asked for more when a link has nothing left to write, so a slow peer holds back nothing but itself; a reader goes on when the owner has taken
// what it has read. Each entry of --peers has a dialer, which resolves the name anew for every round of attempts.
//
// Nobody who does not know the secret reaches the machine. What an unknown one can cost is a handshake (strangers.go): twice maxStrangers at a time, of
// handshakeTime each at most, and of messages of maxMessage bytes.
package cluster

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/lives"
	"github.com/quotadb/quota-db/replica"
)

const (
	handshakeTime = 5 * time.Second
	maxHandshakes = 64 // of those that have proved the secret, at a time
	leastTick     = time.Millisecond
	// lastWords is how long a close takes at most to send what there is.
	lastWords = time.Second
)

// Options of a Cluster.
type Options struct {
	Node     uint16
	Run      uint64
	Address  string   // host:port where peers connect; port 0 takes a free one
	Peers    []string // host:port
	Secret   []byte
	Insecure bool          // connections leave this host without a secret too
	Interval time.Duration // between two comparisons: an attempt to connect is made at least twice in it
	Log      *slog.Logger

	patience time.Duration // with a handshake; 0: handshakeTime
	lookup   func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Cluster is a node's connections with its peers.
type Cluster struct {
	o        Options
	quiet    *quietLog // of what peers of --peers and links have come to
	noise    *quietLog // of what anybody can have happen: as many lines as there are strangers must not silence the other
	listener net.Listener
	claims   atomic.Pointer[lives.Claims] // nil before Answer
	owner    atomic.Pointer[owner]        // nil before Start
	met      acquaintances
	blocked  atomic.Bool // a peer on another host is not dialed, and that was logged

	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	outside   sync.WaitGroup // goroutines that listen, dial and shake hands
	strangers strangers
}

// Listen begins to listen. Peers are told to come again until Start; but after Answer they are told of their lives, once this node's own is decided.
func Listen(o Options) (*Cluster, error) {
	l, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("listen for peers (--replication-port, --replication-bind): %w", err)
	}
	c := &Cluster{
		o: o, listener: l, quiet: newQuietLog(o.Log), noise: newQuietLog(o.Log), met: newAcquaintances(),
	}
	if o.Interval == 0 {
		c.o.Interval = 2 * mostBackoff
	}
	if o.patience == 0 {
		c.o.patience = handshakeTime
	}
	if o.lookup == nil {
		c.o.lookup = net.DefaultResolver.LookupNetIP
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.outside.Go(c.accept)
	return c, nil
}

// Addr is where peers connect.
func (c *Cluster) Addr() net.Addr { return c.listener.Addr() }

// Answer has peers that ask be told, from now on, whether they may go on with a life.
func (c *Cluster) Answer(claims *lives.Claims) { c.claims.Store(claims) }

// Stepping is how the machine is stepped.
type Stepping struct {
	Machine *replica.Machine
	Now     func() engine.Moment
	Tick    time.Duration           // how often changes are taken
	Refresh func(now engine.Moment) // computes the digests that the machine compares
}

// Start begins to replicate. Answer was called before.
func (c *Cluster) Start(s Stepping) {
	o := newOwner(c, s)
	c.owner.Store(o)
	for _, peer := range c.o.Peers {
		d := &dialer{Cluster: c, peer: peer, wake: make(chan struct{}, 1)}
		o.dialers = append(o.dialers, d)
	}
	go o.run()
	for _, d := range o.dialers {
		c.outside.Go(d.run)
	}
}

// Status is what was so statusEvery ago at most. It waits for nobody: who asks may hold keys that the machine waits for. It is safe for any goroutine.
func (c *Cluster) Status() replica.Status {
	o := c.owner.Load()
	if o == nil {
		return replica.Status{Node: c.o.Node, Run: c.o.Run}
	}
	s := *o.status.Load()
	s.Enabled = true
	if tcp, ok := c.Addr().(*net.TCPAddr); ok {
		s.Port = tcp.Port
	}
	for _, d := range o.dialers {
		if dial, ok := d.report(); ok {
			s.Dials = append(s.Dials, dial)
		}
	}
	if c.blocked.Load() && len(s.Peers) == 0 {
		s.Enabled, s.Off = false, errInsecure.text
	}
	return s
}

// Close sends what there is, for a second at most, and ends all connections.
func (c *Cluster) Close() error {
	c.cancel()
	err := c.listener.Close()
	c.outside.Wait()
	if o := c.owner.Load(); o != nil {
		o.close()
	}
	return err
}

// HashKey is the secret of the hash of keys, which is to be that of all nodes of a cluster. Without a secret everybody knows it.
func HashKey(secret []byte) [2]uint64 {
	key := derive(secret, "hash of keys", nil)
	return [2]uint64{binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[8:])}
}
