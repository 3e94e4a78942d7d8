package server

import (
	"sync"

	"github.com/panjf2000/gnet/v2"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/resp"
)

// worker is the scratch memory of one event loop: at any moment one session of the loop uses it.
type worker struct {
	executor *command.Executor
	parsed   resp.Scratch // of all readers of the loop
	batch    [batchCommands][][]byte
	replies  []byte
	drained  []byte // what drain reads into; made at shutdown
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
	mu     sync.Mutex
	byLoop map[gnet.EventLoop]*worker
}

func (ws *workers) of(loop gnet.EventLoop, commands *command.Server) *worker {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w := ws.byLoop[loop]
	if w == nil {
		if ws.byLoop == nil {
			ws.byLoop = make(map[gnet.EventLoop]*worker)
		}
		w = &worker{executor: commands.NewExecutor()}
		ws.byLoop[loop] = w
	}
	return w
}
