package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// setting is how redis-benchmark is called, once for each of its tests. Nothing is pinned.
type setting struct {
	flags    string
	requests int // one connection makes fewer, or it would take half of the time of all
}

var settings = []setting{
	{"-c 1", 50_000},
	{"-c 50", 200_000},
	{"-c 100", 200_000},
	{"-c 50 -P 16", 200_000},
	{"-c 50 -P 16 -r 100000", 200_000},
}

// benchmarkTests are the names of redis-benchmark's tests, as its option -t has them.
var benchmarkTests = []string{"set", "get", "incr", "mset"}

// leastRounds is how many rounds there are at least, whatever they take. Medians of fewer mean nothing.
const leastRounds = 3

// runSettings has redis-benchmark load quota-db and two Redis in turn, in all settings: so many rounds of each, or as
// many as fit into its part of a time. part is a factor on the requests.
func (b *bench) runSettings(rounds int, within time.Duration, part float64) (all []comparison, least int, err error) {
	servers, err := b.startThree(memory, "")
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, stopAll(servers)) }()
	least = rounds
	for _, s := range settings {
		s.requests = int(float64(s.requests) * part)
		results, done, err := runSetting(s, servers, rounds, within/time.Duration(len(settings)))
		if err != nil {
			return nil, 0, err
		}
		least = min(least, done)
		for i, test := range benchmarkTests {
			all = append(all, results[i].comparison(s.flags+" -t "+test))
			fmt.Fprintf(b.out, "%s\n", all[len(all)-1].line())
		}
	}
	return all, least, nil
}

// results are those of one test, by server and round.
type results struct {
	costs, rates [3][]float64
	p50, p99     [3][]float64 // milliseconds
}

func runSetting(s setting, servers []*server, rounds int, within time.Duration) ([]results, int, error) {
	all := make([]results, len(benchmarkTests))
	begin, done := time.Now(), 0
	for ; done < rounds && (done < leastRounds || time.Since(begin) < within); done++ {
		for i, test := range benchmarkTests {
			for n := range servers {
				j := (done + n) % len(servers)
				if err := all[i].run(s, test, servers[j], j); err != nil {
					return nil, 0, err
				}
			}
		}
	}
	return all, done, nil
}

// run runs one test against one server.
func (r *results) run(s setting, test string, to *server, server int) error {
	before, err := to.used()
	if err != nil {
		return err
	}
	args := append([]string{"-h", "127.0.0.1", "-p", to.port, "--csv", "-n", strconv.Itoa(s.requests), "-t", test}, strings.Fields(s.flags)...)
	out, err := exec.Command("redis-benchmark", args...).Output()
	if err != nil {
		return fmt.Errorf("redis-benchmark %s: %w", strings.Join(args, " "), err)
	}
	after, err := to.used()
	if err != nil {
		return err
	}
	line, err := parseBenchmark(string(out))
	if err != nil {
		return err
	}
	r.costs[server] = append(r.costs[server], float64((after-before).Nanoseconds())/1e3/float64(s.requests))
	r.rates[server] = append(r.rates[server], line.rate)
	r.p50[server] = append(r.p50[server], line.p50)
	r.p99[server] = append(r.p99[server], line.p99)
	return nil
}

func (r *results) comparison(name string) comparison {
	of := func(server int) figures {
		return figures{median(r.costs[server]), median(r.rates[server]), inMilliseconds(median(r.p50[server])), inMilliseconds(median(r.p99[server]))}
	}
	return comparison{
		name: name, text: "`" + name + "`", quota: of(0), redis: of(1),
		cost: newRatio(r.costs[0], r.costs[1]), rate: ratioOfMedians(r.rates[0], r.rates[1]), noise: ratioOfMedians(r.rates[2], r.rates[1]),
	}
}

// ratioOfMedians is what a user sees who compares the medians of two lists; the quartiles are those of the rounds.
func ratioOfMedians(a, b []float64) ratioOf {
	r := newRatio(a, b)
	r.median = median(a) / median(b)
	return r
}

func inMilliseconds(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

// benchmarkLine is what redis-benchmark prints of a test.
type benchmarkLine struct{ rate, p50, p99 float64 }

// parseBenchmark reads the output of redis-benchmark --csv with one test.
func parseBenchmark(out string) (line benchmarkLine, err error) {
	records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(records) != 2 {
		return line, fmt.Errorf("redis-benchmark printed %q: %w", out, err)
	}
	for i, name := range records[0] {
		to := map[string]*float64{"rps": &line.rate, "p50_latency_ms": &line.p50, "p99_latency_ms": &line.p99}[name]
		if to == nil {
			continue
		}
		if *to, err = strconv.ParseFloat(records[1][i], 64); err != nil {
			return line, fmt.Errorf("redis-benchmark printed %q: %w", out, err)
		}
	}
	if line.rate == 0 {
		return line, fmt.Errorf("redis-benchmark printed no rate: %q", out)
	}
	return line, nil
}
