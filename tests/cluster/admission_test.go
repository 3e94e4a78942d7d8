package cluster

import (
	"net"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// pairOf is two nodes that know each other's port, with flags of their own.
func pairOf(t *testing.T, first, second []string) (a, b *process.Server) {
	t.Helper()
	toA, toB := newProxy(t), newProxy(t)
	start := func(to *proxy, own *proxy, flags []string) *process.Server {
		s := process.QuotaDB(t, append([]string{
			"--peers", to.addr(), "--replication-port", "0", "--anti-entropy-interval", interval.String(), "--log-level", "info",
		}, flags...)...)
		all, _ := replication(t, s)
		own.aim(net.JoinHostPort("127.0.0.1", all["replication_port"]))
		return s
	}
	return start(toB, toA, first), start(toA, toB, second)
}

func TestNodesWithDifferentSecretsRefuseEachOther(t *testing.T) {
	t.Parallel()
	for name, other := range map[string][]string{
		"another": {"--node-id", "2", "--cluster-secret", "another"},
		"none":    {"--node-id", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pairOf(t, []string{"--node-id", "1", "--cluster-secret", secret}, other)
			for _, s := range []*process.Server{a, b} {
				says(t, s, "level=WARN", "the cluster secrets differ", "--cluster-secret")
				if v := askServer(t, s, "INCR", "k"); v.String() != ":1" {
					t.Errorf("INCR: %v", v)
				}
				if _, peers := replication(t, s); len(peers) > 0 {
					t.Errorf("it has peers: %v", peers)
				}
			}
		})
	}
}

func TestTwoNodesWithOneIDRefuseEachOther(t *testing.T) {
	t.Parallel()
	a, b := pairOf(t, []string{"--node-id", "7"}, []string{"--node-id", "7"})
	for _, s := range []*process.Server{a, b} {
		says(t, s, "level=WARN", "two nodes have the id 7", "--node-id")
		if v := askServer(t, s, "INCR", "k"); v.String() != ":1" {
			t.Errorf("INCR: %v", v)
		}
	}
}

func TestOnLoopbackNodesReplicateWithoutASecret(t *testing.T) {
	t.Parallel()
	a, b := pairOf(t, []string{"--node-id", "1"}, []string{"--node-id", "2"})
	connected(t, 1, a, b)
	askServer(t, a, "INCR", "k")
	within(t, patience, "the increment arrives", func() (bool, string) {
		v := askServer(t, b, "GET", "k")
		return v.Text == "1", v.String()
	})
}

// TestAClientOnTheReplicationPortIsToldSo connects as somebody does who has mixed up the ports.
func TestAClientOnTheReplicationPortIsToldSo(t *testing.T) {
	t.Parallel()
	a, _ := pairOf(t, []string{"--node-id", "1"}, []string{"--node-id", "2"})
	all, _ := replication(t, a)
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", all["replication_port"]))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	v, err := wire.NewConn(c).Do("PING")
	if err != nil || !v.IsError() {
		t.Errorf("PING: %v, %v", v, err)
	}
	says(t, a, "level=WARN", "clients must use the port of --bind")
}
