// Package resp reads the requests of Redis's protocol and writes its replies, RESP2 and RESP3.
//
// A Reader gets the client's bytes, a chunk at a time, and returns complete commands whose arguments are slices of that
// chunk. It copies nothing except a command that is split over chunks. A chunk is read in a round:
//
//	Feed(chunk)    the chunk is not copied
//	Next() ...     commands, until there is none; they are valid together, as a batch
//	Release()      the batch has been executed; optional, and Next may follow
//	Keep()         unread bytes are copied; the chunk may be re-used
//
// Invariants:
//   - The commands and the error depend only on the bytes of the stream, never on how it is cut into chunks.
//   - The time is linear in the bytes: no part of a long command is searched again when more of it arrives.
//   - The memory is linear in the bytes that arrived, never in an announced length, and bounded by Limits.
//   - Between rounds a reader with nothing unread holds no buffer.
//
// The syntax of requests is that of Redis 7.0, byte for byte, with three exceptions. Whether an inline command is too
// long does not depend on where it is cut; Redis accepts a long one that arrives in one piece. A zero byte is a byte
// like any other; Redis waits for ever for the end of a line that has one. And Limits bound the commands.
package resp

// Reader turns a client's bytes into commands. It is used by one goroutine at a time. A Reader that holds no input
// takes less than 200 bytes.
type Reader struct {
	limits  *Limits
	scratch *Scratch
	kept    int // for how many arguments scratch keeps room

	buf   []byte // the bytes being read: held or chunk; between rounds, nothing is after pos
	pos   int    // where the next command begins in buf
	chunk []byte // the round's chunk
	held  []byte // own memory: unread input of earlier rounds, then a copy of chunk's first bytes
	old   int    // number of bytes of held from earlier rounds; 0 once they have been read
	part  partial
	err   *ProtocolError // final

	inHeld  bool // buf is held
	inRound bool // between Feed and Keep
}

// partial is the progress in the command at pos, if it was not complete at the last look. Offsets count from pos, so
// they stay valid when the bytes move.
type partial struct {
	at   int // where the next line begins
	seen int // this many bytes of that line are known not to end it
	args int // arguments still missing, with the one at at; 0 in a first line
	need int // a new look is useless with fewer bytes than this; 0 if there was no look yet
}

// NewReader returns a reader for one client. Where many clients share a goroutine, Scratch.NewReader is better.
func NewReader(l *Limits) *Reader {
	return &Reader{limits: l, scratch: new(Scratch), kept: keptOwnArgs}
}

// SetLimits changes the limits of the next commands. The part of an unfinished command that has arrived was checked
// with the old limits.
func (r *Reader) SetLimits(l *Limits) { r.limits = l }

// Feed begins a round with the next bytes of the stream. They must not change before Keep. The chunk may be empty, to
// continue with the bytes that Keep kept.
func (r *Reader) Feed(chunk []byte) {
	if r.inRound {
		panic("resp: Feed before Keep")
	}
	r.inRound = true
	if r.err != nil {
		return
	}
	r.chunk = chunk
	if r.inHeld = r.old > r.pos; r.inHeld {
		r.buf = r.held
		r.join()
		return
	}
	r.buf = chunk
}

// Next returns the next complete command, never an empty one. It returns nil and no error if there is none before more
// is fed. It returns a *ProtocolError if the stream is wrong, and from then on always that. The arguments of all
// commands of a round are valid until Keep or Release. They may be written to, but not appended to.
//
// A command of two short arguments costs 12 to 15 ns in a pipeline, without allocation (BenchmarkReaderIncr).
func (r *Reader) Next() ([][]byte, error) {
	if r.part.need == 0 {
		if args := r.multibulk(); args != nil {
			return args, nil
		}
	}
	return r.next()
}

// next is Next for every case except a command that is complete in buf.
func (r *Reader) next() ([][]byte, error) {
	for r.err == nil {
		r.leaveHeld()
		args, found, err := r.parse(r.buf[r.pos:])
		switch {
		case err != nil:
			r.fail(err)
		case args != nil:
			return args, nil
		case !found && !r.join():
			return nil, nil
		}
	}
	return nil, r.err
}

// parse reads the command at pos, whose bytes are b. found without args: a command without effect.
func (r *Reader) parse(b []byte) (args [][]byte, found bool, err *ProtocolError) {
	if len(b) == 0 || len(b) < r.part.need {
		return nil, false, nil
	}
	if b[0] != '*' {
		return r.inline(b)
	}
	if found, err = r.measure(b); found {
		args = r.multibulk()
	}
	return args, found, err
}

// fail ends the stream and releases all memory.
func (r *Reader) fail(err *ProtocolError) {
	r.err = err
	r.buf, r.chunk, r.held = nil, nil, nil
	r.pos, r.old, r.inHeld = 0, 0, false
	r.part = partial{}
}

// Release ends the use of all arguments returned so far in the round: the next batch may re-use their memory.
func (r *Reader) Release() { r.scratch.release() }

// Keep ends the round: fed bytes that were not read are copied, and the results of Next are not valid any more.
func (r *Reader) Keep() {
	r.Release()
	r.scratch.trim(r.kept)
	r.inRound = false
	if r.err != nil {
		return
	}
	if r.Buffered() > r.limits.MaxBufferedBytes {
		r.fail(errUnreadInput)
		return
	}
	r.keepUnread()
	r.buf, r.chunk = r.held[:r.pos], nil
}

// Buffered returns how many bytes were fed and not read, in a round or between rounds.
func (r *Reader) Buffered() int { return r.old - r.pos + len(r.chunk) }
