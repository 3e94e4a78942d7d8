package engine

import (
	"encoding/binary"

	"github.com/quotadb/quota-db/crdt"
)

// record is an entry as it lies in memory, little-endian. Parts which an entry does not have are left out:
//
//	+--------+-----+------+---------+---------+----------+---------+--------+------------------+-------+------+
//	| header | key | pad  | own row | base    | deadline | quota   | since  | other rows       | bytes | pad  |
//	| 4      | n   | to 8 | 0 to 24 | 0 to 24 | 0 or 32  | 0 or 88 | 0 or 8 | 0 or 8 + 40 each | len   | to 8 |
//	+--------+-----+------+---------+---------+----------+---------+--------+------------------+-------+------+
//
//	header      bits 0-1 form of the own row, 2-3 kind of base, 4 deadline, 5 other rows, 6 quota, 7 unwritten;
//	            8 unsent, 9 gone, 10 since; 11-15 free;
//	            16-31 key length. A key of 65,535 bytes or more has 65,535 there, and its length in 4 bytes
//	            between header and key.
//	            A dead record has its size in granules in bits 8-31, and zeros below.
//	own row     of the primary writer, index 0: P; or P and S; or P, S and N. S is the floor of both P and N. Where S
//	            is left out it is 0; where N is left out it is S.
//	base        stamp time; stamp node (2), spare (2), length of base bytes (4); the integer if it is one
//	deadline    unix ms; stamp time; stamp node (2), wheel slot (2), spare (4); next and previous in that slot (4, 4)
//	            (also there, with 0 for the unix ms, in a transient quota, for its place in the wheel)
//	quota       capacity; count; period; stamp time; stamp node (2), flags (1), level (1), epoch (4);
//	            bucket: full at, fraction or pace; spent; bound; written; writes (4), safe (4): see tokens
//	since       unix ms at which the key was made: see crdt.Entry
//	other rows  count; then writer (4), spare (4), P, N, FP, FN each
//
// A counter that was only incremented is header, key and P: 32 bytes with a 20-byte key.
type record []byte

// MaxKeyBytes is the longest key that fits a record's header.
const MaxKeyBytes = crdt.MaxKeyBytes

// MaxValueBytes is the longest value in bytes: neither the disk nor a peer takes a longer one.
const MaxValueBytes = crdt.MaxValueBytes

const (
	formMask    = 3
	formP       = 1
	formPS      = 2
	formPSN     = 3
	baseShift   = 2
	baseMask    = 3 << baseShift
	baseInteger = 1 << baseShift
	baseBytes   = 2 << baseShift
	baseCleared = 3 << baseShift // nothing, with a stamp
	hasDeadline = 1 << 4
	hasRows     = 1 << 5
	hasQuota    = 1 << 6
	unwritten   = 1 << 7 // it has changed since the disk took it: see changes
	unsent      = 1 << 8 // a client of this node has changed it since the peers' follower took it
	gone        = 1 << 9 // the key reads as absent; the record is kept for merging
	hasSince    = 1 << 10
	keyLenShift = 16
	longKey     = 1<<16 - 1 // the key's own length stands behind the header
	sizeShift   = 8         // where the size of a dead record stands in its header

	headerBytes   = 4
	longKeyBytes  = 4 // of a long key's length
	wordBytes     = 8
	deadlineBytes = 32
	quotaBytes    = 88
	rowBytes      = 40
)

// baseSizes is the size of the base part by kind, in bytes.
var baseSizes = [4]uint8{0, 24, 16, 16}

