package cluster

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/internal/history"
	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	nodes = 3
	// places are where processes run: one for each node, and one for a copy of a node's directory.
	places = nodes + 1

	secret = "the tests' secret"
)

// network is what is between the nodes.
type network interface {
	// launch starts quota-db in a place, with these flags and those that concern the network.
	launch(t *testing.T, place int, flags ...string) *process.Server
	// disturb does something bad, at random, and says what.
	disturb(rng *rand.Rand) string
	heal()
}

// node is a node and its place; its processes run there one after the other.
type node struct {
	place, id int
	level     string // --durability
	dir       string
	disk      history.Disk // contents of dir
	begun     history.Mark // when the present or last run got its directory

	mu     sync.Mutex // protects the fields below: clients look for the node while it starts and stops
	server *process.Server
	run    int
}

// connect connects a client, and says with which run.
func (n *node) connect() (*wire.Conn, int, error) {
	n.mu.Lock()
	s, run := n.server, n.run
	n.mu.Unlock()
	if s == nil {
		return nil, run, errors.New("it does not run")
	}
	c, err := s.Connect()
	return c, run, err
}

// cluster is three nodes, what is between them, and the clients.
type cluster struct {
	network
	nodes []*node // by place
	load  *load
	rng   *rand.Rand
}

// newCluster starts the nodes, and has clients write to them.
func newCluster(t *testing.T, net network, level string, rng *rand.Rand) *cluster {
	t.Helper()
	c := &cluster{network: net, rng: rng, load: newLoad()}
	for place := range nodes {
		c.nodes = append(c.nodes, &node{place: place, id: place + 1, level: level, dir: filepath.Join(t.TempDir(), "data")})
		c.run(t, c.nodes[place])
	}
	for _, n := range c.nodes {
		founded(t, n.server)
	}
	c.load.begin(t)
	for _, n := range c.nodes {
		c.load.add(n, c.rng)
	}
	c.settle(t)
	return c
}

// run starts the node on the directory that it has.
func (c *cluster) run(t *testing.T, n *node) {
	t.Helper()
	if n.run > 0 || n.place >= nodes {
		c.load.history.Start(n.place, n.disk)
	}
	n.begun = c.load.history.Mark()
	s := c.launch(t, n.place, nodeFlags(n)...)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server = s
	n.run++
}

func nodeFlags(n *node) []string {
	return []string{
		"--node-id", itoa(n.id), "--data-dir", n.dir, "--durability", n.level,
		"--anti-entropy-interval", interval.String(), "--cluster-secret", secret, "--log-level", "info", "--quota-wait-ms", itoa(int(schedulingSlack.Milliseconds())),
	}
}

// stop ends the node cleanly, which loses nothing.
func (c *cluster) stop(t *testing.T, n *node) {
	t.Helper()
	n.server.Signal(t, syscall.SIGTERM)
	if code := n.server.Exit(t); code != 0 {
		t.Fatalf("node %d stopped with code %d", n.id, code)
	}
	n.gone()
	n.disk = history.DiskAt(n.place, c.load.history.Mark())
}

// kill ends the node at once. What its directory holds then is what was acknowledged a moment before, or all of it.
func (c *cluster) kill(t *testing.T, n *node) {
	t.Helper()
	at := time.Now()
	n.server.Signal(t, syscall.SIGKILL)
	n.server.Exit(t)
	n.gone()
	from, mark := c.load.before(at)
	t.Logf("place %d, run %d: killed at %s; what is not older than %s may be lost", n.place, n.run, clock(at), clock(from))
	n.disk = n.diskAt(mark)
	if n.level == "always" {
		n.disk.Acked = c.load.history.Mark()
		return
	}
	c.load.mayLose(n, from)
}

// destroy ends the node at once, and removes its disk. If the cluster has settled and is connected, everything
// acknowledged a moment before is at a peer, and so is not lost.
func (c *cluster) destroy(t *testing.T, n *node) {
	t.Helper()
	at := time.Now()
	n.server.Signal(t, syscall.SIGKILL)
	n.server.Exit(t)
	n.gone()
	from, _ := c.load.before(at)
	t.Logf("place %d, run %d: killed at %s, without its disk; what is not older than %s may be lost", n.place, n.run, clock(at), clock(from))
	c.load.mayLose(n, from)
	if err := os.RemoveAll(n.dir); err != nil {
		t.Fatal(err)
	}
	n.disk = history.Disk{}
}

// diskAt is what the directory held at a moment of the last run: before that, it may have been another one.
func (n *node) diskAt(m history.Mark) history.Disk { return history.DiskAt(n.place, max(m, n.begun)) }

func clock(at time.Time) string { return at.Format("05.000") }

func (n *node) gone() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server = nil
}

// pause halts the node for a while.
func (c *cluster) pause(t *testing.T, n *node, d time.Duration) {
	t.Helper()
	n.server.Signal(t, syscall.SIGSTOP)
	defer n.server.Signal(t, syscall.SIGCONT)
	c.wait(t, d)
}

// wait lets the clients go on for a while.
func (c *cluster) wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case err := <-c.load.wrong:
		t.Fatal(err)
	}
}

// backup is a copy of a node's directory as it was once.
type backup struct {
	dir  string
	disk history.Disk
}

// save makes a backup of the running node, with quota-db backup.
func (c *cluster) save(t *testing.T, n *node) backup {
	t.Helper()
	_, mark := c.load.before(time.Now())
	dir := filepath.Join(t.TempDir(), "backup")
	if out, err := exec.Command(process.Binary(t), "backup", n.dir, dir).CombinedOutput(); err != nil {
		t.Fatalf("backup: %v\n%s", err, out)
	}
	return backup{dir, n.diskAt(mark)}
}

// duplicate copies the directory of a node that does not run.
func duplicate(t *testing.T, n *node) backup {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(n.dir)); err != nil {
		t.Fatal(err)
	}
	return backup{dir, n.disk}
}

// restore gives a node, which does not run and whose directory is gone, a backup's.
func restore(n *node, b backup) {
	n.dir, n.disk = b.dir, b.disk
}
