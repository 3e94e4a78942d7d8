package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	// requireEnv set to 1 turns "namespaces cannot be made" from a skip into a failure.
	requireEnv = "QUOTADB_REQUIRE_NETNS"

	namePrefix = "quotadb-"
	clientPort = "6380"
	// nobody is a hardware address that none of the namespaces has.
	nobody = "02:00:00:00:00:ff"
)

// namespaces is a network of network namespaces: one for each place, and one with a bridge that connects them. Nothing
// of it is seen outside, so addresses and ports are the same in every test.
type namespaces struct {
	t      *testing.T
	prefix string
	slow   []string // how tc slows a link on this machine; empty: it cannot
	undo   []func() // functions that heal the faults
}

var networks atomic.Int64 // made by this process

func newNamespaces(t *testing.T) *namespaces {
	t.Helper()
	n := &namespaces{t: t, prefix: fmt.Sprintf("%s%d-%d-", namePrefix, os.Getpid(), networks.Add(1))}
	removeStale()
	t.Cleanup(n.remove)
	if err := n.make(); err != nil {
		if os.Getenv(requireEnv) == "1" {
			t.Fatalf("%s=1, but %v", requireEnv, err)
		}
		t.Skipf("needs root and ip: %v", err)
	}
	n.slow = n.slowing()
	return n
}

// ip runs ip with these words.
func ip(words ...string) error {
	if out, err := exec.Command("ip", words...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(words, " "), err, out)
	}
	return nil
}

func (n *namespaces) make() error {
	hub := n.prefix + "hub"
	steps := [][]string{
		{"netns", "add", hub},
		{"-n", hub, "link", "add", "bridge", "type", "bridge"},
		{"-n", hub, "link", "set", "bridge", "up"},
	}
	for place := range places {
		ns, port := n.name(place), hubPort(place)
		steps = append(steps, [][]string{
			{"netns", "add", ns},
			{"-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", ns},
			{"-n", hub, "link", "set", port, "master", "bridge", "up"},
			{"-n", ns, "link", "set", "lo", "up"},
			{"-n", ns, "address", "add", host(place) + "/24", "dev", "eth0"},
			{"-n", ns, "link", "set", "eth0", "up"},
		}...)
	}
	for _, words := range steps {
		if err := ip(words...); err != nil {
			return err
		}
	}
	return nil
}

func (n *namespaces) name(place int) string { return n.prefix + itoa(place+1) }

// host is the address of a place.
func host(place int) string { return fmt.Sprintf("10.111.0.%d", place+1) }

// hubPort is the bridge's end of the cable to a place.
func hubPort(place int) string { return fmt.Sprintf("port%d", place+1) }

// remove removes the namespaces, and with them all that is in them.
func (n *namespaces) remove() {
	for place := range places {
		_ = ip("netns", "delete", n.name(place))
		_ = os.RemoveAll(n.etc(place))
	}
	_ = ip("netns", "delete", n.prefix+"hub")
}

// etc is a directory whose files ip shows in /etc.
func (n *namespaces) etc(place int) string { return filepath.Join("/etc/netns", n.name(place)) }