func (r record) u16(off int) uint16      { return binary.LittleEndian.Uint16(r[off:]) }
func (r record) u32(off int) uint32      { return binary.LittleEndian.Uint32(r[off:]) }
func (r record) u64(off int) uint64      { return binary.LittleEndian.Uint64(r[off:]) }
func (r record) put16(off int, v uint16) { binary.LittleEndian.PutUint16(r[off:], v) }
func (r record) put32(off int, v uint32) { binary.LittleEndian.PutUint32(r[off:], v) }
func (r record) put64(off int, v uint64) { binary.LittleEndian.PutUint64(r[off:], v) }
func (r record) isDead() bool            { return r[0] == 0 }
func (r record) isGone() bool            { return r.header()&gone != 0 }
func (r record) markDead(size int)       { r.put32(0, uint32(size/granule)<<sizeShift) }
func (r record) hasDeadline() bool       { return r[0]&hasDeadline != 0 }
func align8(n int) int                   { return (n + 7) &^ 7 }
func rowOffset(h header) int             { return align8(h.keyOffset() + h.keyBytes()) }
func baseOffset(h header) int            { return rowOffset(h) + int(h&formMask)*wordBytes }
func baseSize(h header) int              { return int(baseSizes[h&baseMask>>baseShift]) }
func deadlineOffset(h header) int        { return baseOffset(h) + baseSize(h) }

// header is the header of a record: the flags, and above them the length of the key, also that of a long key.
type header uint64

func (h header) keyBytes() int { return int(h >> keyLenShift) }

// keyOffset is where the key begins.
func (h header) keyOffset() int {
	if h.keyBytes() >= longKey {
		return headerBytes + longKeyBytes
	}
	return headerBytes
}

func (r record) header() header {
	if h := header(r.u32(0)); h.keyBytes() != longKey {
		return h
	}
	return header(r.u16(0)) | header(r.u32(headerBytes))<<keyLenShift
}

// setHeader writes the flags and the length of the key.
func (r record) setHeader(h header) {
	if h.keyBytes() < longKey {
		r.put32(0, uint32(h))
		return
	}
	r.put32(0, uint32(uint16(h))|longKey<<keyLenShift)
	r.put32(headerBytes, uint32(h>>keyLenShift))
}

func (r record) key() []byte {
	h := r.header()
	off := h.keyOffset()
	return r[off : off+h.keyBytes()]
}

// deadline is the unix millisecond at which the record ends, 0 for never.
func (r record) deadline() int64 {
	h := r.header()
	if h&hasDeadline == 0 {
		return 0
	}
	return int64(r.u64(deadlineOffset(h)))
}

// expired reports whether the deadline has passed.
func (r record) expired(now int64) bool {
	at := r.deadline()
	return at != 0 && at <= now
}

// quotaOffset is where the quota part begins.
func quotaOffset(h header) int {
	off := deadlineOffset(h)
	if h&hasDeadline != 0 {
		off += deadlineBytes
	}
	return off
}

// sinceOffset is where the time of creation stands.
func sinceOffset(h header) int {
	off := quotaOffset(h)
	if h&hasQuota != 0 {
		off += quotaBytes
	}
	return off
}

// rowsOffset is where the other rows begin, or the base bytes if there are none.
func rowsOffset(h header) int {
	off := sinceOffset(h)
	if h&hasSince != 0 {
		off += wordBytes
	}
	return off
}

// bytesOffset is where the base bytes begin. A record without base bytes ends there.
func (r record) bytesOffset() int {
	h := r.header()
	off := rowsOffset(h)
	if h&hasRows != 0 {
		off += wordBytes + rowBytes*int(r.u64(off))
	}
	return off
}

// size is the size of the record in bytes, dead or alive.
func (r record) size() int {
	if r.isDead() {
		return int(r.u32(0)>>sizeShift) * granule
	}
	h, off := r.header(), r.bytesOffset()
	if h&baseMask == baseBytes {
		off += int(r.u32(baseOffset(h) + 12))
	}
	return align8(off)
}

// str is the base bytes.
func (r record) str() []byte {
	off := r.bytesOffset()
	return r[off : off+int(r.u32(baseOffset(r.header())+12))]
}

