package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	snapshotClients   = 50
	snapshotPerSecond = 20_000
	snapshotPoll      = 5 * time.Millisecond // of rdb_bgsave_in_progress, with and without a snapshot
	snapshotPause     = 2 * time.Second      // before each period, so that the last one is over
)

// snapshotBound is how many milliseconds a snapshot may add to p99.
var snapshotBound = bound{limit: 5}

// compareSnapshots prints the latencies of INCRs that arrive at a fixed rate, while BGSAVE runs and for as long
// without, on servers with many counters and with a log.
func (b *bench) compareSnapshots() error {
	fmt.Fprintf(b.out, "INCR, %d a second over %d connections, ms from when each was due (%d counters)\n", snapshotPerSecond, snapshotClients, b.keys)
	fmt.Fprintf(b.out, "%-9s %-9s %9s %9s %9s %9s %9s %9s %14s\n", "", "BGSAVE", "p50", "p99", "p99.9", "max", "seconds", "per s", "p99 sent late")
	for _, side := range []struct {
		name    string
		program program
	}{{"quota-db", b.quota}, {"redis", b.redis}} {
		if err := b.measureSnapshots(side.name, side.program); err != nil {
			return fmt.Errorf("%s: %w", side.name, err)
		}
	}
	return nil
}

// measureSnapshots runs the rounds of one program and prints its rows and verdict.
func (b *bench) measureSnapshots(name string, p program) error {
	s, err := b.start(p, interval)
	if err != nil {
		return err
	}
	if err := s.fill(b.keys); err != nil {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	l, err := startLoop(s.addr(), snapshotClients, snapshotPerSecond, anyOf(b.keys))
	if err != nil {
		return err
	}
	var with, without []period
	for range b.rounds {
		saving, quiet, err := s.snapshotRound()
		if err != nil {
			_ = l.stop()
			return err
		}
		with, without = append(with, saving), append(without, quiet)
	}
	if err := l.stop(); err != nil {
		return err
	}
	b.printSnapshots(name, l, with, without)
	return s.stop()
}

// snapshotRound is a period with BGSAVE, and one of the same length without. The server is asked for the state of
// BGSAVE equally often in both.
func (s *server) snapshotRound() (with, without period, err error) {
	c, err := wire.Dial(s.addr())
	if err != nil {
		return with, without, err
	}
	defer func() { _ = c.Close() }()
	time.Sleep(snapshotPause)
	with.begin = time.Now()
	if v, err := c.Do("BGSAVE"); err != nil || v.IsError() {
		return with, without, fmt.Errorf("BGSAVE: %s %w", v, err)
	}
	for saving := true; saving; {
		if saving, err = pollSaving(c); err != nil {
			return with, without, err
		}
	}
	with.end = time.Now()
	time.Sleep(snapshotPause)
	without.begin = time.Now()
	for length := with.end.Sub(with.begin); time.Since(without.begin) < length; {
		if saving, err := pollSaving(c); err != nil || saving {
			return with, without, fmt.Errorf("a snapshot by itself: %t %w", saving, err)
		}
	}
	without.end = time.Now()
	return with, without, nil
}

func pollSaving(c *wire.Conn) (bool, error) {
	time.Sleep(snapshotPoll)
	f, err := askInfo(c, "persistence")
	return f["rdb_bgsave_in_progress"] == "1", err
}

func (b *bench) printSnapshots(name string, l *openLoop, with, without []period) {
	for _, row := range []struct {
		name    string
		periods []period
	}{{"without", without}, {"with", with}} {
		var all, late []time.Duration
		var length time.Duration
		for _, p := range row.periods {
			all = append(all, l.window(l.latencies, p)...)
			late = append(late, l.window(l.late, p)...)
			length += p.end.Sub(p.begin)
		}
		slices.Sort(all)
		fmt.Fprintf(b.out, "%-9s %-9s %9.3f %9.3f %9.3f %9.3f %9.1f %9.0f %14.3f\n", name, row.name, milliseconds(percentile(all, 50)), milliseconds(percentile(all, 99)),
			milliseconds(percentile(all, 99.9)), milliseconds(percentile(all, 100)), length.Seconds(), float64(len(all))/length.Seconds(), milliseconds(p99(late)))
	}
	added := make([]float64, len(with))
	for i := range with {
		added[i] = milliseconds(p99(l.window(l.latencies, with[i])) - p99(l.window(l.latencies, without[i])))
	}
	fmt.Fprintf(b.out, "%-9s p99 with minus without, ms, by round: %s; %s: %s\n", name, extent(added), snapshotBound, snapshotBound.judge(median(added), 0))
}

func p99(latencies []time.Duration) time.Duration {
	return percentile(slices.Sorted(slices.Values(latencies)), 99)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
