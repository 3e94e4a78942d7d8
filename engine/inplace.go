package engine

// Limits below which a sum cannot overflow: small for the own row and the base, smallRow and summedRows for the other
// rows.
const (
	small      = 1 << 61
	smallRow   = 1 << 54
	summedRows = 64
)

// sum is the value of a record that has rows with modest numbers, and perhaps an integer base, and nothing else. It
// returns false if the entry must be unpacked to know the value.
func (r record) sum() (int64, bool) {
	h := r.header()
	if h&plain != 0 {
		return int64(r.plainP()), true
	}
	var value int64
	if h&hasRows != 0 {
		var ok bool
		if value, ok = r.sumRows(h); !ok {
			return 0, false
		}
	}
	if h&shapeMask != 0 {
		up, down := r.counted(h.rowOffset(), h.shape(), h.width())
		if up|down >= small {
			return 0, false
		}
		value += int64(up) - int64(down)
	}
	if h&baseMask == baseInteger {
		base := int64(r.u64(baseOffset(h) + stampBytes))
		if base >= small || base <= -small {
			return base, value == 0
		}
		value += base
	}
	return value, true
}

// counted is how far the P and the N of a row are above their floors.
func (r record) counted(off int, s shape, width int) (up, down uint64) {
	if s == shapeP {
		return r.number(off, width), 0
	}
	row := r.unpackNumbers(off, rowForm{shape: s, width: width})
	return row.P - row.FP, row.N - row.FN
}

// sumRows is the sum of the other rows; false if they are many or large.
func (r record) sumRows(h header) (sum int64, ok bool) {
	off, end := r.rowsWithin(h)
	for n := 0; off < end; n++ {
		f, numbers := r.rowForm(off)
		up, down := r.counted(numbers, f.shape, f.width)
		if n == summedRows || up|down >= smallRow {
			return 0, false
		}
		sum += int64(up) - int64(down)
		off = numbers + f.shape.numbers()*f.width
	}
	return sum, true
}

// addInPlace adds delta to a record that has room for it and whose numbers stay modest. It returns false, with nothing
// changed, if the entry must be unpacked instead.
func (r record) addInPlace(delta, now int64) (int64, bool) {
	w := r.u32(0)
	if w&plain == 0 {
		return r.addToRow(delta, now)
	}
	p := int64(w >> plainShift)
	if delta < 0 || delta >= plainLimit-p {
		return 0, false
	}
	r.put32(0, w+uint32(delta)<<plainShift)
	return p + delta, true
}

// addToRow is addInPlace for a record that is not plain.
func (r record) addToRow(delta, now int64) (int64, bool) {
	h := r.header()
	s := h.shape()
	if h&(hasQuota|gone) != 0 || h&baseMask == baseBytes || delta >= small || delta <= -small ||
		delta >= 0 && !s.raisesP() || delta < 0 && !s.raisesN() {
		return 0, false
	}
	if h&hasDeadline != 0 && r.expired(now) {
		return 0, false
	}
	value, ok := r.sum()
	if !ok || value >= small || value <= -small {
		return 0, false
	}
	value += delta
	off, width := h.rowOffset(), h.width()
	if delta < 0 {
		off += width
		delta = -delta
	}
	number := r.number(off, width)
	if uint64(delta) > widest(width)-number {
		return 0, false
	}
	r.putNumber(off, width, number+uint64(delta))
	return value, true
}
