package engine

import "github.com/quotadb/quota-db/crdt"

// layout returns the header of the record for key and e, and its size in bytes.
func layout(key []byte, e *crdt.Entry) (h header, size int) {
	h = header(len(key))<<keyShift | live
	if e.Since != 0 {
		h |= hasSince
	}
	if isPlain(e) {
		h |= plain
		return h, align8(rowsOffset(h))
	}
	if uint64(e.Since) >= shortestLong {
		h |= longSince
	}
	if own := e.Row(primary); own != nil {
		f := formOf(own)
		h |= header(f.shape)<<shapeShift | header(f.width-1)<<widthShift
	}
	switch {
	case e.Base.Kind == crdt.Integer:
		h |= baseInteger
	case e.Base.Kind == crdt.Bytes:
		h |= baseBytes
	case e.Base.Stamp != crdt.Stamp{}:
		h |= baseCleared
	}
	if e.Deadline != (crdt.Deadline{}) || e.Quota.Transient {
		h |= hasDeadline
	}
	if e.Quota != (crdt.Quota{}) {
		h |= hasQuota
	}
	size = rowsOffset(h)
	if rows := rowsBytes(e.Rows); rows > 0 {
		h |= hasRows
		size += rows
	}
	return h, align8(size + len(e.Base.Bytes))
}

// isPlain reports whether a plain record holds e.
func isPlain(e *crdt.Entry) bool {
	if len(e.Rows) != 1 || uint64(e.Since) >= shortestLong {
		return false
	}
	r := &e.Rows[0]
	return r.Writer == primary && r.P-1 < plainLimit-1 && r.N|r.FP|r.FN == 0 && e.Base.Kind == crdt.None &&
		e.Base.Stamp == crdt.Stamp{} && e.Deadline == crdt.Deadline{} && e.Quota == crdt.Quota{}
}

// pack writes key and e into r, whose header and size layout has given. The deadline's place in the wheel is left zero.
func (r record) pack(h header, key []byte, e *crdt.Entry) {
	rows := e.Rows
	if h&hasRows == 0 {
		rows = nil
	}
	first := rowsOffset(h)
	if h&baseMask == baseBytes {
		// First of all: they may lie in this record, at another place, which the other parts are about to overwrite.
		copy(r[first+rowsBytes(rows):], e.Base.Bytes)
	}
	r.setHeader(h)
	copy(r[h.keyOffset():], key)
	if h&hasSince != 0 {
		off := sinceOffset(h)
		r.putNumber(off, first-off, uint64(e.Since))
	}
	if h&plain != 0 {
		r.set(uint32(e.Rows[0].P) << plainShift)
		return
	}
	if h&shapeMask != 0 {
		r.packNumbers(h.rowOffset(), e.Row(primary), rowForm{shape: h.shape(), width: h.width()})
	}
	if h&baseMask != 0 {
		off := baseOffset(h)
		r.put64(off, e.Base.Stamp.Time)
		r.put16(off+8, e.Base.Stamp.Node)
		switch h & baseMask {
		case baseInteger:
			r.put64(off+stampBytes, uint64(e.Base.Int))
		case baseBytes:
			r.put32(off+stampBytes, uint32(len(e.Base.Bytes)))
		}
	}
	if h&hasDeadline != 0 {
		off := deadlineOffset(h)
		clear(r[off : off+deadlineBytes])
		r.put64(off, uint64(e.Deadline.At))
		r.put64(off+8, e.Deadline.Stamp.Time)
		r.put16(off+16, e.Deadline.Stamp.Node)
	}
	if h&hasQuota != 0 {
		r.packQuota(quotaOffset(h), &e.Quota)
	}
	if h&hasRows != 0 {
		r.packRows(first, rows)
	}
}

// unpack reads the record into e, re-using the memory of e.Rows. e.Base.Bytes aliases the record.
func (r record) unpack(e *crdt.Entry) {
	h := r.header()
	*e = crdt.Entry{Rows: e.Rows[:0]}
	if h&hasSince != 0 {
		e.Since = int64(r.number(sinceOffset(h), rowsOffset(h)-sinceOffset(h)))
	}
	if h&plain != 0 {
		e.Rows = append(e.Rows, crdt.Row{Writer: primary, P: r.plainP()})
		return
	}
	if h&shapeMask != 0 {
		e.Rows = append(e.Rows, r.unpackNumbers(h.rowOffset(), rowForm{writer: primary, shape: h.shape(), width: h.width()}))
	}
	if kind := h & baseMask; kind != 0 {
		off := baseOffset(h)
		e.Base.Stamp = crdt.Stamp{Time: r.u64(off), Node: r.u16(off + 8)}
		switch kind {
		case baseInteger:
			e.Base.Kind, e.Base.Int = crdt.Integer, int64(r.u64(off+stampBytes))
		case baseBytes:
			e.Base.Kind, e.Base.Bytes = crdt.Bytes, r.str()
		}
	}
	if h&hasDeadline != 0 {
		off := deadlineOffset(h)
		e.Deadline.At = int64(r.u64(off))
		e.Deadline.Stamp = crdt.Stamp{Time: r.u64(off + 8), Node: r.u16(off + 16)}
	}
	if h&hasQuota != 0 {
		r.unpackQuota(quotaOffset(h), &e.Quota)
	}
	if h&hasRows != 0 {
		for off, end := r.rowsWithin(h); off < end; {
			f, numbers := r.rowForm(off)
			e.Rows = append(e.Rows, r.unpackNumbers(numbers, f))
			off = numbers + f.shape.numbers()*f.width
		}
	}
}
