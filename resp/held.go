package resp

const (
	// firstJoin is how many bytes of a chunk are copied, at first, to complete a command that an earlier chunk began.
	firstJoin = 256
	// spareHeld is how many bytes of memory that is not needed a reader may hold.
	spareHeld = 4 << 10
)

// join copies more of the chunk to the end of held: first as many bytes as the present command is known to need, or a
// few, then twice as many each time. It returns false if the chunk has no more, or if nothing is held.
func (r *Reader) join() bool {
	if !r.inHeld {
		return false
	}
	joined := len(r.held) - r.old
	missing := r.part.need - (len(r.held) - r.pos)
	n := min(max(firstJoin, joined, missing), len(r.chunk)-joined)
	if n == 0 {
		return false
	}
	r.hold(r.chunk[joined : joined+n])
	r.buf = r.held
	return true
}

// hold appends to held. When held must grow, its capacity doubles, so that short pieces are not copied again and again.
// If the end of the command is known and about as near, the capacity is just enough for that.
func (r *Reader) hold(b []byte) {
	size := len(r.held) + len(b)
	if size > cap(r.held) {
		room := 2 * cap(r.held)
		if end := r.pos + r.part.need; size <= end && end <= room+room/8 {
			room = max(end, size+size/8)
		}
		held := make([]byte, len(r.held), max(size, room))
		copy(held, r.held)
		r.held = held
	}
	r.held = append(r.held, b...)
}

// leaveHeld continues in the chunk once everything held from earlier rounds has been read. held may end with a copy of
// the chunk's first bytes, and pos may already be in that copy.
func (r *Reader) leaveHeld() {
	if r.inHeld && r.pos >= r.old {
		r.buf = r.chunk
		r.pos, r.old, r.inHeld = r.pos-r.old, 0, false
	}
}

// keepUnread leaves in held the unread bytes of held and of the chunk.
func (r *Reader) keepUnread() {
	r.leaveHeld()
	unread := r.buf[r.pos:]
	if r.inHeld {
		r.hold(r.chunk[len(r.held)-r.old:])
		r.old = len(r.held)
		unread = r.held[r.pos:]
		if r.pos < len(unread) {
			return // moving the bytes now, and again after every few commands, would not take linear time
		}
	}
	if len(unread) == 0 || cap(r.held) > spareHeld && cap(r.held)/4 > len(unread) {
		r.held = nil
	}
	r.held = append(r.held[:0], unread...)
	r.pos, r.old = 0, len(r.held)
}
