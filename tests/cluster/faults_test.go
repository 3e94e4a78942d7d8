package cluster

import (
	"testing"
	"time"
)

const (
	// aWhile is how long a fault lasts that nodes notice in three of their intervals.
	aWhile = 3 * interval
	// aMoment is how long clients work between two things that are done to the nodes.
	aMoment = 300 * time.Millisecond
)

// TestTheClusterCountsThrough makes one fault at a time on nodes and links, under load.
func TestTheClusterCountsThrough(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*testing.T, *cluster, *links){
		"a node that is cut off": func(t *testing.T, c *cluster, l *links) {
			l.around(1, mode{kind: cut})
			c.wait(t, aWhile)
		},
		"two nodes that only the third connects": func(t *testing.T, c *cluster, l *links) {
			l.between(0, 2, mode{kind: cut})
			c.wait(t, aWhile)
		},
		"links that are slow": func(t *testing.T, c *cluster, l *links) {
			l.around(0, slowly)
			c.wait(t, aWhile)
		},
		"links that are half open": func(t *testing.T, c *cluster, l *links) {
			l.around(2, mode{kind: halfOpen})
			c.wait(t, aWhile+interval)
		},
		"a link that stalls": func(t *testing.T, c *cluster, l *links) {
			l.between(0, 1, mode{kind: stalled})
			c.wait(t, interval)
			l.heal()
			c.wait(t, aMoment)
			l.between(1, 2, mode{kind: stalled})
			c.wait(t, aWhile+interval)
		},
		"a node that is halted": func(t *testing.T, c *cluster, _ *links) {
			c.pause(t, c.nodes[1], aMoment)
			c.wait(t, aMoment)
			c.pause(t, c.nodes[0], aWhile+interval)
		},
		"a node that is killed": func(t *testing.T, c *cluster, _ *links) {
			for _, n := range c.nodes {
				c.kill(t, n)
				c.wait(t, aMoment)
				c.run(t, n)
				c.wait(t, aMoment)
			}
		},
		"a node that is killed while it is cut off": func(t *testing.T, c *cluster, l *links) {
			l.around(0, mode{kind: cut})
			c.wait(t, aMoment)
			c.kill(t, c.nodes[0])
			c.run(t, c.nodes[0])
			c.wait(t, aMoment)
		},
		"a wiped disk": func(t *testing.T, c *cluster, _ *links) {
			c.destroy(t, c.nodes[1])
			c.wait(t, aMoment)
			c.run(t, c.nodes[1])
			c.wait(t, aMoment)
		},
		"a disk that is wiped while one of its peers is cut off": func(t *testing.T, c *cluster, l *links) {
			l.between(0, 2, mode{kind: cut})
			c.wait(t, interval)
			c.destroy(t, c.nodes[0])
			c.run(t, c.nodes[0])
			c.wait(t, interval)
		},
		"two wiped disks": func(t *testing.T, c *cluster, _ *links) {
			c.destroy(t, c.nodes[0])
			c.destroy(t, c.nodes[2])
			c.run(t, c.nodes[2])
			c.run(t, c.nodes[0])
			c.wait(t, aMoment)
		},
		"all nodes killed": func(t *testing.T, c *cluster, _ *links) {
			for _, n := range c.nodes {
				c.kill(t, n)
			}
			for _, n := range c.nodes {
				c.run(t, n)
			}
			c.wait(t, aMoment)
		},
		"an older backup": func(t *testing.T, c *cluster, _ *links) {
			b := c.save(t, c.nodes[2])
			c.wait(t, interval)
			c.destroy(t, c.nodes[2])
			restore(c.nodes[2], b)
			c.run(t, c.nodes[2])
			c.wait(t, aMoment)
		},
		"an older copy, made at a clean stop": func(t *testing.T, c *cluster, _ *links) {
			c.stop(t, c.nodes[0])
			b := duplicate(t, c.nodes[0])
			c.run(t, c.nodes[0])
			c.wait(t, interval)
			c.settle(t)
			c.destroy(t, c.nodes[0])
			restore(c.nodes[0], b)
			c.run(t, c.nodes[0])
			c.wait(t, aMoment)
		},
		"a clean restart of each node": func(t *testing.T, c *cluster, _ *links) {
			for _, n := range c.nodes {
				c.stop(t, n)
				c.run(t, n)
				c.settle(t)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLinks(t)
			c := newCluster(t, l, "interval", randomness(t))
			c.wait(t, aMoment)
			fault(t, c, l)
			c.finish(t)
		})
	}
}

func TestWithAlwaysAKillLosesNothing(t *testing.T) {
	t.Parallel()
	l := newLinks(t)
	c := newCluster(t, l, "always", randomness(t))
	l.around(2, mode{kind: cut})
	for range 3 {
		c.wait(t, aMoment)
		c.kill(t, c.nodes[2])
		c.run(t, c.nodes[2])
	}
	c.finish(t)
}
