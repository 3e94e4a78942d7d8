package cluster

import (
	"strings"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
)

// says waits until the process has logged a line that has all these words.
func says(t *testing.T, s *process.Server, words ...string) {
	t.Helper()
	within(t, patience, "a line of the log", func() (bool, string) {
		for line := range strings.Lines(s.Output()) {
			all := true
			for _, w := range words {
				all = all && strings.Contains(line, w)
			}
			if all {
				return true, ""
			}
		}
		return false, strings.Join(words, " ... ") + " is not in:\n" + s.Output()
	})
}

// twin is the place of a copy of the first node's directory, with clients of its own. It does not run.
func (c *cluster) twin() *node {
	if len(c.nodes) == nodes {
		original := c.nodes[0]
		twin := &node{place: nodes, id: original.id, level: original.level}
		c.nodes = append(c.nodes, twin)
		c.load.add(twin, c.rng)
	}
	return c.nodes[nodes]
}

// takeOver makes the twin continue alone as the node: it joins once the original has stopped.
func (c *cluster) takeOver(t *testing.T) {
	t.Helper()
	c.stop(t, c.nodes[0])
	connected(t, nodes-1, c.nodes[1].server, c.nodes[2].server, c.nodes[nodes].server)
}

const twice = "two processes are node 1"

// TestACopyIsRefusedWhileTheOriginalRuns copies the directory of a node that was stopped cleanly, and starts both.
func TestACopyIsRefusedWhileTheOriginalRuns(t *testing.T) {
	t.Parallel()
	for name, copyFirst := range map[string]bool{"the original first": false, "the copy first": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, newLinks(t), "interval", randomness(t))
			c.wait(t, aMoment)
			original, twin := c.nodes[0], c.twin()
			c.stop(t, original)
			restore(twin, duplicate(t, original))
			first, second := original, twin
			if copyFirst {
				first, second = twin, original
			}
			c.run(t, first)
			connected(t, nodes-1, first.server)
			c.run(t, second)
			says(t, second.server, "level=WARN", "refuses to replicate with this node", twice)
			for _, n := range c.nodes[1:nodes] {
				says(t, n.server, "level=WARN", "a connection was refused", twice)
			}
			c.wait(t, interval)
			c.stop(t, first)
			connected(t, nodes-1, c.nodes[1].server, c.nodes[2].server, second.server)
			c.wait(t, aMoment)
			c.finish(t)
		})
	}
}

// TestACopyOfARunningNodeCountsUnderItsOwnLife makes the copy while the original runs, and goes on with the copy alone.
func TestACopyOfARunningNodeCountsUnderItsOwnLife(t *testing.T) {
	t.Parallel()
	c := newCluster(t, newLinks(t), "interval", randomness(t))
	c.wait(t, aMoment)
	restore(c.twin(), c.save(t, c.nodes[0]))
	c.wait(t, aMoment)
	c.run(t, c.twin())
	says(t, c.twin().server, twice)
	if own, other := life(t, c.nodes[0].server), life(t, c.twin().server); own == other {
		t.Errorf("both count under life %s", own)
	}
	c.takeOver(t)
	c.wait(t, aMoment)
	c.finish(t)
}

// life is what the process counts under.
func life(t *testing.T, s *process.Server) string {
	t.Helper()
	return fields(askServer(t, s, "CLUSTER", "INFO").Text)["cluster_my_life"]
}
