package main

import (
	"fmt"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	// killedTimes is how often a server is killed, and started on what it has left.
	killedTimes = 6
	// killedPasses is how often each counter is counted on in each life: the kernel counts CPU time in steps of 10 ms.
	killedPasses = 4
)

// Bounds of what a server costs after all these kills, to what it cost in its first life.
var (
	killedMemory = bound{limit: 1.2}
	killedCost   = bound{limit: 1.05}
	killedStart  = bound{limit: 1.1}
)

// killedLife is what one run of the server has cost.
type killedLife struct {
	started float64 // seconds
	cost    float64 // microseconds of CPU time for each INCR
	used    float64 // MB, used_memory
}

// measureKilled makes a server without peers increment each counter and kills it, again and again, and prints what the
// last run costs compared with the first. Each start loads a snapshot of all counters: the length of the log after it
// does not depend on kills. The first start has nothing to load, so the second counts as the first.
func (b *bench) measureKilled() error {
	s, err := b.start(b.quota, interval)
	if err != nil {
		return err
	}
	var lives []killedLife
	fmt.Fprintf(b.out, "%-6s %10s %14s %12s   (%d counters)\n", "kills", "start s", "us CPU/INCR", "MB used", b.keys)
	for kills := 0; ; kills++ {
		life, err := s.countEach(b.keys, kills == 0)
		if err != nil {
			return err
		}
		lives = append(lives, life)
		fmt.Fprintf(b.out, "%-6d %10.3f %14.3f %12.1f\n", kills, life.started, life.cost, life.used)
		if kills == killedTimes {
			break
		}
		if err := s.cmd.Process.Kill(); err != nil {
			return err
		}
		<-s.ended
		dir := s.dir
		if s, err = start(b.quota, interval, dir); err != nil {
			return err
		}
		b.running = append(b.running, s)
	}
	first, last := lives[0], lives[killedTimes]
	for _, row := range []struct {
		name  string
		ratio float64
		bound bound
	}{
		{"memory", last.used / first.used, killedMemory},
		{"INCR", last.cost / first.cost, killedCost},
		{"start", last.started / lives[1].started, killedStart},
	} {
		fmt.Fprintf(b.out, "%-6s after %d kills, to the first: %.2f, %v\n", row.name, killedTimes, row.ratio, row.bound)
	}
	return nil
}

// countEach counts once on each counter, makes them first if they are not there, and has a snapshot written.
func (s *server) countEach(keys int, fresh bool) (killedLife, error) {
	life := killedLife{started: s.took.Seconds()}
	if fresh {
		if err := s.fill(keys); err != nil {
			return life, err
		}
	}
	before, err := s.cpu()
	if err != nil {
		return life, err
	}
	if err := s.pipe(killedPasses*keys, func(dst []byte, i int) []byte { return appendKey(append(dst, "*2\r\n$4\r\nINCR\r\n"...), i%keys) }); err != nil {
		return life, err
	}
	if err := s.settle(); err != nil {
		return life, err
	}
	after, err := s.cpu()
	if err != nil {
		return life, err
	}
	life.cost = (after - before).Seconds() / float64(killedPasses*keys) * 1e6
	memory, err := s.info("memory")
	if err != nil {
		return life, err
	}
	life.used = memory.number("used_memory") / 1e6
	return life, s.save()
}

// save has the server write a snapshot.
func (s *server) save() error {
	c, err := wire.Dial(s.addr())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if v, err := c.Do("SAVE"); err != nil || v.Text != "OK" {
		return fmt.Errorf("SAVE: %s %w", v.Text, err)
	}
	return nil
}
