package restart

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// world is a plan while it is carried out.
type world struct {
	*plan
	binary string
	nodes  []*node
	ending time.Time // when the last short deadline passes, also of hidden keys
}

// node is a node of a world.
type node struct {
	id     int
	addr   string
	port   string // for peers
	peers  string
	dir    string
	start  start
	server *process.Server
	conns  [2]*wire.Conn
	before *picture
	clean  bool // its directory was stopped cleanly
}

// errBusy: another process has taken a port. This says nothing about a node.
var errBusy = errors.New("a port was taken by somebody else")

// carryOut runs the plan in an empty directory. The error describes a fault of a node.
func (p *plan) carryOut(binary, dir string) error {
	const attempts = 5
	var err error
	for n := range attempts {
		w := &world{plan: p, binary: binary}
		if err = w.run(filepath.Join(dir, itoa(n))); !errors.Is(err, errBusy) {
			return err
		}
	}
	return err
}

func (w *world) run(dir string) error {
	defer w.killAll()
	defer func() { _ = os.RemoveAll(dir) }()
	if err := w.makeNodes(dir); err != nil {
		return err
	}
	if err := w.each(func(n *node) error { return n.run(w.binary) }); err != nil {
		return err
	}
	if err := w.settle(); err != nil {
		return err
	}
	for i, s := range w.steps {
		if err := w.do(s); err != nil {
			return fmt.Errorf("step %d, %v: %w", i+1, s, err)
		}
	}
	return nil
}

func (w *world) makeNodes(dir string) error {
	var ports []string
	for range max(2, w.plan.nodes) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer func() { _ = l.Close() }() // all stay open until each node has a port of its own
		ports = append(ports, l.Addr().String())
	}
	for i := range w.plan.nodes {
		n := &node{id: i + 1, dir: filepath.Join(dir, "node"+itoa(i+1)), start: w.first[i]}
		n.addr = "unix:" + n.dir + ".sock"
		if w.plan.nodes > 1 || w.lost {
			_, n.port, _ = net.SplitHostPort(ports[i])
			n.peers = strings.Join(append(append([]string(nil), ports[:i]...), ports[i+1:]...), ",")
		}
		w.nodes = append(w.nodes, n)
	}
	return os.MkdirAll(dir, 0o700)
}

// each does something with each node, at the same time.
func (w *world) each(fn func(*node) error) error {
	errs := make([]error, len(w.nodes))
	var all sync.WaitGroup
	for i, n := range w.nodes {
		all.Go(func() { errs[i] = fn(n) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("node %d: %w", i+1, err)
		}
	}
	return nil
}

func (w *world) killAll() {
	for _, n := range w.nodes {
		n.hangUp()
		if n.server != nil {
			_, _ = n.server.Stop(syscall.SIGKILL)
		}
	}
}

// run starts the node.
func (n *node) run(binary string) error {
	args := []string{
		"--bind", n.addr, "--node-id", itoa(n.id), "--data-dir", n.dir, "--log-level", "warn", "--ttl-tick-ms", "20",
		"--shards", itoa(n.start.shards), "--durability", n.start.durability,
	}
	if n.peers != "" {
		args = append(args, "--peers", n.peers, "--replication-bind", "127.0.0.1", "--replication-port", n.port,
			"--cluster-secret", "the tests' secret", "--anti-entropy-interval", "1s")
	}
	var err error
	if n.server, err = process.Try(n.addr, exec.Command(binary, args...)); err != nil && strings.Contains(err.Error(), "address already in use") {
		return errBusy
	}
	return err
}

// client is one of the node's connections.
func (n *node) client(i int) (*wire.Conn, error) {
	if n.conns[i] == nil {
		var err error
		if n.conns[i], err = n.server.Connect(); err != nil {
			return nil, err
		}
	}
	return n.conns[i], nil
}

func (n *node) hangUp() {
	for i, c := range n.conns {
		if c != nil {
			_ = c.Close()
			n.conns[i] = nil
		}
	}
}

func (w *world) do(s step) error {
	if slices.ContainsFunc(s.args, func(a string) bool { return strings.Contains(a, "EX") || strings.Contains(a, "PX") }) {
		w.ending = time.Now().Add(shortDeadline)
	}
	switch n := w.nodes[s.node]; {
	case s.end != nil:
		return w.end(s.end)
	case s.pause > 0:
		time.Sleep(s.pause) // deadlines pass, quotas refill
		return nil
	case s.copy:
		return n.copy(w.binary)
	case s.bulk > 0:
		return n.count(s.bulk)
	case own(s.args):
		return n.alone(s.args)
	default:
		c, err := n.client(s.conn)
		if err != nil {
			return err
		}
		v, err := c.Do(s.args...)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, n.server.Output())
		}
		if strings.HasPrefix(v.Text, "MISCONF") {
			return errors.New(v.Text)
		}
		return nil
	}
}

// alone sends a command over a connection of its own. A reply is not required.
func (n *node) alone(args []string) error {
	c, err := n.server.Connect()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.Send(wire.AppendCommand(nil, args...)); err != nil {
		return err
	}
	if args[0] != "CLIENT" {
		_, _ = c.Receive()
	}
	return nil
}

// count counts so many counters, by pipelines.
func (n *node) count(counters int) error {
	c, err := n.server.Connect()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for from := 0; from < counters; from += chunk {
		var raw []byte
		for i := range chunk {
			raw = wire.AppendCommand(raw, "INCR", bulkPrefix+itoa(from+i))
		}
		if _, err := c.Pipeline(raw, chunk); err != nil {
			return fmt.Errorf("%w\n%s", err, n.server.Output())
		}
	}
	return nil
}

// tool runs quota-db with a directory.
func tool(binary string, args ...string) error {
	if out, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("quota-db %s: %w\n%s", args[0], err, out)
	}
	return nil
}

// copy makes a backup of the running node, and has it checked.
func (n *node) copy(binary string) error {
	out := n.dir + ".copy"
	defer func() { _ = os.RemoveAll(out) }()
	if err := tool(binary, "backup", n.dir, out); err != nil {
		return err
	}
	return errors.Join(tool(binary, "check", out), tool(binary, "check", n.dir))
}

// shortDir makes a directory whose name is short enough for the path of a socket in it.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "restart")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
