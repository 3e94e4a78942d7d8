package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

// cluster is nodes of quota-db that replicate with each other, each with files.
type cluster struct {
	*bench
	interval time.Duration // of anti-entropy
	nodes    []*node
	proxies  map[[2]int]*proxy // by dialing and dialed node; none: nodes dial each other directly
}

// node is one node of a cluster. Its number in it is one less than its id.
type node struct {
	*server // nil before its first start
	number  int
	dir     string
	peers   string // the value of --peers
	port    string // where peers connect
}

const (
	clusterPoll = 20 * time.Millisecond
	// equalLimit is how long nodes may take until all are connected, or hold the same.
	equalLimit = 2 * time.Minute
)

// startCluster starts so many nodes, and waits until they have compared what they hold: nothing. counted: what goes
// between them is counted.
func (b *bench) startCluster(size int, interval time.Duration, counted bool) (*cluster, error) {
	c := &cluster{bench: b, interval: interval}
	for number := range size {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		dir, err := os.MkdirTemp(b.dir, "node-")
		if err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, &node{number: number, dir: dir, port: port})
	}
	if counted {
		if err := c.startProxies(); err != nil {
			return nil, err
		}
	}
	for _, n := range c.nodes {
		var peers []string
		for _, other := range c.nodes {
			switch p := c.proxies[[2]int{n.number, other.number}]; {
			case other == n:
			case p != nil:
				peers = append(peers, p.addr())
			default:
				peers = append(peers, "127.0.0.1:"+other.port)
			}
		}
		n.peers = strings.Join(peers, ",")
		if err := c.startNode(n, true); err != nil {
			return nil, err
		}
	}
	return c, c.online()
}

// startProxies makes one for each direction in which a node may dial another.
func (c *cluster) startProxies() error {
	c.proxies = map[[2]int]*proxy{}
	for _, from := range c.nodes {
		for _, to := range c.nodes {
			if from == to {
				continue
			}
			p, err := startProxy("127.0.0.1:" + to.port)
			if err != nil {
				return err
			}
			c.proxies[[2]int{from.number, to.number}] = p
			c.atEnd(p.close)
		}
	}
	return nil
}

// startNode starts a node that does not run, with its peers or, for once, without.
func (c *cluster) startNode(n *node, withPeers bool) error {
	options := fmt.Sprintf("--node-id %d", n.number+1)
	if withPeers {
		options += fmt.Sprintf(" --peers %s --replication-port %s --anti-entropy-interval %v", n.peers, n.port, c.interval)
	}
	s, err := start(c.quota.with(options), interval, n.dir)
	if err != nil {
		return err
	}
	n.server = s
	c.running = append(c.running, s)
	return nil
}

// carried returns how many bytes have passed between two nodes so far, in both directions, as counted by the proxies.
func (c *cluster) carried(a, b *node) int64 {
	return c.proxies[[2]int{a.number, b.number}].bytes.Load() + c.proxies[[2]int{b.number, a.number}].bytes.Load()
}

// online waits until all nodes are connected, have compared what they hold, and have acknowledged what they were sent.
func (c *cluster) online() error {
	for deadline := time.Now().Add(equalLimit); time.Now().Before(deadline); time.Sleep(clusterPoll) {
		ready := 0
		for _, n := range c.nodes {
			f, err := n.info("replication")
			if err != nil {
				return err
			}
			if f.acknowledged() {
				ready++
			}
		}
		if ready == len(c.nodes) {
			return nil
		}
	}
	return fmt.Errorf("the nodes are not connected, or have not acknowledged all, after %v", equalLimit)
}

// acknowledged reports whether all peers are online and have acknowledged all changes of this node's clients.
func (f info) acknowledged() bool {
	if f["cluster_state"] != "ok" {
		return false
	}
	for i := range int(f.number("replication_peers")) {
		if f.record(fmt.Sprintf("peer%d", i))["behind_keys"] != "0" {
			return false
		}
	}
	return true
}

// equal waits until all nodes store the same, and returns how long it waited.
func (c *cluster) equal() (time.Duration, error) {
	begin := time.Now()
	var conns []*wire.Conn
	for _, n := range c.nodes {
		conn, err := wire.Dial(n.addr())
		if err != nil {
			return 0, err
		}
		defer func() { _ = conn.Close() }()
		conns = append(conns, conn)
	}
	for {
		digests, err := digests(conns)
		took := time.Since(begin)
		if err != nil {
			return took, err
		}
		if len(slices.Compact(digests)) == 1 {
			return took, nil
		}
		if took > equalLimit {
			return took, fmt.Errorf("the nodes do not hold the same after %v: %v", equalLimit, digests)
		}
		time.Sleep(clusterPoll)
	}
}

// digests are those of what nodes hold, which they compute at the same time.
func digests(conns []*wire.Conn) ([]string, error) {
	for _, c := range conns {
		if err := c.Send(wire.AppendCommand(nil, "CLUSTER", "DIGEST")); err != nil {
			return nil, err
		}
	}
	var all []string
	for _, c := range conns {
		v, err := c.Receive()
		if err == nil && v.IsError() {
			err = fmt.Errorf("CLUSTER DIGEST: %s", v)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, v.Text)
	}
	return all, nil
}

// agree waits until all nodes hold the same and have nothing more to say of it.
func (c *cluster) agree() error {
	if _, err := c.equal(); err != nil {
		return err
	}
	return c.online()
}

// peer is what a node says of another.
func (n *node) peer(other *node) (info, error) {
	f, err := n.info("replication")
	if err != nil {
		return nil, err
	}
	for i := range int(f.number("replication_peers")) {
		if p := f.record(fmt.Sprintf("peer%d", i)); p.number("node") == float64(other.number+1) {
			return p, nil
		}
	}
	return nil, fmt.Errorf("node %d does not know node %d", n.number+1, other.number+1)
}
