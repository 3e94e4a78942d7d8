package resp

const (
	// firstJoin is how many bytes of a chunk are copied, at first, to complete a command that an earlier chunk began.
	firstJoin = 256
	// spareHeld is how many bytes of memory that is not needed a reader may hold.
	spareHeld = 4 << 10
)

// join copies more of the chunk behind what is held: first as much as the command there is known to need, or a little,
// then twice as much each time. It is false if there is no more, or nothing is held.
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

// hold appends to held, whose room doubles when it has to grow, so that short pieces are not copied again and again.
// If the end of the command is known and about as near, there is just room for that.
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

// leaveHeld goes on to the chunk once all that was held has been read. Held may have a copy of the chunk's first
// bytes, and pos may already be among these.
func (r *Reader) leaveHeld() {
	if r.inHeld && r.pos >= r.old {
		r.buf = r.chunk
		r.pos, r.old, r.inHeld = r.pos-r.old, 0, false
	}
}

// keepUnread makes held what is unread of it and of the chunk.
func (r *Reader) keepUnread() {
	r.leaveHeld()
	unread := r.buf[r.pos:]
	if r.inHeld {
		r.hold(r.chunk[len(r.held)-r.old:])
		r.old = len(r.held)
		unread = r.held[r.pos:]
		if r.pos < len(unread) {
			return // moving it now, and again after each few commands, would not be linear
		}
	}
	if len(unread) == 0 || cap(r.held) > spareHeld && cap(r.held)/4 > len(unread) {
		r.held = nil
	}
	r.held = append(r.held[:0], unread...)
	r.pos, r.old = 0, len(r.held)
}
