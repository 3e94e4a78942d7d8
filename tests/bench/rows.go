package main

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// row is one line of a table of the page: a load on quota-db and two Redis, in slices.
type row struct {
	name   string
	text   string // what the row measures
	pinned bool   // servers to one processor, the client to another
	mode   mode
	load   load
	fill   bool // all keys are there beforehand
}

// rows are measured for the page. Those that are not pinned come first: on a user's machine nothing is.
var rows = []row{
	{"free-c50", "INCR, 50 connections", false, memory, load{"incr", 50, 1, 10_000, 0}, false},
	{"free-open20k", "INCR, 20,000 a second over 50 connections", false, memory, load{"incr", 50, 1, 10_000, 20_000}, false},
	{"free-p16-1m", "INCR, 50 connections, pipeline 16, 1M keys", false, memory, load{"incr", 50, 16, 1_000_000, 0}, true},
	{"free-c50-dur", "INCR, 50 connections, log synced each second", false, interval, load{"incr", 50, 1, 10_000, 0}, false},
	{"always-free-c50", "INCR, 50 connections, each write synced", false, always, load{"incr", 50, 1, 10_000, 0}, false},
	{"pinned-c1", "INCR, 1 connection", true, memory, load{"incr", 1, 1, 10_000, 0}, false},
	{"pinned-c100", "INCR, 100 connections", true, memory, load{"incr", 100, 1, 10_000, 0}, false},
	{"pinned-p16-10k", "INCR, 50 connections, pipeline 16, 10,000 keys", true, memory, load{"incr", 50, 16, 10_000, 0}, false},
	{"pinned-p16-1m", "INCR, 50 connections, pipeline 16, 1M keys", true, memory, load{"incr", 50, 16, 1_000_000, 0}, true},
	{"pinned-p128-1m", "INCR, 50 connections, pipeline 128, 1M keys", true, memory, load{"incr", 50, 128, 1_000_000, 0}, true},
	{"pinned-p16-1m-dur", "INCR, 50 connections, pipeline 16, 1M keys, log synced each second", true, interval, load{"incr", 50, 16, 1_000_000, 0}, true},
	{"pinned-get", "GET, 50 connections", true, memory, load{"get", 50, 1, 100_000, 0}, true},
	{"pinned-set", "SET, 50 connections", true, memory, load{"set", 50, 1, 100_000, 0}, false},
	{"pinned-ping", "PING, 50 connections", true, memory, load{"ping", 50, 1, 1, 0}, false},
	{"pinned-mset-one", "MSET of one key ten times, 50 connections, pipeline 16", true, memory, load{"mset", 50, 16, 1, 0}, false},
	{"always-c1", "INCR, 1 connection, each write synced", true, always, load{"incr", 1, 1, 10_000, 0}, false},
	{"always-c100", "INCR, 100 connections, each write synced", true, always, load{"incr", 100, 1, 10_000, 0}, false},
}

// figures are those of one server under one load.
type figures struct {
	cost, rate float64 // microseconds of CPU for each command, commands a second: medians
	p50, p99   time.Duration
}

// comparison is a line of a table: quota-db, Redis, and a second Redis beside the first.
type comparison struct {
	name, text   string
	quota, redis figures
	cost, rate   ratioOf // of quota-db to Redis
	noise        ratioOf // of the second Redis to the first: CPU for a row, throughput for redis-benchmark
}

// ratioOf is the median of a ratio, and its quartiles.
type ratioOf struct{ median, low, high float64 }

func newRatio(a, b []float64) ratioOf {
	x := slices.Sorted(slices.Values(ratios(a, b)))
	quarter := len(x) / 4
	return ratioOf{median(x), x[quarter], x[len(x)-1-quarter]}
}

// measureRow starts three servers, loads them in slices, and stops them.
func (b *bench) measureRow(r row, e effort) (c comparison, err error) {
	processors := ""
	if r.pinned {
		processors = serverProcessor
	}
	servers, err := b.startThree(r.mode, processors)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, stopAll(servers)) }()
	var targets []*target
	for _, s := range servers {
		if r.fill {
			if err := s.fill(r.load.keys); err != nil {
				return c, err
			}
		}
		t, err := newTarget(s, r.load)
		if err != nil {
			return c, err
		}
		defer func() { err = errors.Join(err, t.close()) }()
		targets = append(targets, t)
	}
	time.Sleep(e.settle) // what the servers do after a start, and after they were filled
	if err := loadInSlices(targets, e.slices, e.within*rowsShare/100/time.Duration(len(rows))); err != nil {
		return c, fmt.Errorf("%s: %w", r.name, err)
	}
	q, first, second := targets[0], targets[1], targets[2]
	c = comparison{
		name: r.name, text: r.text, quota: q.figures(), redis: first.figures(),
		cost: newRatio(q.costs, first.costs), rate: newRatio(q.rates, first.rates), noise: newRatio(second.costs, first.costs),
	}
	fmt.Fprintln(b.out, c.line())
	return c, nil
}

// line is the comparison for who watches the run.
func (c comparison) line() string {
	return fmt.Sprintf("%-30s CPU %.3f us %.2f, %.0f/s %.2f, p50 %v p99 %v, Redis p50 %v p99 %v, Redis to itself %.2f", c.name,
		c.quota.cost, c.cost.median, c.quota.rate, c.rate.median, c.quota.p50, c.quota.p99, c.redis.p50, c.redis.p99, c.noise.median)
}

func (t *target) figures() figures {
	sorted := slices.Sorted(slices.Values(t.latencies))
	return figures{median(t.costs), median(t.rates), percentile(sorted, 50), percentile(sorted, 99)}
}
