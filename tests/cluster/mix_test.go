package cluster

import (
	"fmt"
	"testing"
	"time"
)

// stepsPerRound is how many things happen to a cluster between its start and the verdict.
const stepsPerRound = 4

// TestTheClusterCountsThroughAnything makes random faults on nodes and links, under load.
func TestTheClusterCountsThroughAnything(t *testing.T) {
	t.Parallel()
	for n := range rounds(t) {
		t.Run(fmt.Sprint("round ", n), func(t *testing.T) {
			t.Parallel()
			mix(t, newLinks(t))
		})
	}
}

// mix is one cluster's life in a network.
func mix(t *testing.T, net network) {
	t.Helper()
	rng := randomness(t)
	level := "interval"
	if rng.IntN(3) == 0 {
		level = "always"
	}
	c := newCluster(t, net, level, rng)
	m := &mixture{cluster: c, backups: map[*node]backup{}}
	for range stepsPerRound {
		m.step(t)
		c.wait(t, m.time(aMoment))
	}
	c.finish(t)
}

// mixture is a cluster to which random things happen.
type mixture struct {
	*cluster
	backups map[*node]backup
}

// time is one up to twice as long.
func (m *mixture) time(d time.Duration) time.Duration {
	return time.Duration(m.rng.Int64N(int64(2 * d)))
}

// disturbed may do something to the network, and says what.
func (m *mixture) disturbed() string {
	if m.rng.IntN(3) == 0 {
		return ""
	}
	return ", while " + m.disturb(m.rng)
}

func (m *mixture) step(t *testing.T) {
	t.Helper()
	m.heal()
	n := m.nodes[m.rng.IntN(nodes)]
	switch k := m.rng.IntN(11); k {
	case 0, 1:
		t.Logf("%s", m.disturb(m.rng))
		m.wait(t, m.time(aWhile))
	case 2:
		t.Logf("node %d is halted%s", n.id, m.disturbed())
		m.pause(t, n, m.time(aWhile))
	case 3, 4:
		t.Logf("node %d is killed%s", n.id, m.disturbed())
		m.wait(t, m.time(interval))
		m.kill(t, n)
		m.wait(t, m.time(aMoment))
		m.run(t, n)
	case 5:
		t.Logf("node %d is restarted%s", n.id, m.disturbed())
		m.wait(t, m.time(interval))
		m.stop(t, n)
		m.run(t, n)
	case 6, 7, 8:
		m.settle(t)
		m.replaceDisk(t, n)
	case 9:
		m.settle(t)
		m.replaceProcess(t)
	case 10:
		t.Log("all nodes are killed")
		for _, n := range m.nodes[:nodes] {
			m.kill(t, n)
		}
		for _, n := range m.nodes[:nodes] {
			m.run(t, n)
		}
	}
}

// replaceDisk replaces a node's disk by an empty one or an older one. The network was healthy until then, but need not
// be when the node starts again.
func (m *mixture) replaceDisk(t *testing.T, n *node) {
	t.Helper()
	b, saved := m.backups[n]
	if !saved || m.rng.IntN(2) == 0 {
		m.backups[n] = m.save(t, n)
	}
	m.destroy(t, n)
	what := "loses its disk"
	if saved {
		restore(n, b)
		if b.dir == m.backups[n].dir {
			delete(m.backups, n) // the backup is the node's directory now
		}
		what = "gets an older disk"
	}
	t.Logf("node %d %s%s", n.id, what, m.disturbed())
	m.run(t, n)
}

// replaceProcess runs a copy of a node beside it, and then in its stead.
func (m *mixture) replaceProcess(t *testing.T) {
	t.Helper()
	original, twin := m.nodes[0], m.twin()
	if m.rng.IntN(2) == 0 {
		restore(twin, m.save(t, original))
	} else {
		m.stop(t, original)
		restore(twin, duplicate(t, original))
		m.run(t, original)
	}
	t.Logf("node %d runs twice", original.id)
	m.run(t, twin)
	m.wait(t, m.time(interval))
	m.takeOver(t)
	m.wait(t, m.time(aMoment))
	m.stop(t, twin)
	restore(original, backup{twin.dir, twin.disk})
	m.run(t, original)
}
