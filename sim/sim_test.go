package sim

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var (
	seedsFlag = flag.Int("seeds", 400, "how many worlds are simulated")
	seedFlag  = flag.Uint64("seed", 0, "simulate this world only, and show all that happens in it")
	firstFlag = flag.Uint64("first", 1, "the first seed")
	stopFlag  = flag.Uint64("stop", 3, "end after so many worlds that fail")
)

// enough is the number of worlds from which on a rare occurrence is a failure.
const enough = 1000

func TestClustersKeepTheLaws(t *testing.T) {
	if *seedFlag != 0 {
		w := newWorld(t, *seedFlag)
		w.run()
		t.Logf("\n%s", w.log.String())
		return
	}
	seeds := uint64(*seedsFlag)
	if testing.Short() {
		seeds = min(seeds, 60)
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var times []time.Duration
	var next, failed atomic.Uint64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for n := next.Add(1) - 1; n < seeds && failed.Load() < *stopFlag; n = next.Add(1) - 1 {
				seed := *firstFlag + n
				ok := t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					w := newWorld(t, seed)
					began := cpu()
					w.run()
					mu.Lock()
					defer mu.Unlock()
					times = append(times, cpu()-began)
					for what := range w.seen {
						seen[what]++
					}
				})
				if !ok {
					failed.Add(1)
					t.Logf("go test ./sim -run TestClusters -seed %d repeats it and shows what happened", seed)
				}
			}
		})
	}
	workers.Wait()
	report(t, seen, times)
}

// cpu is the processor time of this process. Worlds run in parallel, so their measurements overlap.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// report prints how often each thing occurred, and fails if one occurred too seldom.
func report(t *testing.T, seen map[string]int, times []time.Duration) {
	n := len(times)
	if n == 0 {
		return
	}
	slices.Sort(times)
	t.Logf("%d worlds; median %v of CPU, for each of %d at a time", n, times[n/2]/time.Duration(runtime.GOMAXPROCS(0)), runtime.GOMAXPROCS(0))
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%6.2f%%  %s", 100*float64(seen[what])/float64(n), what)
	}
	if n < enough {
		return
	}
	for _, what := range occurrences {
		if seen[what] < n/100 {
			t.Errorf("%q occurs in %d of %d worlds only", what, seen[what], n)
		}
	}
}

// occurrences are the faults and states that must occur.
var occurrences = []string{
	"FLUSHALL", "FLUSHALL in slices", "a clean stop", "a connection goes on where the last one ended", "a connection is cut while the two compare", "a connection is cut with bytes on their way",
	"a cluster is restored from backups", "a connection stalls", "a copied disk", "a disk and its copy are started at once", "a copy of a disk that was stopped clean", "a half-open connection", "a handshake that one side believes in", "a limiter begins a window", "a name stands for fewer peers", "a kill", "a life goes on",
	"a deadline is put off for ever, in time", "a life is not confirmed", "a loss of power", "a partition", "a process dies before its reply", "a process pauses", "a reply is lost",
	"a rolling restart", "a row of an old life", "a second connection is refused", "a second process with an id is refused", "a snapshot", "a wiped disk", "an old delta arrives again", "an old disk",
	"an old disk that was stopped clean", "a clock is hours ahead", "a register is held back", "bytes are swallowed", "clock jumps", "clocks a little apart", "clocks seconds apart", "comparing fills", "comparing is put off", "comparing repairs", "little may wait for a peer",
	"a bucket owes tokens", "a quota in use ends", "a take is from a reserve", "a take waits for the disk", "limits in turns", "tokens are given back",
	"rounds remembered by their keys", "silence is noticed", "two disks are one node by turns", "two hosts do not reach each other", "two processes are one node",
}

func TestASeedRepeatsExactly(t *testing.T) {
	for seed := range uint64(5) {
		var sums [2]uint64
		for i := range sums {
			w := newWorld(t, 1000+seed)
			w.run()
			sums[i] = w.sum()
		}
		if sums[0] != sums[1] {
			t.Errorf("seed %d: %x, then %x", 1000+seed, sums[0], sums[1])
		}
	}
}