// layout returns the header of the record for key and e, and its size in bytes.
func layout(key []byte, e *crdt.Entry) (h header, size int) {
	h = header(len(key))<<keyLenShift | header(ownForm(e))
	others := len(e.Rows)
	if h&formMask != 0 {
		others--
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
	if e.Since != 0 {
		h |= hasSince
	}
	if others > 0 {
		h |= hasRows
	}
	size = rowsOffset(h)
	if others > 0 {
		size += wordBytes + rowBytes*others
	}
	return h, align8(size + len(e.Base.Bytes))
}

// ownForm is the shortest form that holds the row of the primary writer; 0 if there is no such row, or only a full row
// can hold it.
func ownForm(e *crdt.Entry) int {
	r := e.Row(primary)
	switch {
	case r == nil || r.FP != r.FN:
		return 0
	case r.N != r.FN:
		return formPSN
	case r.FP != 0:
		return formPS
	}
	return formP
}

// pack writes key and e into r, whose header and size layout has given. The deadline's place in the wheel is left zero.
func (r record) pack(h header, key []byte, e *crdt.Entry) {
	r.setHeader(h)
	copy(r[h.keyOffset():], key)
	form := h & formMask
	if form != 0 {
		own, off := e.Row(primary), rowOffset(h)
		r.put64(off, own.P)
		if form >= formPS {
			r.put64(off+wordBytes, own.FP)
		}
		if form == formPSN {
			r.put64(off+2*wordBytes, own.N)
		}
	}
	if h&baseMask != 0 {
		off := baseOffset(h)
		r.put64(off, e.Base.Stamp.Time)
		r.put32(off+8, uint32(e.Base.Stamp.Node))
		r.put32(off+12, uint32(len(e.Base.Bytes)))
		if e.Base.Kind == crdt.Integer {
			r.put64(off+16, uint64(e.Base.Int))
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
	if h&hasSince != 0 {
		r.put64(sinceOffset(h), uint64(e.Since))
	}
	off := rowsOffset(h)
	if h&hasRows != 0 {
		off = r.packRows(off, e.Rows, form != 0)
	}
	copy(r[off:], e.Base.Bytes)
}

// packRows writes the rows that do not fit the form of the own row. It returns the offset behind them.
func (r record) packRows(off int, rows []crdt.Row, skipPrimary bool) int {
	count := off
	off += wordBytes
	n := uint64(0)
	for i := range rows {
		row := &rows[i]
		if skipPrimary && row.Writer == primary {
			continue
		}
		r.put64(off, uint64(row.Writer))
		r.put64(off+8, row.P)
		r.put64(off+16, row.N)
		r.put64(off+24, row.FP)
		r.put64(off+32, row.FN)
		off += rowBytes
		n++
	}
	r.put64(count, n)
	return off
}

// unpack reads the record into e, re-using the memory of e.Rows. e.Base.Bytes aliases the record.
func (r record) unpack(e *crdt.Entry) {
	h := r.header()
	e.Rows = e.Rows[:0]
	*e = crdt.Entry{Rows: e.Rows}
	if form := h & formMask; form != 0 {
		p, s, n := r.ownRow(rowOffset(h), form)
		e.Rows = append(e.Rows, crdt.Row{Writer: primary, P: p, N: n, FP: s, FN: s})
	}
	if kind := h & baseMask; kind != 0 {
		off := baseOffset(h)
		e.Base.Stamp = crdt.Stamp{Time: r.u64(off), Node: r.u16(off + 8)}
		switch kind {
		case baseInteger:
			e.Base.Kind, e.Base.Int = crdt.Integer, int64(r.u64(off+16))
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
	if h&hasSince != 0 {
		e.Since = int64(r.u64(sinceOffset(h)))
	}
	if h&hasRows != 0 {
		off := rowsOffset(h)
		for n := r.u64(off); n > 0; n-- {
			e.Rows = append(e.Rows, crdt.Row{
				Writer: r.u32(off + 8),
				P:      r.u64(off + 16), N: r.u64(off + 24),
				FP: r.u64(off + 32), FN: r.u64(off + 40),
			})
			off += rowBytes
		}
	}
}

// ownRow reads the own row at off: P, the floor S and N.
func (r record) ownRow(off int, form header) (p, s, n uint64) {
	p = r.u64(off)
	if form >= formPS {
		s = r.u64(off + wordBytes)
	}
	n = s
	if form == formPSN {
		n = r.u64(off + 2*wordBytes)
	}
	return p, s, n
}
