package server

import (
	"bytes"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/resp"
)

// progress says where a session stands after run.
type progress uint8

const (
	hungry   progress = iota // every complete command has run; more bytes are needed
	ready                    // enough replies for one write; more commands may be complete
	waiting                  // the client's next command has to wait: see command.Client.Wait
	finished                 // the client is to be closed once it has the replies
	holding                  // the replies are held until what they tell of is so: see held.go
)

// session is one client's conversation: bytes in, replies out. It knows no socket, no loop and no limit on what may
// wait to be sent: whoever drives it calls feed with what arrived, run until it is not ready, and keep, which ends the
// round; the fed bytes may be re-used only then.
type session struct {
	commands *command.Server
	client   *command.Client
	limits   *resp.Limits // the reader's
	reader   *resp.Reader

	postponed      [][][]byte // commands that were parsed but not run, because the replies before them were many; own memory
	postponedBytes int
}

func newSession(commands *command.Server, client *command.Client, parsed *resp.Scratch) session {
	limits := commands.LimitsOf(client)
	return session{commands: commands, client: client, limits: limits, reader: parsed.NewReader(limits)}
}

// feed adds bytes that the client sent.
func (s *session) feed(chunk []byte) { s.reader.Feed(chunk) }

// run executes complete commands, in batches, and appends their replies to out until there are flushBytes of them.
func (s *session) run(w *worker, out []byte) ([]byte, progress) {
	for len(out) < flushBytes {
		if len(s.postponed) > 0 || s.client.Wait() > 0 {
			out = s.resume(w, out)
			switch {
			case s.client.CloseAfter:
				return out, finished
			case s.client.Wait() > 0:
				return out, waiting
			case s.client.IsFenced():
				return out, ready
			}
			continue
		}
		n, full, err := s.parse(w)
		if n > 0 {
			out = w.executor.Run(s.client, w.batch[:n], out)
			s.postpone(w.batch[w.executor.Ran():n])
			clear(w.batch[:n])
			s.reader.Release()
		}
		switch {
		case s.client.CloseAfter:
			return out, finished
		case s.client.Wait() > 0:
			return out, waiting
		case len(s.postponed) > 0, s.client.IsFenced():
			return out, ready // an error will be there again when they have run
		case err != nil:
			return w.executor.ProtocolError(out, err.Error()), finished
		case !full:
			return out, hungry
		}
	}
	return out, ready
}

// limit sees to it that the next commands are read within the client's limits, which a login and CONFIG SET change.
func (s *session) limit() {
	if l := s.commands.LimitsOf(s.client); l != s.limits {
		s.limits = l
		s.reader.SetLimits(l)
	}
}

// parse fills the worker's batch with complete commands and says how many they are. The batch is full when it has
// batchCommands, or batchArgs arguments between them: else there are no more for now, or err says why there never will be.
func (s *session) parse(w *worker) (n int, full bool, err error) {
	s.limit()
	most := len(w.batch)
	if s.limits.Locked {
		most = 1 // it may be a login
	}
	for args := 0; n < most && args < batchArgs; n++ {
		command, err := s.reader.Next()
		if command == nil {
			return n, false, err
		}
		w.batch[n] = command
		args += len(command)
	}
	return n, true, nil
}

// postpone keeps commands for later. They are copied: their bytes go with the round.
func (s *session) postpone(commands [][][]byte) {
	if len(commands) == 0 || s.client.CloseAfter {
		return
	}
	for _, args := range commands {
		own := make([][]byte, len(args))
		for i, arg := range args {
			own[i] = bytes.Clone(arg)
		}
		s.postponed = append(s.postponed, own)
		s.postponedBytes += footprint(own)
	}
}

// footprint is about what a copied command takes in memory.
func footprint(args [][]byte) int {
	const header = 24 // of a slice
	n := header
	for _, arg := range args {
		n += header + len(arg)
	}
	return n
}

// resume runs commands that were postponed.
func (s *session) resume(w *worker, out []byte) []byte {
	out = w.executor.Run(s.client, s.postponed, out)
	ran := w.executor.Ran()
	for _, args := range s.postponed[:ran] {
		s.postponedBytes -= footprint(args)
	}
	clear(s.postponed[:ran]) // lets go of their bytes
	if s.postponed = s.postponed[ran:]; len(s.postponed) == 0 {
		s.postponed = nil
	}
	return out
}

// keep ends a round: what was fed and not consumed is copied.
func (s *session) keep() { s.reader.Keep() }

// held is how many bytes of input the session holds: parts of commands, and commands that wait.
func (s *session) held() int { return s.reader.Buffered() + s.postponedBytes + s.client.QueuedBytes() }
