// Command bench measures what a command costs quota-db and Redis on this machine, side by side in one run.
//
// It starts three servers: quota-db, redis-server, and a second redis-server. Per workload it goes through rounds; in
// each, every server gets the same load from redis-benchmark, in alternating order. What it prints is the server's CPU
// time per command (user and system, from /proc), quota-db's ratio to Redis as the median over the rounds with the
// extremes, and the same ratio of the second Redis to the first: how far Redis is from itself today. A difference
// within that spread means nothing, and a bound that a figure misses by no more holds "within the spread".
//
// make benchmarks measures what the first part of docs/benchmarks.md compares with Redis, and writes it there and into
// README.md, within 25 minutes:
//
//	-page docs/benchmarks.md    first what runs unpinned, as on a user's machine
//
// These servers write no files. What files cost is compared by others:
//
//	-durable    quota-db with files, without, and two Redis with a log that is synced every second
//	-always     quota-db and two Redis that answer once a command is on disk
//	-recovery   how long quota-db and Redis take to load their files
//	-snapshot   latencies while BGSAVE runs
//	-limits     rate limits: quotas, counters, and Lua token buckets
//	-flood 30s  what a flood of wrong passwords costs others
//	-crowd      what 9,000 connections that have not logged in cost others
//	-killed     what a server without peers costs after six kills, to what it cost before
//
// Nodes that replicate with each other are not pinned, nor is anything else then:
//
//	-replicated  what commands cost with two live peers, without, and two Redis beside
//	-delay       how long until an increment can be read at a peer
//	-hotkey      bytes to the peers for a million increments of one counter
//	-away 10m    a peer that is stopped for so long: memory, and what its return costs
//	-different   two nodes that hold nearly the same: how long, and how many bytes, until they hold the same
//	-flushall    how long others wait while FLUSHALL deletes everything on two nodes, and what memory that takes
//
// Usage:
//
//	go run ./tests/bench [-durable | -always | -recovery | -snapshot | -limits | -flood 30s | -crowd | -killed
//	    | -replicated | -delay | -hotkey | -away 10m | -different | -flushall | -page FILE [-readme FILE] [-quick]]
//	    [-rounds 10] [-only c100,p16-1m] [-scale 1.0] [-keys 1000000] [-changed 100] [-interval 10s]
//	    [-dir /files/here] [-processors 0] [-quota-db 'command {port}'] [-redis 'command {port}']
//
// Options for durability are appended to both command lines as the programs understand them, so that -quota-db
// 'redis-server --port {port}' compares Redis with itself.
//
// Linux only; needs redis-server, redis-cli, redis-benchmark and taskset. Servers are pinned to processor 0, the client
// to 1.
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
	"time"
)

const (
	tableKeys = 1_000_000
	manyKeys  = 10_000_000 // for measurements whose time grows with the number of counters
)

