// Command bench measures what a command costs quota-db and Redis on this machine, side by side in one run.
//
// It starts three servers: quota-db, redis-server, and a second redis-server. Per workload it goes through
// rounds; in each, every server gets the same load from redis-benchmark, in alternating order. What it prints is the server's
// CPU time per command (user and system, from /proc), quota-db's ratio to Redis as the median over the rounds with the extremes, and the same ratio
// of the second Redis to the first: how far Redis is from itself today. A difference within that spread means nothing.
//
// With -limits it compares rate limiting instead: see limits.go. With -flood 30s it measures what a flood of wrong passwords costs
// others: see flood.go.
//
//	go run ./tests/bench [-limits | -flood 30s] [-rounds 10] [-only c100,p16-1m] [-scale 1.0] [-quota-db 'command {port}'] [-redis 'command {port}']
//
// Linux only; needs redis-server, redis-cli, redis-benchmark and taskset. Servers are pinned to processor 0, the client to 1.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

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

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	rounds := fs.Int("rounds", 10, "rounds per workload")
	only := fs.String("only", "", "comma-separated workloads; default all")
	limiting := fs.Bool("limits", false, "compare rate limits: quotas, counters, and Lua token buckets")
	flooding := fs.Duration("flood", 0, "measure a client beside wrong passwords, and beside PING, for so long each")
	scale := fs.Float64("scale", 1, "factor on the requests per round")
	keys := fs.Int("keys", 1_000_000, "counters that both servers hold beforehand")
	quotaLine := fs.String("quota-db", "", "command line of quota-db, {port} is replaced; default: built from this tree")
	redisLine := fs.String("redis", "redis-server --bind 127.0.0.1 --port {port} --save '' --appendonly no", "command line of Redis")
	if err := fs.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "quota-db-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if *quotaLine == "" {
		binary := filepath.Join(dir, "quota-db")
		if msg, err := exec.Command("go", "build", "-o", binary, "./cmd/quota-db").CombinedOutput(); err != nil {
			return fmt.Errorf("build quota-db: %w\n%s", err, msg)
		}
		*quotaLine = binary + " --bind 127.0.0.1:{port} --log-level error"
	}

	var servers []*server
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	for _, line := range []string{*quotaLine, *redisLine, *redisLine} {
		s, err := start(line, dir)
		if err != nil {
			return err
		}
		servers = append(servers, s)
	}
	if *flooding > 0 {
		return compareFloods(out, servers[0], *flooding)
	}
	if *limiting {
		return compareLimits(out, servers[0], servers[1], *rounds, *scale)
	}
	if err := fillAll(out, servers, *keys); err != nil {
		return err
	}
	fmt.Fprintf(out, "%-8s %9s %9s   %-22s %-22s %11s %11s\n",
		"", "quota us", "redis us", "quota/redis (min max)", "redis/redis (min max)", "quota rps", "redis rps")
	for _, w := range workloads {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), w.name) {
			continue
		}
		w.requests = int(float64(w.requests) * *scale)
		if err := measure(out, w, servers, *rounds); err != nil {
			return err
		}
	}
	return nil
}

// fillAll gives every server the same counters and prints what a counter takes of resident memory.
func fillAll(out io.Writer, servers []*server, keys int) error {
	perKey := make([]float64, len(servers))
	for i, s := range servers {
		before, err := s.resident()
		if err != nil {
			return err
		}
		if err := s.fill(keys); err != nil {
			return err
		}
		after, err := s.resident()
		if err != nil {
			return err
		}
		perKey[i] = float64(after-before) / float64(keys)
	}
	fmt.Fprintf(out, "memory   %.1f bytes per counter, Redis %.1f (%d counters, 20-byte keys)\n", perKey[0], perKey[1], keys)
	return nil
}

// measure runs the rounds of one workload and prints its row. servers: quota-db, Redis, Redis again.
func measure(out io.Writer, w workload, servers []*server, rounds int) error {
	sides := make([]side, len(servers))
	for i, s := range servers {
		sides[i] = side{s, w}
	}
	costs, rates, err := alternate(sides, rounds)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%-8s %9.3f %9.3f   %-22s %-22s %11.0f %11.0f\n", w.name, median(costs[0]), median(costs[1]),
		ratio(costs[0], costs[1]), ratio(costs[2], costs[1]), median(rates[0]), median(rates[1]))
	return nil
}

// side is one of the things that are compared.
type side struct {
	*server
	workload
}

// alternate loads the sides in turn, each round in another order. It returns microseconds of CPU per command and
// commands per second, by side and round.
func alternate(sides []side, rounds int) (costs, rates [][]float64, err error) {
	costs, rates = make([][]float64, len(sides)), make([][]float64, len(sides))
	for round := range rounds {
		for n := range sides {
			i := (round + n) % len(sides)
			cost, rate, err := sides[i].load(sides[i].workload)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", sides[i].name, err)
			}
			costs[i] = append(costs[i], cost)
			rates[i] = append(rates[i], rate)
		}
	}
	return costs, rates, nil
}

// ratio is the median of a/b over the rounds, with the extremes.
func ratio(a, b []float64) string {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return fmt.Sprintf("%.3f (%.2f %.2f)", median(r), slices.Min(r), slices.Max(r))
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}
