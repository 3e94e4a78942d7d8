package cluster

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// trio is three nodes without working clients, for tests that run step by step.
type trio struct {
	*links
	nodes   [nodes]*node
	servers [nodes]*process.Server
	conns   [nodes]*wire.Conn
}

func newTrio(t *testing.T) *trio {
	t.Helper()
	r := &trio{links: newLinks(t)}
	for place := range nodes {
		r.nodes[place] = &node{place: place, id: place + 1, level: "interval", dir: filepath.Join(t.TempDir(), "data")}
		r.run(t, place)
	}
	r.connected(t)
	founded(t, r.servers[:]...)
	return r
}

// run starts a node on the directory that it has.
func (r *trio) run(t *testing.T, place int) {
	t.Helper()
	r.servers[place] = r.launch(t, place, nodeFlags(r.nodes[place])...)
	r.conns[place] = r.servers[place].Dial(t)
}

func (r *trio) connected(t *testing.T) {
	t.Helper()
	connected(t, nodes-1, r.servers[:]...)
}

// do sends a command to the node in a place, and asks for this reply.
func (r *trio) do(t *testing.T, place int, want string, words ...string) {
	t.Helper()
	v, err := r.conns[place].Do(words...)
	if err != nil || v.String() != want {
		t.Fatalf("node %d, %q: %v, %v; want %s", place+1, words, v, err, want)
	}
}

// becomes waits until all nodes give this reply.
func (r *trio) becomes(t *testing.T, want string, words ...string) {
	t.Helper()
	within(t, patience, fmt.Sprintf("%q is %s everywhere", words, want), func() (bool, string) {
		for place, c := range r.conns {
			if v, err := c.Do(words...); err != nil || v.String() != want {
				return false, fmt.Sprintf("node %d: %v, %v", place+1, v, err)
			}
		}
		return true, ""
	})
}

// equal waits until these nodes store the same; without places, all.
func (r *trio) equal(t *testing.T, places ...int) {
	t.Helper()
	servers := r.servers[:]
	if len(places) > 0 {
		servers = nil
		for _, place := range places {
			servers = append(servers, r.servers[place])
		}
	}
	equal(t, servers...)
}

// restart stops a node cleanly and starts it.
func (r *trio) restart(t *testing.T, place int) {
	t.Helper()
	r.stop(t, place)
	r.run(t, place)
}

func (r *trio) stop(t *testing.T, place int) {
	t.Helper()
	s := r.servers[place]
	s.Signal(t, syscall.SIGTERM)
	if code := s.Exit(t); code != 0 {
		t.Fatalf("node %d stopped with code %d", place+1, code)
	}
}
