package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// clientProcessor is where this program and redis-benchmark run, and serverProcessor where servers run, unless nothing
// is pinned.
const (
	clientProcessor = "1"
	serverProcessor = "0"
)

// bench is one run: what it compares, and how much of it.
type bench struct {
	out          io.Writer
	dir          string // of all files, removed at the end
	quota, redis program
	rounds       int
	only         []string // names of workloads; none: all
	scale        float64  // factor on the requests of workloads
	keys         int      // counters that servers hold beforehand
	running      []*server
	ends         []func() // called at the end, when no server runs
}

// start runs a program in a new directory. It ends with the bench.
func (b *bench) start(p program, m mode) (*server, error) {
	dir, err := os.MkdirTemp(b.dir, "server-")
	if err != nil {
		return nil, err
	}
	s, err := start(p, m, dir)
	if err == nil {
		b.running = append(b.running, s)
	}
	return s, err
}

// startAll runs quota-db in each of some modes, and Redis twice in the last of them.
func (b *bench) startAll(modes ...mode) ([]*server, error) {
	last := modes[len(modes)-1]
	for _, m := range modes {
		if _, err := b.start(b.quota, m); err != nil {
			return nil, err
		}
	}
	for range 2 {
		if _, err := b.start(b.redis, last); err != nil {
			return nil, err
		}
	}
	return b.running, nil
}

// startThree runs quota-db, Redis, and Redis again, pinned to processors; empty: not pinned.
func (b *bench) startThree(m mode, processors string) (servers []*server, err error) {
	for _, p := range []program{b.quota, b.redis, b.redis} {
		p.processors = processors
		s, err := b.start(p, m)
		if err != nil {
			return nil, errors.Join(err, stopAll(servers))
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// stopAll stops servers before the bench ends: an idle one would be in the way of the next.
func stopAll(servers []*server) (err error) {
	for _, s := range servers {
		err = errors.Join(err, s.stop())
	}
	return err
}

func (b *bench) close() {
	for _, s := range b.running {
		_ = s.stop()
	}
	for _, end := range b.ends {
		end()
	}
}

// atEnd registers a function to be called when the bench ends.
func (b *bench) atEnd(end func()) { b.ends = append(b.ends, end) }

// selected returns the workloads that the flags select, in the selected size.
func (b *bench) selected(all []workload) []workload {
	var chosen []workload
	for _, w := range all {
		if len(b.only) == 0 || slices.Contains(b.only, w.name) {
			chosen = append(chosen, b.scaled(w))
		}
	}
	return chosen
}

func (b *bench) scaled(w workload) workload {
	w.requests = int(float64(w.requests) * b.scale)
	return w
}

// verdict prints whether a ratio keeps its bound.
func (b *bench) verdict(what string, limit bound, value, spread float64) {
	fmt.Fprintf(b.out, "         %s %.3f, %s: %s\n", what, value, limit, limit.judge(value, spread))
}

// pin keeps this program, and what it starts, away from the servers' processor.
func pin() error {
	out, err := exec.Command("taskset", "-acp", clientProcessor, strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return fmt.Errorf("taskset: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
