package main

import (
	"fmt"
	"time"
)

const replicatedNodes = 3

// replicatedBounds say what two live peers may cost a durable node.
var replicatedBounds = []struct {
	workload string
	alone    float64
}{
	{"c100", 1.15},
	{"p16-1k", 1.15},
	{"p16-10k", 1.40},
	{"p16-1m", 1.80},
}

// compareReplicated prints what commands cost a node with two live peers, and the same node alone, both durable as they
// are by default. Beside them are two redis-servers with a log that is synced every second. Nothing is pinned. A load
// counts only if all nodes hold the same after it.
func (b *bench) compareReplicated(every time.Duration) error {
	servers, err := b.startAll(interval)
	if err != nil {
		return err
	}
	c, err := b.startCluster(replicatedNodes, every, false)
	if err != nil {
		return err
	}
	servers = append([]*server{c.nodes[0].server}, servers...)
	perKey, err := fillAll(servers, b.keys)
	if err != nil {
		return err
	}
	if err := c.agree(); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "memory   %.1f bytes per counter, with peers %.1f, Redis %.1f (%d counters, 20-byte keys)\n", perKey[1], perKey[0], perKey[2], b.keys)
	fmt.Fprintf(b.out, "%-8s %9s %13s %9s   %-24s %-24s %11s %14s %11s\n", "", "alone us", "with peers us", "redis us",
		"with peers/alone (min max)", "redis/redis (min max)", "alone rps", "with peers rps", "redis rps")
	for _, limits := range replicatedBounds {
		for _, w := range b.selected(workloads) {
			if w.name != limits.workload {
				continue
			}
			if err := b.measureReplicated(w, c, servers, bound{limit: limits.alone}); err != nil {
				return err
			}
		}
	}
	return nil
}

// measureReplicated runs the rounds of one workload and prints its row and verdict. servers: the node with peers, one
// alone, Redis, Redis again. Every load is followed by the time in which what is left of it goes to disk and to the
// peers, and its cost counts. That the nodes are asked whether they hold the same comes later, and does not.
func (b *bench) measureReplicated(w workload, c *cluster, servers []*server, limit bound) error {
	sides := make([]side, len(servers))
	for i, s := range servers {
		if err := s.settle(); err != nil {
			return err
		}
		sides[i] = side{server: s, workload: w, rest: s.settle}
	}
	traffic, err := newTraffic(c)
	if err != nil {
		return err
	}
	sides[0].rest = func() error {
		if err := servers[0].settle(); err != nil {
			return err
		}
		return traffic.note()
	}
	sides[0].check = c.agree
	costs, rates, err := alternate(sides, b.rounds)
	if err != nil {
		return err
	}
	toAlone, redisToRedis := ratios(costs[0], costs[1]), ratios(costs[2], costs[3])
	fmt.Fprintf(b.out, "%-8s %9.3f %13.3f %9.3f   %-24s   %-24s %11.0f %14.0f %11.0f\n", w.name, median(costs[1]), median(costs[0]), median(costs[2]),
		extent(toAlone), extent(redisToRedis), median(rates[1]), median(rates[0]), median(rates[2]))
	fmt.Fprintf(b.out, "         to each peer, per 1000 commands: %.0f deltas, %.0f bytes\n", perThousand(traffic.deltas, w.requests), perThousand(traffic.bytes, w.requests))
	b.verdict("with peers/alone", limit, median(toAlone), spread(redisToRedis))
	return nil
}

func perThousand(x []float64, requests int) float64 { return 1000 * median(x) / float64(requests) }

// traffic notes after each load what a cluster's first node has sent to its second.
type traffic struct {
	*cluster
	last          info
	deltas, bytes []float64 // by round
}

func newTraffic(c *cluster) (*traffic, error) {
	last, err := c.nodes[0].peer(c.nodes[1])
	return &traffic{cluster: c, last: last}, err
}

func (t *traffic) note() error {
	now, err := t.nodes[0].peer(t.nodes[1])
	if err != nil {
		return err
	}
	t.deltas = append(t.deltas, now.number("deltas_sent")-t.last.number("deltas_sent"))
	t.bytes = append(t.bytes, now.number("bytes_sent")-t.last.number("bytes_sent"))
	t.last = now
	return nil
}
