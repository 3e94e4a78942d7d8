package server

import (
	"sync/atomic"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/resp"
	"github.com/quotadb/quota-db/server/loop"
)

// worker is the scratch memory of one event loop: at any moment at most one session of the loop uses it.
type worker struct {
	executor *command.Executor
	parsed   resp.Scratch // of all readers of the loop
	batch    [batchCommands][][]byte
	replies  []byte
	drained  []byte                   // memory that drain reads into; made at shutdown
	watched  map[*connection]struct{} // connections that are looked at every second
	all      *atomic.Int64            // how many connections all loops watch
	lead     lead
	commands *command.Server
}

// watch begins or ends the look at a connection every second.
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

// tick looks at the watched connections.
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

// drainBuffer is the memory that a connection reads into at shutdown. The loop's own chunk may be in use then.
func (w *worker) drainBuffer() []byte {
	if w.drained == nil {
		w.drained = make([]byte, drainChunk)
	}
	return w.drained
}

// newWorker makes the worker of a loop.
func (s *Server) newWorker() loop.Worker {
	w := &worker{executor: s.commands.NewExecutor(), watched: map[*connection]struct{}{}, all: &s.watched, commands: s.commands}
	w.executor.InRounds = true
	return w
}

// Settle ends the reading of the clocks, and the group of commands, that the sessions of a round share.
func (w *worker) Settle() { w.executor.Settle() }
