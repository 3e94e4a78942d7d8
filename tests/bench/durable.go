package main

import "fmt"

// durableBounds say what durability may cost: quota-db with files to quota-db without, and to Redis with files.
var durableBounds = []struct {
	workload      string
	memory, redis float64 // 0: no bound
}{
	{"c100", 1.10, 0},
	{"p16-1k", 1.10, 0},
	{"p16-10k", 1.30, 0.80},
	{"p16-1m", 1.30, 0.80},
}

// compareDurable prints what commands cost with durability as it is by default: quota-db without files, quota-db with
// them, and two redis-servers with a log that is synced every second.
func (b *bench) compareDurable() error {
	servers, err := b.startAll(memory, interval)
	if err != nil {
		return err
	}
	perKey, err := fillAll(servers, b.keys)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "memory   %.1f bytes per counter, durable %.1f, Redis %.1f (%d counters, 20-byte keys)\n", perKey[0], perKey[1], perKey[2], b.keys)
	fmt.Fprintf(b.out, "%-8s %9s %10s %9s   %-24s %-24s %-24s %11s %11s %11s\n", "", "memory us", "durable us", "redis us",
		"durable/memory (min max)", "durable/redis (min max)", "redis/redis (min max)", "memory rps", "durable rps", "redis rps")
	for _, limits := range durableBounds {
		for _, w := range b.selected(workloads) {
			if w.name != limits.workload {
				continue
			}
			if err := b.measureDurable(w, servers, limits.memory, limits.redis); err != nil {
				return err
			}
		}
	}
	return nil
}

// measureDurable runs the rounds of one workload and prints its row and verdicts. servers: quota-db in memory,
// quota-db, Redis, Redis again. Every load is followed by the time in which what is left of it goes to disk, and its
// cost counts.
func (b *bench) measureDurable(w workload, servers []*server, memoryLimit, redisLimit float64) error {
	meters, sides := make([]*meter, len(servers)), make([]side, len(servers))
	for i, s := range servers {
		if err := s.settle(); err != nil {
			return err
		}
		m, err := newMeter(s, "log_records_written")
		if err != nil {
			return err
		}
		meters[i], sides[i] = m, side{server: s, workload: w, rest: m.rest}
	}
	costs, rates, err := alternate(sides, b.rounds)
	if err != nil {
		return err
	}
	toMemory, toRedis, redisToRedis := ratios(costs[1], costs[0]), ratios(costs[1], costs[2]), ratios(costs[2], costs[3])
	fmt.Fprintf(b.out, "%-8s %9.3f %10.3f %9.3f   %-24s %-24s %-24s %11.0f %11.0f %11.0f\n", w.name, median(costs[0]), median(costs[1]), median(costs[2]),
		extent(toMemory), extent(toRedis), extent(redisToRedis), median(rates[0]), median(rates[1]), median(rates[2]))
	fmt.Fprintf(b.out, "         us per record written %s\n", perRecord(costs[0], costs[1], meters[1].grown, w.requests))
	noise := spread(redisToRedis)
	b.verdict("durable/memory", bound{limit: memoryLimit}, median(toMemory), noise)
	if redisLimit > 0 {
		b.verdict("durable/redis", bound{limit: redisLimit}, median(toRedis), noise)
	}
	return nil
}

// perRecord is what a record costs on its way to disk: what durability adds to the CPU time of a round, in
// microseconds, by the records written in it.
func perRecord(without, with, records []float64, requests int) string {
	each := make([]float64, len(records))
	for i, n := range records {
		if !(n > 0) {
			return "unknown"
		}
		each[i] = (with[i] - without[i]) * float64(requests) / n
	}
	return fmt.Sprintf("%s, %.0f records per 1000 commands", extent(each), 1000*median(records)/float64(requests))
}
