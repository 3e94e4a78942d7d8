package resp

const (
	// keptArgs is how many arguments a Scratch has room for between rounds, if readers share it: 384 KiB, which is
	// what a chunk of 64 KiB needs at most. More is given back.
	keptArgs = 16 << 10
	// keptOwnArgs is the same for a reader with a Scratch of its own, of which there may be one per idle client.
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

// release forgets all arguments. They are cleared, so that they keep no input alive.
func (s *Scratch) release() {
	clear(s.args)
	s.args = s.args[:0]
}

// trim gives back the room for arguments if it is for more than kept.
func (s *Scratch) trim(kept int) {
	if cap(s.args) > kept {
		s.args = nil
	}
}
