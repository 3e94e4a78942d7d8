package main

import "fmt"

// tables prints what commands cost without durability, and what a counter takes of memory.
func (b *bench) tables() error {
	servers, err := b.startAll(memory)
	if err != nil {
		return err
	}
	perKey, err := fillAll(servers, b.keys)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "memory   %.1f bytes per counter, Redis %.1f (%d counters, 20-byte keys)\n", perKey[0], perKey[1], b.keys)
	fmt.Fprintf(b.out, "%-8s %9s %9s   %-22s %-22s %11s %11s\n",
		"", "quota us", "redis us", "quota/redis (min max)", "redis/redis (min max)", "quota rps", "redis rps")
	for _, w := range b.selected(workloads) {
		if err := b.measure(w, servers); err != nil {
			return err
		}
	}
	return nil
}

// fillAll gives every server the same counters and returns how many bytes of resident memory each takes for one.
func fillAll(servers []*server, keys int) ([]float64, error) {
	perKey := make([]float64, len(servers))
	for i, s := range servers {
		before, err := s.resident()
		if err != nil {
			return nil, err
		}
		if err := s.fill(keys); err != nil {
			return nil, err
		}
		after, err := s.resident()
		if err != nil {
			return nil, err
		}
		perKey[i] = float64(after-before) / float64(keys)
	}
	return perKey, nil
}

// measure runs the rounds of one workload and prints its row. servers: quota-db, Redis, Redis again.
func (b *bench) measure(w workload, servers []*server) error {
	sides := make([]side, len(servers))
	for i, s := range servers {
		sides[i] = side{server: s, workload: w}
	}
	costs, rates, err := alternate(sides, b.rounds)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%-8s %9.3f %9.3f   %-22s %-22s %11.0f %11.0f\n", w.name, median(costs[0]), median(costs[1]),
		ratio(costs[0], costs[1]), ratio(costs[2], costs[1]), median(rates[0]), median(rates[1]))
	return nil
}
