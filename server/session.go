package server

import (
	"bytes"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/resp"
)

// session is one client's conversation: bytes in, replies out. It knows no socket, no loop, and no limit on how many
// bytes of replies may wait for the client. Its caller calls feed with the bytes that arrived, then run until the turn
// is not command.Full, and then keep, which ends the round. The fed bytes may be used again only after keep.
type session struct {
	commands *command.Server
	client   *command.Client
	limits   *resp.Limits // of the reader
	reader   *resp.Reader
	waits    bool // the client's last turn was Late or Paused: Run is to be called although no command may be there

	// Commands that were parsed but have not run, because the client's turn ended before them. They are copies.
	postponed      [][][]byte
	postponedBytes int
}

func newSession(commands *command.Server, client *command.Client, parsed *resp.Scratch) session {
	limits := commands.LimitsOf(client)
	return session{commands: commands, client: client, limits: limits, reader: parsed.NewReader(limits)}
}

// foreseenBytes is the longest chunk that is looked into: longer ones have several commands, which are prepared
// together.
const foreseenBytes = 256

// foresee is the key of the one command in a chunk, as far as a short look tells, or nil.
func (s *session) foresee(chunk []byte) []byte {
	if len(chunk) > foreseenBytes || s.held() > 0 {
		return nil
	}
	return resp.SecondWord(chunk)
}

// feed adds bytes that the client sent.
func (s *session) feed(chunk []byte) { s.reader.Feed(chunk) }

// run executes complete commands, in batches, and appends their replies to out, until there are flushBytes of replies
// or the client cannot go on at once. The turn is that of the last batch: Done says that every complete command has
// run, and Hold is what any of the replies waits for.
func (s *session) run(w *worker, out []byte) (replies []byte, turn command.Turn) {
	for len(out) < flushBytes {
		held, more, err := turn.Hold, true, error(nil)
		if len(s.postponed) > 0 || s.waits {
			out, turn = s.resume(w, out)
		} else {
			out, turn, more, err = s.runParsed(w, out)
		}
		turn.Hold = held.And(turn.Hold)
		switch {
		case turn.Next != command.Done:
			return out, turn // an error will be there again when the postponed commands have run
		case err != nil:
			turn.Next = command.Bye
			return w.executor.ProtocolError(out, err.Error()), turn
		case !more:
			return out, turn
		}
	}
	turn.Next = command.Full
	return out, turn
}

// runParsed parses one batch and runs it. more says that further commands may be complete, err why none ever will be.
func (s *session) runParsed(w *worker, out []byte) (replies []byte, turn command.Turn, more bool, err error) {
	n, more, err := s.parse(w)
	if n == 0 {
		return out, command.Turn{}, more, err
	}
	out, turn = w.executor.Run(s.client, w.batch[:n], out)
	s.waits = turn.Wait > 0
	if turn.Next != command.Bye {
		s.postpone(w.batch[turn.Ran:n])
	}
	clear(w.batch[:n])
	s.reader.Release()
	return out, turn, more, err
}

// limit has the next commands read within the client's limits, which a login and CONFIG SET change.
func (s *session) limit() {
	if l := s.commands.LimitsOf(s.client); l != s.limits {
		s.limits = l
		s.reader.SetLimits(l)
	}
}

// parse fills the worker's batch with complete commands and returns their number. full says that the batch has
// batchCommands commands, or batchArgs arguments; there may be more commands. If it is not full, the input has no
// further complete command, or err says why it never will.
func (s *session) parse(w *worker) (n int, full bool, err error) {
	s.limit()
	most := len(w.batch)
	if s.limits.Locked {
		most = 1 // the command may be a login, which changes the limits
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

// postpone keeps commands for later. They are copied, because their bytes may be used again after the round.
func (s *session) postpone(commands [][][]byte) {
	for _, args := range commands {
		own := make([][]byte, len(args))
		for i, arg := range args {
			own[i] = bytes.Clone(arg)
		}
		s.postponed = append(s.postponed, own)
		s.postponedBytes += footprint(own)
	}
}

// footprint is roughly the memory that a copied command takes.
func footprint(args [][]byte) int {
	const header = 24 // bytes of a slice
	n := header
	for _, arg := range args {
		n += header + len(arg)
	}
	return n
}

// resume runs postponed commands, or only asks for a late reply if there are none.
func (s *session) resume(w *worker, out []byte) ([]byte, command.Turn) {
	out, turn := w.executor.Run(s.client, s.postponed, out)
	s.waits = turn.Wait > 0
	for _, args := range s.postponed[:turn.Ran] {
		s.postponedBytes -= footprint(args)
	}
	clear(s.postponed[:turn.Ran]) // so that their bytes can be collected
	if s.postponed = s.postponed[turn.Ran:]; len(s.postponed) == 0 {
		s.postponed = nil
	}
	return out, turn
}

// keep ends a round: fed bytes that are not consumed are copied.
func (s *session) keep() { s.reader.Keep() }

// held is how many bytes of input the session holds: parts of commands, and commands that wait.
func (s *session) held() int { return s.reader.Buffered() + s.postponedBytes + s.client.QueuedBytes() }
