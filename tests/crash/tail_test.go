package crash

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	// sampleInterval is how often the length of the log is read during a life.
	sampleInterval = time.Millisecond
	// maxSamples is how many are kept: those of more than the batch delay and what is added to it.
	maxSamples = 1000
	// maxGarbageBits bounds what is appended: 16 KiB, longer than most groups.
	maxGarbageBits = 14
)

// sample is what the data directory looked like at a moment, or just after.
type sample struct {
	at    time.Time
	names string // of all files
	log   string // path of the newest log file, empty if there is none
	size  int64  // of log
}

func look(dir, pattern string) sample {
	s := sample{at: time.Now()}
	logs, _ := filepath.Glob(filepath.Join(dir, pattern)) // fails for a bad pattern only
	if len(logs) == 0 {
		return s
	}
	s.log = slices.Max(logs)
	if info, err := os.Stat(s.log); err == nil {
		s.size = info.Size()
	}
	entries, _ := os.ReadDir(filepath.Dir(s.log))
	for _, e := range entries {
		s.names += e.Name() + "\n"
	}
	return s
}

// watcher keeps the last samples of a directory.
type watcher struct {
	samples []sample // belongs to the watching goroutine until stop
	end     context.CancelFunc
	done    sync.WaitGroup
}

func watch(dir, pattern string) *watcher {
	ctx, end := context.WithCancel(context.Background())
	w := &watcher{end: end}
	w.done.Go(func() {
		tick := time.NewTicker(sampleInterval)
		defer tick.Stop()
		for {
			w.samples = append(w.samples, look(dir, pattern))
			if extra := len(w.samples) - maxSamples; extra > 0 {
				w.samples = append(w.samples[:0], w.samples[extra:]...)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return w
}

// stop ends the watching, if it has not ended, and returns the samples.
func (w *watcher) stop() []sample {
	w.end()
	w.done.Wait()
	return w.samples
}

// cut removes from the log a part of the bytes that were appended after one of the samples taken within delay before
// the end. It returns the moment of that sample: everything in the file by then is still there. Zero: there was nothing
// to cut.
func cut(t *testing.T, rng *rand.Rand, now sample, samples []sample, end time.Time, delay time.Duration) time.Time {
	t.Helper()
	usable := slices.DeleteFunc(slices.Clone(samples), func(s sample) bool {
		return s.at.Before(end.Add(-delay)) || s.names != now.names || s.log == "" || s.log != now.log || s.size == 0 || s.size >= now.size
	})
	if len(usable) == 0 {
		return time.Time{}
	}
	s := usable[rng.IntN(len(usable))]
	size := now.size - 1 - rng.Int64N(now.size-s.size)
	if err := os.Truncate(now.log, size); err != nil {
		t.Fatal(err)
	}
	return s.at
}

// garble writes behind the log what a torn write may leave: noise, zeros, bytes that were in the file before, or frames
// that another log had in this place, former. It writes at the end of the file, or where zeros begin that the server
// has written ahead. It says what, and whether it is more than zeros.
func garble(t *testing.T, rng *rand.Rand, log string, former []byte) (what string, found bool) {
	t.Helper()
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	at := len(data)
	if rng.IntN(2) == 0 {
		at = min(at, len(bytes.TrimRight(data, "\x00"))+zerosOfAFrame)
	}
	garbage := make([]byte, 1+rng.IntN(1<<rng.IntN(maxGarbageBits+1)))
	what = "zeros"
	switch rng.IntN(4) {
	case 0:
		what = "noise"
		for i := range garbage {
			garbage[i] = byte(rng.Uint32())
		}
	case 1:
		what = "old bytes"
		garbage = oldBytes(rng, data, len(garbage))
	case 2:
		what = "stale frames"
		garbage = slices.Clone(former[min(at, len(former)):])
		garbage = garbage[:rng.IntN(len(garbage)+1)]
	}
	f, err := os.OpenFile(log, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(garbage, int64(at)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d bytes of %s at %d of %d", len(garbage), what, at, len(data)), len(bytes.Trim(garbage, "\x00")) > 0
}

// zerosOfAFrame is how many zeros a log's last frame can end with.
const zerosOfAFrame = 7

// oldBytes is a part of the file from anywhere in it, n bytes or less, at least one.
func oldBytes(rng *rand.Rand, data []byte, n int) []byte {
	if len(data) == 0 {
		return []byte{0}
	}
	from := rng.IntN(len(data))
	return bytes.Clone(data[from:min(len(data), from+n)])
}

// longestGap is the longest time in which the watcher did not run: if the machine had no time for it, it may have had
// none for the server.
func longestGap(samples []sample) time.Duration {
	var longest time.Duration
	for i := 1; i < len(samples); i++ {
		longest = max(longest, samples[i].at.Sub(samples[i-1].at))
	}
	return longest
}