// names gives the host of each place a name, in all of them. A process that runs sees that too.
func (n *namespaces) names(t *testing.T, all ...string) {
	t.Helper()
	var hosts strings.Builder
	for place, name := range all {
		if name != "" {
			_, _ = fmt.Fprintf(&hosts, "%s %s\n", host(place), name)
		}
	}
	for place := range places {
		if err := os.MkdirAll(n.etc(place), 0o755); err != nil {
			t.Fatal(err)
		}
		// Not replaced by another file: processes have this one mounted.
		if err := os.WriteFile(filepath.Join(n.etc(place), "hosts"), []byte(hosts.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// removeStale removes what a suite has left that was killed.
func removeStale() {
	left, _ := filepath.Glob("/run/netns/" + namePrefix + "*")
	for _, path := range left {
		name := filepath.Base(path)
		pid, _, _ := strings.Cut(strings.TrimPrefix(name, namePrefix), "-")
		if _, err := strconv.Atoi(pid); err != nil {
			continue
		}
		if _, err := os.Stat("/proc/" + pid); os.IsNotExist(err) {
			_ = ip("netns", "delete", name)
			_ = os.RemoveAll(filepath.Join("/etc/netns", name))
		}
	}
}

// slowing is what the kernel has to slow a link with.
func (n *namespaces) slowing() []string {
	for _, how := range [][]string{
		{"netem", "delay", "50ms", "20ms", "loss", "2%", "rate", "512kbit"},
		{"tbf", "rate", "512kbit", "burst", "8k", "latency", "400ms"},
	} {
		if n.tc("add", 0, how) == nil {
			_ = n.tc("del", 0, nil)
			return how
		}
	}
	n.t.Log("links are not slowed: tc has neither netem nor tbf here")
	return nil
}

// tc changes the queue before the cable of a place.
func (n *namespaces) tc(what string, place int, how []string) error {
	words := append([]string{"-n", n.name(place), "qdisc", what, "dev", "eth0", "root"}, how...)
	return exec.Command("tc", words...).Run()
}

func (n *namespaces) must(words ...string) {
	n.t.Helper()
	if err := ip(words...); err != nil {
		n.t.Fatal(err)
	}
}

// unplug pulls the cable of a place.
func (n *namespaces) unplug(place int) {
	n.t.Helper()
	set := func(state string) { n.must("-n", n.prefix+"hub", "link", "set", hubPort(place), state) }
	set("down")
	n.undo = append(n.undo, func() { set("up") })
}

// blind has everything that one place sends to another get lost.
func (n *namespaces) blind(from, to int) {
	n.t.Helper()
	neighbor := []string{host(to), "dev", "eth0"}
	n.must(append([]string{"-n", n.name(from), "neighbor", "replace"}, append(neighbor, "lladdr", nobody, "nud", "permanent")...)...)
	n.undo = append(n.undo, func() { n.must(append([]string{"-n", n.name(from), "neighbor", "delete"}, neighbor...)...) })
}

// brake slows what a place sends.
func (n *namespaces) brake(place int) {
	n.t.Helper()
	if err := n.tc("add", place, n.slow); err != nil {
		n.t.Fatal(err)
	}
	n.undo = append(n.undo, func() { _ = n.tc("del", place, nil) })
}

func (n *namespaces) heal() {
	n.t.Helper()
	for _, undo := range n.undo {
		undo()
	}
	n.undo = nil
}

func (n *namespaces) disturb(rng *rand.Rand) string {
	a, b := rng.IntN(nodes), rng.IntN(nodes)
	switch k := rng.IntN(4); {
	case k == 0 || a == b:
		n.unplug(a)
		return fmt.Sprintf("the cable of node %d is pulled", a+1)
	case k == 1 && n.slow != nil:
		n.brake(a)
		return fmt.Sprintf("what node %d sends is slowed", a+1)
	case k == 2:
		n.blind(a, b)
		return fmt.Sprintf("what node %d sends to node %d is lost", a+1, b+1)
	default:
		n.blind(a, b)
		n.blind(b, a)
		return fmt.Sprintf("nodes %d and %d do not hear each other", a+1, b+1)
	}
}

func (n *namespaces) launch(t *testing.T, place int, flags ...string) *process.Server {
	t.Helper()
	addr := net.JoinHostPort(host(place), clientPort)
	var peers []string
	for id := range nodes {
		if id != place%nodes {
			peers = append(peers, net.JoinHostPort(host(id), "6381"))
		}
	}
	own := []string{"--bind", addr, "--protected-mode", "false", "--peers", strings.Join(peers, ",")}
	return n.start(t, place, addr, nil, append(own, flags...)...)
}

// start starts quota-db in a place with these flags alone, where clients of the same place reach it at addr.
func (n *namespaces) start(t *testing.T, place int, addr string, env []string, flags ...string) *process.Server {
	t.Helper()
	cmd := exec.Command("ip", append([]string{"netns", "exec", n.name(place), process.Binary(t)}, flags...)...)
	cmd.Dir = t.TempDir()
	dial := func(addr string) (*wire.Conn, error) {
		conn, err := n.dial(place, addr)
		if err != nil {
			return nil, err
		}
		return wire.NewConn(conn), nil
	}
	return process.Start(t, addr, cmd, dial, env...)
}

// dial connects with an address as one who is in the place.
func (n *namespaces) dial(place int, addr string) (net.Conn, error) {
	var conn net.Conn
	ended := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocks: the thread, which is elsewhere now, ends with the goroutine
		err := enter(n.name(place))
		if err == nil {
			conn, err = net.DialTimeout("tcp", addr, dialTimeout)
		}
		ended <- err
	}()
	err := <-ended
	return conn, err
}

// enter has this thread be in the namespace.
func enter(name string) error {
	fd, err := unix.Open("/run/netns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return unix.Setns(fd, unix.CLONE_NEWNET)
}
