package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

// slowly is a link of a bad line.
var slowly = mode{kind: slow, delay: 50 * time.Millisecond, rate: 64 << 10}

// links is a network of proxies: one for each place and node that it dials.
type links struct {
	from [places][nodes]*proxy
	ids  [places]int // of the node in the place, from 0: the last one's is the first's
}

func newLinks(t *testing.T) *links {
	t.Helper()
	l := &links{}
	for place := range places {
		l.ids[place] = place % nodes
		for id := range nodes {
			l.from[place][id] = newProxy(t)
		}
	}
	return l
}

func (l *links) launch(t *testing.T, place int, flags ...string) *process.Server {
	t.Helper()
	s := process.QuotaDB(t, append([]string{"--peers", l.peers(place), "--replication-port", "0"}, flags...)...)
	if place < nodes {
		l.aim(t, place, s)
	}
	return s
}

// peers is --peers of the process in a place.
func (l *links) peers(place int) string {
	var peers []string
	for id := range nodes {
		if id != l.ids[place] {
			peers = append(peers, l.from[place][id].addr())
		}
	}
	return strings.Join(peers, ",")
}

// aim has all links to the node lead to this process.
func (l *links) aim(t *testing.T, id int, s *process.Server) {
	t.Helper()
	all, _ := replication(t, s)
	for place := range places {
		l.from[place][id].aim(net.JoinHostPort("127.0.0.1", all["replication_port"]))
	}
}

// between sets the links of two nodes, in both directions.
func (l *links) between(a, b int, m mode) {
	l.from[a][b].set(m)
	l.from[b][a].set(m)
}

// around sets all links of a node.
func (l *links) around(a int, m mode) {
	for b := range nodes {
		if b != a {
			l.between(a, b, m)
		}
	}
}

func (l *links) heal() {
	for place := range places {
		for id := range nodes {
			l.from[place][id].set(mode{})
		}
	}
}

func (l *links) disturb(rng *rand.Rand) string {
	m := []mode{{kind: cut}, {kind: halfOpen}, {kind: stalled}, slowly}[rng.IntN(4)]
	name := [...]string{cut: "cut", halfOpen: "half-open", stalled: "stalled", slow: "slowed"}[m.kind]
	a, b := rng.IntN(nodes), rng.IntN(nodes)
	if a == b {
		l.around(a, m)
		return fmt.Sprintf("all links of node %d are %s", a+1, name)
	}
	if rng.IntN(4) == 0 {
		l.from[a][b].set(m)
		return fmt.Sprintf("the link from node %d to node %d is %s", a+1, b+1, name)
	}
	l.between(a, b, m)
	return fmt.Sprintf("the links between nodes %d and %d are %s", a+1, b+1, name)
}
