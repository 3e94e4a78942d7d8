package resp

const (
	// keptArgs is for how many arguments a Scratch shared by readers keeps memory between rounds: 384 KiB, as much as a
	// chunk of 64 KiB needs at most. More memory is released.
	keptArgs = 16 << 10
	// keptOwnArgs is the same for a reader with a Scratch of its own; there may be one for each idle client.
	keptOwnArgs = 16
)

// Scratch is where readers keep the arguments of a round. Readers on one goroutine share one, so that it stays in the
// processor's cache and an idle reader has none. The zero Scratch is ready for use.
type Scratch struct {
	args [][]byte
}

// NewReader returns a reader that uses s. Rounds of the readers of one Scratch must not overlap: from Feed to Keep, it
// belongs to one of them.
func (s *Scratch) NewReader(l *Limits) *Reader {
	return &Reader{limits: l, scratch: s, kept: keptArgs}
}

// SetScratch has the reader use another Scratch, between two rounds.
func (r *Reader) SetScratch(s *Scratch) { r.scratch = s }

// release forgets all arguments. They are cleared, so that they keep no input alive.
func (s *Scratch) release() {
	clear(s.args)
	s.args = s.args[:0]
}

// trim releases the memory for arguments if it is for more than kept.
func (s *Scratch) trim(kept int) {
	if cap(s.args) > kept {
		s.args = nil
	}
}
