package main

import (
	"fmt"
	"math"
)

var (
	alwaysWorkload = workload{"c100", []string{"-c", "100"}, 200_000, 1_000_000, on("incr")}
	alwaysCost     = bound{limit: 0.85}
	alwaysRate     = bound{limit: 1, atLeast: true}
)

// compareAlways prints what commands cost, and how many a second are possible, if each is answered after its write is
// synced.
func (b *bench) compareAlways() error {
	servers, err := b.startAll(always)
	if err != nil {
		return err
	}
	programs := []program{b.quota, b.redis, b.redis}
	w := b.scaled(alwaysWorkload)
	meters, sides := make([]*meter, len(servers)), make([]side, len(servers))
	for i, s := range servers {
		m, err := newSyncMeter(s, programs[i].kind)
		if err != nil {
			return err
		}
		meters[i], sides[i] = m, side{server: s, workload: w, rest: m.rest}
	}
	costs, rates, err := alternate(sides, b.rounds)
	if err != nil {
		return err
	}
	cost, rate := ratios(costs[0], costs[1]), ratios(rates[0], rates[1])
	fmt.Fprintf(b.out, "%-8s %11s %11s   %-22s %-22s %s\n", "always", "quota", "redis", "quota/redis (min max)", "redis/redis (min max)", "verdict")
	for _, row := range []struct {
		name   string
		values [][]float64
		ratios []float64
		bound  bound
	}{{"us", costs, cost, alwaysCost}, {"rps", rates, rate, alwaysRate}} {
		itself := ratios(row.values[1], row.values[2])
		fmt.Fprintf(b.out, "%-8s %11.2f %11.2f   %-22s %-22s %s: %s\n", row.name, median(row.values[0]), median(row.values[1]),
			extent(row.ratios), extent(itself), row.bound, row.bound.judge(median(row.ratios), spread(itself)))
	}
	fmt.Fprintf(b.out, "commands per fsync: quota %s, redis %s\n", perSync(w.requests, meters[0], programs[0]), perSync(w.requests, meters[1], programs[1]))
	return nil
}

// newSyncMeter counts the fsync calls of a server. Redis does not report them. But while each command is answered
// separately, Redis makes one writing call for each reply, and one for each group of commands in the log, which it
// syncs right after.
func newSyncMeter(s *server, k kind) (*meter, error) {
	if k == redisKind {
		return newMeterOf(s, s.writeCalls)
	}
	return newMeter(s, "log_fsyncs")
}

// perSync is how many commands share an fsync, as the median over the rounds.
func perSync(requests int, m *meter, p program) string {
	n := median(m.grown)
	about := ""
	if p.kind == redisKind {
		n -= float64(requests)
		about = "about "
	}
	if math.IsNaN(n) || n <= 0 {
		return "unknown"
	}
	return fmt.Sprintf("%s%.1f", about, float64(requests)/n)
}
