package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

// recovery is what a program needs to be there again, by round.
type recovery struct {
	name     string
	program  program
	dir      string
	seconds  []float64 // from its start until it answers
	cpu      []float64 // seconds of processor time until then
	resident []float64 // MB, right then
	disk     []float64 // MB of files that it starts from
}

// compareRecovery prints how long quota-db takes to load what a clean stop has left, and Redis to load what SAVE has,
// in alternating rounds. The files are in the page cache. Redis starts twice a round: that is how far it is from
// itself.
func (b *bench) compareRecovery() error {
	quota, err := b.prepare("quota-db", b.quota)
	if err != nil {
		return err
	}
	redis, err := b.prepare("redis", b.redis)
	if err != nil {
		return err
	}
	again := &recovery{name: redis.name, program: redis.program, dir: redis.dir}
	sides := []*recovery{quota, redis, again}
	for round := range b.rounds {
		for n := range sides {
			if err := sides[(round+n)%len(sides)].measure(b.keys); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(b.out, "%-9s %-22s %-22s %10s %10s   (%d counters)\n", "recovery", "seconds (min max)", "CPU seconds (min max)", "MB on disk", "MB in RAM", b.keys)
	for _, r := range sides[:2] {
		fmt.Fprintf(b.out, "%-9s %-22s %-22s %10.1f %10.1f\n", r.name, extent(r.seconds), extent(r.cpu), median(r.disk), median(r.resident))
	}
	fmt.Fprintf(b.out, "seconds, quota/redis %s, redis/redis %s\n", ratio(quota.seconds, redis.seconds), ratio(again.seconds, redis.seconds))
	return nil
}

// recoveryMode is how a program of some kind is run so that it leaves files: Redis writes them when it is told to.
func recoveryMode(k kind) mode {
	if k == redisKind {
		return memory
	}
	return interval
}

// prepare lets a program write the files that it will load.
func (b *bench) prepare(name string, p program) (*recovery, error) {
	s, err := b.start(p, recoveryMode(p.kind))
	if err != nil {
		return nil, err
	}
	if err := s.fill(b.keys); err != nil {
		return nil, fmt.Errorf("fill %s: %w", name, err)
	}
	if p.kind == redisKind {
		if out, err := exec.Command("redis-cli", "-p", s.port, "SAVE").Output(); err != nil || string(out) != "OK\n" {
			return nil, fmt.Errorf("SAVE: %s %w", out, err)
		}
	}
	return &recovery{name: name, program: p, dir: s.dir}, s.stop()
}

// measure starts the program on its files once, checks that all counters are there, and stops it.
func (r *recovery) measure(keys int) error {
	size, err := readAll(r.dir)
	if err != nil {
		return err
	}
	r.disk = append(r.disk, float64(size)/1e6)
	s, err := start(r.program, recoveryMode(r.program.kind), r.dir)
	if err != nil {
		return err
	}
	if err := r.note(s, keys); err != nil {
		_ = s.stop()
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return s.stop()
}

func (r *recovery) note(s *server, keys int) error {
	used, err := s.cpu()
	if err != nil {
		return err
	}
	resident, err := s.resident()
	if err != nil {
		return err
	}
	r.seconds = append(r.seconds, s.took.Seconds())
	r.cpu = append(r.cpu, used.Seconds())
	r.resident = append(r.resident, float64(resident)/1e6)
	return s.holds(keys)
}

// holds checks that the server has the counters that fill makes.
func (s *server) holds(keys int) error {
	c, err := wire.Dial(s.addr())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if v, err := c.Do("DBSIZE"); err != nil || v.Text != strconv.Itoa(keys) {
		return fmt.Errorf("%s of %d counters came back %w", v.Text, keys, err)
	}
	for _, i := range []int{0, keys / 2, keys - 1} {
		if v, err := c.Do("GET", fmt.Sprintf("counter:%012d", i)); err != nil || v.Text != fillValue {
			return fmt.Errorf("counter %d came back as %s %w", i, v, err)
		}
	}
	return nil
}

// readAll reads every file of a directory, so that they are in the page cache, and returns their size.
func readAll(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		n, err := io.Copy(io.Discard, f)
		size += n
		return err
	})
	return size, err
}
