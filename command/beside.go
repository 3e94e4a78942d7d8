package command

import (
	"math"
	"sync/atomic"

	"github.com/quotadb/quota-db/resp"
)

// ending is what is left of a command whose work is done: it appends the reply, in its client's turn. It is never called if the client has gone
// meanwhile. So it may have no effect but the reply, and what concerns its client alone.
type ending func(dst []byte) []byte

// beside does work that takes long, or waits for files, in a goroutine of its own: no event loop waits for such a thing. The client
// waits, with all that it has sent behind the command. The work may not use the call, which by then is another command's; within a
// transaction, where nothing waits, it is not for.
func (c *call) beside(work func() ending) {
	server, client := c.server, c.client
	var done atomic.Pointer[ending]
	server.background.Add(1)
	go func() {
		defer server.background.Done()
		end := work()
		done.Store(&end)
		client.rouse()
	}()
	client.answerLate(math.MaxInt64, func(dst []byte, _ bool) ([]byte, bool) {
		end := done.Load()
		if end == nil {
			return dst, false
		}
		return (*end)(dst), true
	})
}

// refuser gives the errors of the command that runs, for work beside it: each is counted as the command's.
func (c *call) refuser() func(problem string) ending {
	counts, id, server := c.x.counts, c.row.id, c.server
	return func(problem string) ending {
		return func(dst []byte) []byte {
			counts.failed[id].Add(1)
			server.Stats.countError(problem)
			return resp.AppendError(dst, problem)
		}
	}
}

// endOK is the ending of work that has gone well.
func endOK(dst []byte) []byte { return append(dst, "+OK\r\n"...) }
