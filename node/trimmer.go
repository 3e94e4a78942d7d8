package node

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/quotadb/quota-db/pulse"
)

const (
	// trimInterval is how often the size of the Go heap is checked.
	trimInterval = 2 * time.Second
	// trimBytes is how much the heap must have grown since the last trim before the next one.
	trimBytes = 16 << 20
)

// trimmer returns the Go heap's memory to the system after a burst. Counters lie outside that heap, so in normal
// service the node hardly allocates. After a burst of large requests Go would keep the memory for minutes: it collects
// only when the heap grows, and then nothing grows. A trim costs two collections of a heap that is small by then.
type trimmer struct {
	cycles uint64 // number of collections at the last look; a new one means that the heap is in use
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
	ticker := pulse.NewTicker(trimInterval)
	defer ticker.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-ticker.C:
			ticker.Next()
			t.look()
		}
	}
}

// look trims the heap if it is large and had no collection since the last look. It reports whether it did.
func (t *trimmer) look() bool {
	bytes, cycles := heap()
	quiet := cycles == t.cycles
	t.cycles, t.base = cycles, min(t.base, bytes)
	if !quiet || bytes < t.base+trimBytes {
		return false
	}
	runtime.GC() // pools release their memory in the second collection
	debug.FreeOSMemory()
	t.base, t.cycles = heap()
	return true
}

// heap returns the bytes that the Go heap takes from the system, and the number of its collections.
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

// close ends the goroutine and waits for its end.
func (t *trimmer) close() {
	close(t.stop)
	t.done.Wait()
}
