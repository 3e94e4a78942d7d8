package command

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/quotadb/quota-db/resp"
)

// ending is what is left of a command whose work is done: it appends the reply, in its client's turn. It is never
// called if the client has gone meanwhile. So it may have no effect but the reply, and what concerns its client alone.
type ending func(dst []byte) []byte

// maxBeside is how many commands may have work beside the event loops at a time. One whose client has gone meanwhile
// counts until its work ends.
const maxBeside = 1024

// passes are runs of work that many clients may ask for at once, one at a time: a FLUSHALL, an ACL LOAD.
type passes struct {
	mu    sync.Mutex // held during a pass
	begun atomic.Uint64
	err   error // of the last pass; protected by mu
}

// share makes a pass, or takes the result of one that has begun since so many had: all who ask during a pass share the
// next one.
func (p *passes) share(begun uint64, pass func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun.Load() > begun {
		return p.err
	}
	p.begun.Add(1)
	p.err = pass()
	return p.err
}

// besideFiles is beside for work that does not touch the keys and may hang, as a file does on a disk that does not
// answer. A stop does not wait for such work for long.
func (c *call) besideFiles(work func() ending) { c.besideIn(&c.server.files, work) }

// beside does work that takes long, or waits for files, in a goroutine of its own: no event loop waits for such a
// thing. The client waits, with all that it has sent behind the command. The work may not use the call, which by then
// is another command's; within a transaction, where nothing waits, it is not for.
func (c *call) beside(work func() ending) { c.besideIn(&c.server.background, work) }

// besideIn is beside for work that counts in a group.
func (c *call) besideIn(group *sync.WaitGroup, work func() ending) {
	server, client := c.server, c.client
	if server.besides.Add(1) > maxBeside {
		server.besides.Add(-1)
		c.fail(errManyBeside)
		return
	}
	var done atomic.Pointer[ending]
	group.Add(1)
	go func() {
		defer group.Done()
		defer server.besides.Add(-1)
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
			counts.Failed(id)
			server.Stats.CountError(problem)
			return resp.AppendError(dst, problem)
		}
	}
}

// endOK is the ending of work that has gone well.
func endOK(dst []byte) []byte { return append(dst, "+OK\r\n"...) }

// WaitFiles waits for work that clients' commands have begun with files, until ctx ends: then a file does not answer,
// and the work is left behind. The work does not touch the keys. No command runs any more.
func (s *Server) WaitFiles(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.files.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
