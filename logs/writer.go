// Package logs is the way of log lines to standard error. A log that nobody reads stops nothing.
//
// Whoever logs puts a line into a bounded queue and goes on; one goroutine of the Writer writes the queue out. So a full pipe, a stopped terminal
// or a hung collector blocks that goroutine alone, never the disk's, a client's or a peer's. Lines that find no room in the queue, and lines
// that the system did not take, are dropped and counted; the count is logged as soon as a line can be written again.
package logs

import (
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// maxQueued is how many bytes of lines wait at most. It is more than any start or stop logs.
const maxQueued = 1 << 20

// Writer is an io.Writer of lines that never blocks and never fails. It is safe for concurrent use.
type Writer struct {
	out     io.Writer
	dropped atomic.Uint64               // lines, since the start
	own     atomic.Pointer[slog.Logger] // past the queue, for when that has no room

	mu     sync.Mutex // protects the fields below
	queue  [][]byte
	queued int // bytes
	closed bool

	filled chan struct{} // there is something in the queue, or no more will come
	done   chan struct{} // the goroutine has ended
}

// NewWriter begins to write lines to out, which only its goroutine uses from now on. Close ends that.
func NewWriter(out io.Writer) *Writer {
	w := &Writer{out: out, filled: make(chan struct{}, 1), done: make(chan struct{})}
	w.own.Store(slog.New(slog.NewTextHandler(out, nil)))
	go w.run()
	return w
}

// Write puts a line into the queue, or drops and counts it if there is no room. It has always written all.
func (w *Writer) Write(line []byte) (int, error) {
	w.mu.Lock()
	if w.closed || w.queued+len(line) > maxQueued {
		w.dropped.Add(1)
	} else {
		w.queue = append(w.queue, append([]byte(nil), line...))
		w.queued += len(line)
	}
	w.mu.Unlock()
	w.rouse()
	return len(line), nil
}

// Dropped is how many lines were lost since the start.
func (w *Writer) Dropped() uint64 { return w.dropped.Load() }

// Close writes what is in the queue, but gives up after the given time: a goroutine that is blocked in a write is left behind, which the end of
// the process ends. Lines that come later are dropped.
func (w *Writer) Close(patience time.Duration) {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.rouse()
	select {
	case <-w.done:
	case <-time.After(patience):
	}
}

func (w *Writer) rouse() {
	select {
	case w.filled <- struct{}{}:
	default:
	}
}

// run is the goroutine that writes.
func (w *Writer) run() {
	defer close(w.done)
	told := uint64(0)
	for range w.filled {
		lines, closed := w.take()
		for _, line := range lines {
			if _, err := w.out.Write(line); err != nil {
				w.dropped.Add(1) // nobody could be told of the error but by this log
			}
			w.release(len(line))
		}
		if dropped := w.dropped.Load(); dropped > told {
			if err := tell(w.own.Load(), dropped-told); err == nil {
				told = dropped
			}
		}
		if closed {
			return
		}
	}
}

// take empties the queue; its bytes count until they are released.
func (w *Writer) take() (lines [][]byte, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines, w.queue = w.queue, nil
	return lines, w.closed
}

func (w *Writer) release(bytes int) {
	w.mu.Lock()
	w.queued -= bytes
	w.mu.Unlock()
}
