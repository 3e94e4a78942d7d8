// Package cluster connects a node with its peers. It listens, dials, proves the cluster's secret, and steps the machine
// of package replica, which decides what is sent then.
//
// One goroutine, the owner, makes all calls of the machine. Each connection, called a link, has a reader and a writer.
// The owner asks the machine for more bytes when a link has written everything, so a slow peer delays only itself. It
// writes short outputs itself, as far as the socket takes them at once, and leaves the rest to the link's writer. A
// reader continues when the owner has taken the frames it has read. Each entry of --peers has a dialer, which resolves
// the name again for every round of attempts.
//
// Only a process that knows the secret reaches the machine. A stranger can cost no more than a handshake
// (strangers.go): at most twice maxStrangers at a time, each of at most handshakeTime and with messages of at most
// maxMessage bytes.
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
	maxHandshakes = 64 // handshakes after the proof of the secret, at the same time
	leastTick     = time.Millisecond
	// lastWords is the longest time that Close takes to send what is left.
	lastWords = time.Second
)

// Options are the settings of a Cluster.
type Options struct {
	Node     uint16
	Run      uint64
	Address  string   // host:port where peers connect; port 0 takes a free port
	Peers    []string // host:port
	Secret   []byte
	Insecure bool          // without a secret, connect to other hosts too
	Interval time.Duration // between two comparisons; at least two attempts to connect are made in it
	Founders int           // number of nodes that found the cluster; 0: this node and all that Peers names
	Log      *slog.Logger

	patience time.Duration // time limit of a handshake; 0: handshakeTime
	lookup   func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Cluster is the set of a node's connections with its peers.
type Cluster struct {
	o     Options
	quiet *quietLog // about links, and peers in --peers
	// noise is for lines about strangers, apart from quiet, so that many strangers cannot suppress the lines about
	// peers
	noise    *quietLog
	listener net.Listener
	claims   atomic.Pointer[lives.Claims] // nil before Answer
	owner    atomic.Pointer[owner]        // nil before Start
	met      acquaintances
	blocked  atomic.Bool // a peer on another host was not dialed for lack of a secret, and that was logged

	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	outside   sync.WaitGroup // goroutines that listen, dial and shake hands
	strangers strangers
}

// Listen begins to listen. Before Start, peers are asked to retry. After Answer, their claims are answered even before
// Start, once this node's own life is decided.
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

// Addr returns the address where peers connect.
func (c *Cluster) Addr() net.Addr { return c.listener.Addr() }

// Answer makes the Cluster answer, from now on, peers that ask whether they may continue a life.
func (c *Cluster) Answer(claims *lives.Claims) { c.claims.Store(claims) }

// Stepping is the machine and what is needed to step it.
type Stepping struct {
	Machine *replica.Machine
	Now     func() engine.Moment
	Tick    time.Duration           // how often changes are taken
	Refresh func(now engine.Moment) // computes the digests that the machine compares
}

// Start begins to replicate. Call Answer first.
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

// Status returns the state of replication, at most statusEvery old. It never blocks, since the caller may hold shard
// locks that the machine waits for. Any goroutine may call it.
func (c *Cluster) Status() replica.Status {
	o := c.owner.Load()
	if o == nil {
		return replica.Status{Node: c.o.Node, Run: c.o.Run}
	}
	last := o.status.Load()
	s := last.Status
	if o.isResting.Load() {
		s = s.After(time.Since(last.at))
	}
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

// Close sends what is left, for at most a second, and ends all connections.
func (c *Cluster) Close() error {
	c.cancel()
	err := c.listener.Close()
	c.outside.Wait()
	if o := c.owner.Load(); o != nil {
		o.close()
	}
	return err
}

// HashKey derives the key of the hash of keys from the secret, so that all nodes of a cluster have the same. Without a
// secret, everybody knows the key.
func HashKey(secret []byte) [2]uint64 {
	key := derive(secret, "hash of keys", nil)
	return [2]uint64{binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[8:])}
}
