package command

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/quotadb/quota-db/resp"
)

// ending is the last step of a command whose work in the background is done: it appends the reply, when it is the
// client's turn. It is not called if the client has gone meanwhile. So it may have no effect except the reply and
// changes to its own client.
type ending func(dst []byte) []byte

// maxBeside is how many commands may work beside the event loops, in goroutines of their own, at a time. A command
// whose client has gone meanwhile counts until its work ends.
const maxBeside = 1024

// passes runs work that many clients may request at once, such as FLUSHALL or ACL LOAD: one pass at a time.
type passes struct {
	mu    sync.Mutex // held during a pass
	begun atomic.Uint64
	err   error // of the last pass; protected by mu
}

// share runs a pass, or returns the result of another pass that has begun after the request. begun is how many passes
// had begun when the client made its request. So all clients that ask during a pass share the next one.
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

// besideFiles is beside for work that uses files and no keys. Such work may hang with the disk, so a stop does not wait
// for it for long.
func (c *call) besideFiles(work func() ending) { c.besideIn(&c.server.files, work) }

// beside runs work that takes long or waits for files in a goroutine of its own, so that no event loop waits for it.
// The client and its next commands wait. The work must not use the call, which by then belongs to another command. A
// command within a transaction cannot use beside, because nothing waits there.
func (c *call) beside(work func() ending) { c.besideIn(&c.server.background, work) }

// besideIn is beside; group counts the work.
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

// refuser returns a function that makes error replies for work in the background. Each error counts for the command
// that runs now.
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

// endOK is the ending that replies OK.
func endOK(dst []byte) []byte { return append(dst, "+OK\r\n"...) }

// WaitFiles waits for the work with files that commands have begun. If ctx ends first, a file hangs, and WaitFiles
// returns the error of ctx without waiting longer; the work does not use the keys. No command may run any more.
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