// flags are what is asked for.
type flags struct {
	durable, always, recovery, snapshot, limits bool
	crowd                                       bool
	replicated, delay, hotkey, different        bool
	flushall, killed                            bool
	flood, away, interval                       time.Duration
	rounds, keys, changed                       int
	only, dir, processors, quota, redis         string
	scale                                       float64
	page, readme                                string
	quick                                       bool
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	f, err := parse(args)
	if err != nil {
		return err
	}
	only, err := named(f.only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(f.dir, "quota-db-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.Abs(dir); err != nil { // servers have other working directories
		return err
	}
	b := &bench{out: out, dir: dir, rounds: f.rounds, scale: f.scale, keys: f.keys, only: only}
	if f.quota == "" {
		if f.quota, err = build(dir); err != nil {
			return err
		}
	}
	if b.quota, err = newProgram(f.quota, f.processors); err != nil {
		return err
	}
	if b.redis, err = newProgram(f.redis, f.processors); err != nil {
		return err
	}
	if !f.clustered() && f.page == "" {
		if err := pin(); err != nil {
			return err
		}
	}
	defer b.close()
	return b.choose(f)
}

func parse(args []string) (flags, error) {
	var f flags
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.BoolVar(&f.durable, "durable", false, "compare what commands cost with files, synced every second")
	fs.BoolVar(&f.always, "always", false, "compare what commands cost that are answered once they are on disk")
	fs.BoolVar(&f.recovery, "recovery", false, "compare how long it takes to load what is on disk")
	fs.BoolVar(&f.snapshot, "snapshot", false, "compare latencies with and without BGSAVE")
	fs.BoolVar(&f.limits, "limits", false, "compare rate limits: quotas, counters, and Lua token buckets")
	fs.DurationVar(&f.flood, "flood", 0, "measure a client beside wrong passwords, and beside PING, for so long each")
	fs.BoolVar(&f.crowd, "crowd", false, "measure clients beside a crowd of connections that have not logged in")
	fs.BoolVar(&f.replicated, "replicated", false, "compare what commands cost with two live peers, and without")
	fs.BoolVar(&f.delay, "delay", false, "measure how long until an increment can be read at a peer")
	fs.BoolVar(&f.hotkey, "hotkey", false, "count the bytes to the peers for increments of one counter")
	fs.DurationVar(&f.away, "away", 0, "measure what it costs that a peer is stopped for so long")
	fs.BoolVar(&f.different, "different", false, "measure how two nodes mend what differs")
	fs.BoolVar(&f.flushall, "flushall", false, "measure what FLUSHALL costs others, on two nodes that replicate")
	fs.BoolVar(&f.killed, "killed", false, "measure what a server without peers costs after kills")
	fs.StringVar(&f.page, "page", "", "measure everything that stands between the marks of this Markdown file, and write it there")
	fs.StringVar(&f.readme, "readme", "README.md", "file whose table -page writes too")
	fs.BoolVar(&f.quick, "quick", false, "with -page: half a minute, to see that everything works; the figures mean nothing")
	fs.IntVar(&f.rounds, "rounds", 10, "rounds per workload, starts, or snapshots")
	fs.StringVar(&f.only, "only", "", "comma-separated workloads; default all")
	fs.Float64Var(&f.scale, "scale", 1, "factor on the requests per round")
	fs.IntVar(&f.keys, "keys", 0, "counters that servers hold beforehand; default 1000000, with -recovery, -snapshot and -flushall 10000000")
	fs.IntVar(&f.changed, "changed", 0, fmt.Sprintf("counters that change, with -away, or differ, with -different; default %d and %d", awayChanged, differentChanged))
	fs.DurationVar(&f.interval, "interval", 10*time.Second, "anti-entropy interval of nodes that replicate")
	fs.StringVar(&f.dir, "dir", "", "directory on the disk where the servers have their files; default that of temporary files")
	fs.StringVar(&f.processors, "processors", "", "processors that servers are pinned to, as 0 or 0,1, default 0, while this program is pinned to "+clientProcessor+"; with nodes that replicate nothing is pinned by default")
	fs.StringVar(&f.quota, "quota-db", "", "command line of quota-db, {port} and {dir} are replaced; default: built from this tree")
	fs.StringVar(&f.redis, "redis", "redis-server --bind 127.0.0.1 --port {port} --save ''", "command line of Redis")
	err := fs.Parse(args)
	if f.keys == 0 {
		f.keys = tableKeys
		if f.recovery || f.snapshot || f.flushall {
			f.keys = manyKeys
		}
	}
	if f.changed == 0 {
		f.changed = awayChanged
		if f.different {
			f.changed = differentChanged
		}
	}
	if f.processors == "" && !f.clustered() && f.page == "" {
		f.processors = "0"
	}
	f.changed = min(f.changed, f.keys)
	return f, err
}

// named are the workloads of a list. Errors: there is none of a name.
func named(list string) (names []string, err error) {
	if list == "" {
		return nil, nil
	}
	var all []string
	for _, w := range workloads {
		all = append(all, w.name)
	}
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("-only: no workload %q; there are %s", name, strings.Join(all, ", "))
		}
		names = append(names, name)
	}
	return names, nil
}

// clustered says whether nodes that replicate are measured.
func (f flags) clustered() bool {
	return f.replicated || f.delay || f.hotkey || f.away > 0 || f.different || f.flushall
}

// build makes quota-db of this tree and returns its command line.
func build(dir string) (string, error) {
	binary := filepath.Join(dir, "quota-db")
	if msg, err := exec.Command("go", "build", "-o", binary, "./cmd/quota-db").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build quota-db: %w\n%s", err, msg)
	}
	return binary + " --bind 127.0.0.1:{port} --log-level error", nil
}

// choose runs the selected comparison.
func (b *bench) choose(f flags) error {
	switch {
	case f.page != "":
		e := fullEffort
		if f.quick {
			e = quickEffort
		}
		return b.writePage(f.page, f.readme, e)
	case f.durable:
		return b.compareDurable()
	case f.always:
		return b.compareAlways()
	case f.recovery:
		return b.compareRecovery()
	case f.snapshot:
		return b.compareSnapshots()
	case f.crowd:
		return b.measureCrowd()
	case f.replicated:
		return b.compareReplicated(f.interval)
	case f.delay:
		return b.measureDelay(f.interval)
	case f.hotkey:
		return b.measureHotKey(f.interval)
	case f.away > 0:
		return b.measureAway(f.interval, f.away, f.changed)
	case f.flushall:
		return b.measureFlushAll(f.interval)
	case f.killed:
		return b.measureKilled()
	case f.different:
		return b.measureDifferent(f.interval, f.changed)
	}
	if f.flood == 0 && !f.limits {
		return b.tables()
	}
	servers, err := b.startAll(memory)
	if err != nil {
		return err
	}
	if f.flood > 0 {
		return compareFloods(b.out, servers[0], f.flood)
	}
	return compareLimits(b.out, servers[0], servers[1], b.rounds, b.scale)
}
