package cluster

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
)

// named starts a node in a place whose peers have these names.
func (n *namespaces) named(t *testing.T, place, id int, dir, peers string) *process.Server {
	t.Helper()
	return n.start(t, place, readmeAddr, nil, "--node-id", itoa(id), "--bind", "0.0.0.0:6380", "--peers", peers, "--data-dir", dir,
		"--cluster-secret", secret, "--anti-entropy-interval", interval.String(), "--log-level", "info")
}

// TestOneNameOfAllNodesMakesACluster has all nodes look for their peers under the name that they all have, as a
// headless service of Kubernetes gives it.
func TestOneNameOfAllNodesMakesACluster(t *testing.T) {
	t.Parallel()
	n := newNamespaces(t)
	n.names(t, "quotadb", "quotadb", "quotadb", "")
	var servers []*process.Server
	for place := range nodes {
		servers = append(servers, n.named(t, place, place+1, filepath.Join(t.TempDir(), "data"), "quotadb:6381"))
	}
	connected(t, nodes-1, servers...)
	for _, s := range servers {
		askServer(t, s, "INCR", "pageviews")
	}
	reads(t, "3", servers...)
}

// TestAPeerThatMovesIsFoundByItsName moves a node with its directory to another host. The node itself dials no peer.
func TestAPeerThatMovesIsFoundByItsName(t *testing.T) {
	t.Parallel()
	n := newNamespaces(t)
	n.names(t, "node1", "node2", "node3", "")
	dir := filepath.Join(t.TempDir(), "data")
	first := n.named(t, 0, 1, filepath.Join(t.TempDir(), "data"), "node2:6381,node3:6381")
	second := n.named(t, 1, 2, filepath.Join(t.TempDir(), "data"), "node1:6381,node3:6381")
	third := n.named(t, 2, 3, dir, "node1:6381,node2:6381")
	connected(t, nodes-1, first, second, third)
	askServer(t, third, "INCR", "pageviews")
	reads(t, "1", first, second, third)
	third.Signal(t, syscall.SIGTERM)
	third.Exit(t)

	n.names(t, "node1", "node2", "", "node3")
	third = n.named(t, places-1, 3, dir, "nobody:6381")
	connected(t, nodes-1, first, second, third)
	askServer(t, third, "INCR", "pageviews")
	reads(t, "2", first, second, third)
}
