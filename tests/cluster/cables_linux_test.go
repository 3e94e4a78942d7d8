package cluster

import (
	"fmt"
	"testing"
)

// TestTheClusterCountsThroughWhatHappensToCables is as TestTheClusterCountsThrough, over a network that loses packets
// and not only connections.
func TestTheClusterCountsThroughWhatHappensToCables(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*testing.T, *cluster, *namespaces){
		"a pulled cable": func(t *testing.T, c *cluster, n *namespaces) {
			n.unplug(1)
			c.wait(t, aWhile+interval)
		},
		"a node that is not heard by another": func(t *testing.T, c *cluster, n *namespaces) {
			n.blind(2, 0)
			c.wait(t, aWhile+interval)
		},
		"a slow cable": func(t *testing.T, c *cluster, n *namespaces) {
			if n.slow == nil {
				t.Skip("tc slows nothing here")
			}
			n.brake(0)
			c.wait(t, aWhile)
		},
		"a disk that is wiped while the cable is pulled": func(t *testing.T, c *cluster, n *namespaces) {
			c.destroy(t, c.nodes[0])
			n.unplug(0)
			c.run(t, c.nodes[0])
			c.wait(t, interval)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNamespaces(t)
			c := newCluster(t, n, "interval", randomness(t))
			c.wait(t, aMoment)
			fault(t, c, n)
			c.finish(t)
		})
	}
}

// TestTheClusterCountsThroughAnythingInNamespaces does random things to nodes and cables, under load.
func TestTheClusterCountsThroughAnythingInNamespaces(t *testing.T) {
	t.Parallel()
	for n := range rounds(t) {
		t.Run(fmt.Sprint("round ", n), func(t *testing.T) {
			t.Parallel()
			mix(t, newNamespaces(t))
		})
	}
}
