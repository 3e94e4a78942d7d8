package server

import (
	"sync/atomic"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/resp"
)

// progress says where a session stands after run.
type progress uint8

const (
	hungry   progress = iota // every complete command has run; more bytes are needed
	ready                    // enough replies for one write; more commands may be complete
	finished                 // the client is to be closed once it has the replies
)

// session is one client's conversation: bytes in, replies out. It knows no socket, no loop and no limit on what may
// wait to be sent: whoever drives it calls feed with what arrived, run until it is not ready, and keep, which ends the
// round; the fed bytes may be re-used only then.
type session struct {
	client *command.Client
	reader *resp.Reader
	total  *atomic.Int64 // input held for all sessions, in bytes
	held   int           // this session's part of total
}

// feed adds bytes that the client sent.
func (s *session) feed(chunk []byte) { s.reader.Feed(chunk) }

// run executes complete commands, in batches, and appends their replies to out until there are flushBytes of them.
func (s *session) run(w *worker, out []byte) ([]byte, progress) {
	for len(out) < flushBytes {
		n := 0
		var err error
		for n < len(w.batch) {
			var args [][]byte
			if args, err = s.reader.Next(); args == nil {
				break
			}
			w.batch[n] = args
			n++
		}
		if n > 0 {
			out = w.executor.Run(s.client, w.batch[:n], out)
			clear(w.batch[:n])
			s.reader.Release()
		}
		switch {
		case s.client.CloseAfter:
			return out, finished
		case err != nil:
			return resp.AppendError(out, "ERR "+err.Error()), finished
		case n < len(w.batch):
			return out, hungry
		}
	}
	return out, ready
}

// keep ends a round: what was fed and not consumed is copied. It returns the input held for all sessions if this
// session now holds more than before, and 0 otherwise.
func (s *session) keep() int64 {
	s.reader.Keep()
	held := s.reader.Buffered()
	more := held - s.held
	if more == 0 {
		return 0
	}
	s.held = held
	total := s.total.Add(int64(more))
	if more < 0 {
		return 0
	}
	return total
}

// close gives back what the session holds.
func (s *session) close() {
	s.total.Add(-int64(s.held))
	s.held = 0
}
