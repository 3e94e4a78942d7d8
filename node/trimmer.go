package node

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// trimInterval is how often the Go heap is looked at.
	trimInterval = 2 * time.Second
	// trimBytes is how much more than after the last trim the heap must take for another to be worth it.
	trimBytes = 16 << 20
)

// trimmer gives the Go heap's memory back to the system when a burst is over. Counters lie outside that heap, so it
// hardly allocates in normal service; after a burst of large requests Go would keep what they took for minutes,
// because it collects by growth and nothing grows. A trim costs two collections of a heap that is then small.
type trimmer struct {
	cycles uint64 // collections when last looked at; a heap that is being collected is in use
	base   uint64 // bytes after the last trim
	stop   chan struct{}
	done   sync.WaitGroup
}

func startTrimmer() *trimmer {
	t := &trimmer{stop: make(chan struct{})}
	t.done.Go(t.run)
	return t
}

func (t *trimmer) run() {
	ticker := time.NewTicker(trimInterval)
	defer ticker.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-ticker.C:
			t.look()
		}
	}
}

// look trims the heap if it is large and has not been collected since the last look. It reports whether it did.
func (t *trimmer) look() bool {
	bytes, cycles := heap()
	quiet := cycles == t.cycles
	t.cycles, t.base = cycles, min(t.base, bytes)
	if !quiet || bytes < t.base+trimBytes {
		return false
	}
	runtime.GC() // pools let go of their memory in the second collection
	debug.FreeOSMemory()
	t.base, t.cycles = heap()
	return true
}

// heap is what the Go heap takes from the system, in bytes, and how often it has been collected.
func heap() (bytes, cycles uint64) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	for _, s := range samples[:3] {
		bytes += s.Value.Uint64()
	}
	return bytes, samples[3].Value.Uint64()
}

// close ends the background work and waits for its end.
func (t *trimmer) close() {
	close(t.stop)
	t.done.Wait()
}
