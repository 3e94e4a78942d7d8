// Package logs brings log lines to standard error. A reader of the log that stops reading stops nothing else.
//
// Logging puts a line into a bounded queue and returns; one goroutine of the Writer writes the queue out. So a full
// pipe, a stopped terminal or a hung collector blocks that goroutine alone, never the disk, a client or a peer. Lines
// that find no room in the queue, and lines whose write failed, are dropped and counted. The count is logged as soon as
// a line can be written again.
package logs

import (
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// maxQueued is the largest number of bytes of waiting lines. It is more than any start or stop logs.
const maxQueued = 1 << 20

// Writer is an io.Writer of lines that never blocks and never fails. It is safe for concurrent use.
type Writer struct {
	out     io.Writer
	dropped atomic.Uint64               // lines, since the start
	own     atomic.Pointer[slog.Logger] // writes directly, not through the queue, which may be full

	mu     sync.Mutex // protects the fields below
	queue  [][]byte
	queued int // bytes in queue
	closed bool

	filled chan struct{} // the queue has lines, or the Writer is closed
	done   chan struct{} // the goroutine has ended
}

// NewWriter starts writing lines to out. Until Close, only the Writer's goroutine may use out.
func NewWriter(out io.Writer) *Writer {
	w := &Writer{out: out, filled: make(chan struct{}, 1), done: make(chan struct{})}
	w.own.Store(slog.New(slog.NewTextHandler(out, nil)))
	go w.run()
	return w
}

// Write queues a line, or drops and counts it if there is no room. It always reports success.
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

// Dropped returns how many lines were lost since the start.
func (w *Writer) Dropped() uint64 { return w.dropped.Load() }

// Close writes the queue, for at most the given time. If the goroutine is blocked in a write then, it is left behind,
// to end with the process. Later lines are dropped.
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
				w.dropped.Add(1) // the error could be reported only through this log
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

// take empties the queue; its bytes count as queued until release.
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
