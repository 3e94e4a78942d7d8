package main

import "fmt"

// workload is one load that redis-benchmark makes.
type workload struct {
	name     string
	flags    []string // connections, pipeline
	requests int      // per round and server
	keys     int      // how many different counters
	command  []string
}

func on(verb string) []string { return []string{verb, "counter:__rand_int__"} }

var workloads = []workload{
	{"c100", []string{"-c", "100"}, 400_000, 1_000_000, on("incr")},
	{"p16-1k", []string{"-c", "50", "-P", "16"}, 4_000_000, 1_000, on("incr")},
	{"p16-10k", []string{"-c", "50", "-P", "16"}, 4_000_000, 10_000, on("incr")},
	{"p16-1m", []string{"-c", "50", "-P", "16"}, 3_000_000, 1_000_000, on("incr")},
	{"p128-1m", []string{"-c", "50", "-P", "128"}, 6_000_000, 1_000_000, on("incr")},
	{"get-1m", []string{"-c", "50", "-P", "16"}, 3_000_000, 1_000_000, on("get")},
}

// side is one of the things that are compared.
type side struct {
	*server
	workload
	rest  func() error // unless nil, called after each load; its CPU time counts
	check func() error // unless nil, called after rest; its CPU time does not count
}

// alternate loads the sides in turn, each round in another order. It returns microseconds of CPU per command and
// commands per second, by side and round.
func alternate(sides []side, rounds int) (costs, rates [][]float64, err error) {
	costs, rates = make([][]float64, len(sides)), make([][]float64, len(sides))
	for round := range rounds {
		for n := range sides {
			i := (round + n) % len(sides)
			cost, rate, err := sides[i].load(sides[i].workload, sides[i].rest)
			if err == nil && sides[i].check != nil {
				err = sides[i].check()
			}
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", sides[i].name, err)
			}
			costs[i] = append(costs[i], cost)
			rates[i] = append(rates[i], rate)
		}
	}
	return costs, rates, nil
}
