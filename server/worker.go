package server

import (
	"sync"
	"sync/atomic"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/resp"
	"github.com/quotadb/quota-db/server/loop"
)

// worker is the scratch memory of one event loop: at any moment one session of the loop uses it.
type worker struct {
	executor *command.Executor
	parsed   resp.Scratch // of all readers of the loop
	batch    [batchCommands][][]byte
	replies  []byte
	drained  []byte                   // what drain reads into; made at shutdown
	watched  map[*connection]struct{} // those that are looked at every second
	all      *atomic.Int64            // how many are watched in all loops
}

// watch has a connection looked at every second, or no longer.
func (w *worker) watch(c *connection, wanted bool) {
	if _, is := w.watched[c]; is == wanted {
		return
	}
	if wanted {
		w.watched[c] = struct{}{}
		w.all.Add(1)
	} else {
		delete(w.watched, c)
		w.all.Add(-1)
	}
}

// tick looks at the connections that are watched.
func (w *worker) tick() {
	for c := range w.watched {
		c.tick()
	}
}

// keep takes the reply buffer back for the next use, unless it has grown large.
func (w *worker) keep(replies []byte) {
	if cap(replies) > keptReplyBytes {
		replies = nil
	}
	w.replies = replies[:0]
}

// drainBuffer is the memory to read into at shutdown, when the loop's own cannot be had.
func (w *worker) drainBuffer() []byte {
	if w.drained == nil {
		w.drained = make([]byte, drainChunk)
	}
	return w.drained
}

// workers finds the worker of a loop, asked once per connection.
type workers struct {
	mu      sync.Mutex
	byLoop  map[*loop.Loop]*worker
	watched atomic.Int64 // connections that are looked at every second
}

func (ws *workers) of(l *loop.Loop, commands *command.Server) *worker {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w := ws.byLoop[l]
	if w == nil {
		if ws.byLoop == nil {
			ws.byLoop = make(map[*loop.Loop]*worker)
		}
		w = &worker{executor: commands.NewExecutor(), watched: map[*connection]struct{}{}, all: &ws.watched}
		ws.byLoop[l] = w
	}
	return w
}
