package engine

import (
	"encoding/binary"

	"github.com/quotadb/quota-db/crdt"
)

// record is an entry as it lies in memory, little-endian. Parts which an entry does not have are left out:
//
//	+--------+------+-----+---------+---------+----------+---------+--------------+------------+-------+------+
//	| header | long | key | own row | base    | deadline | quota   | since        | other rows | bytes | pad  |
//	| 4      | 0, 4 | n   | 0 to 32 | 0 to 18 | 0 or 28  | 0 or 88 | 0 or 6, or 8 |            | len   | to 8 |
//	+--------+------+-----+---------+---------+----------+---------+--------------+------------+-------+------+
//
//	header      bits 0 live, 1 plain, 2 unwritten, 3 unsent; 4-11 length of the key, 255: it stands in long;
//	            12 since, 13 stale. A plain record has the P of its own row in bits 14-31, and no other part but
//	            since.
//	            Others have in bits 14-17 the shape of the own row (0: there is none), 18-20 its width less 1;
//	            21-22 kind of base, 23 deadline, 24 other rows, 25 quota; 26 gone, 27 long since, 28 unsummed; 29-31
//	            are free.
//	            A dead record has its size in granules in bits 8-31, and zeros below.
//	own row     of the primary writer, index 0: the numbers of its shape, each of as many bytes as its width: see
//	            shape
//	base        stamp time; stamp node (2); the integer if it is one, or the length (4) of base bytes
//	deadline    unix ms; stamp time; stamp node (2), wheel slot (2); next and previous in that slot (4, 4)
//	            (also there, with 0 for the unix ms, in a transient quota, for its place in the wheel)
//	quota       capacity; count; period; stamp time; stamp node (2), flags (1), level (1), epoch (4);
//	            bucket: full at, fraction or pace; spent; bound; written; writes (4), safe (4): see tokens
//	since       unix ms at which the key was made, in 6 bytes; in 8 if it is long: see crdt.Entry
//	other rows  how many bytes follow (1; 255: it stands in the next 4); then each row: see rowForm
//
// A counter that was only incremented is header and key as long as it is below 2^18: 24 bytes with a 20-byte key.
//
// A number of a row is read and written as 8 bytes, of which only its width counts. So behind each record there are
// tailBytes that belong to the same shard.
type record []byte

// MaxKeyBytes is the longest key that fits a record's header.
const MaxKeyBytes = crdt.MaxKeyBytes

// MaxValueBytes is the longest value in bytes: neither the disk nor a peer takes a longer one.
const MaxValueBytes = crdt.MaxValueBytes

const (
	live        = 1 << 0
	plain       = 1 << 1
	unwritten   = 1 << 2 // it has changed since the disk took it: see changes
	unsent      = 1 << 3 // a client of this node has changed it since the peers' follower took it
	lengthShift = 4
	longKey     = 255 // the key's own length stands behind the header
	hasSince    = 1 << 12
	stale       = 1 << 13 // the sum of its leaf lacks it, and its hash is in the list: see sums

	// Of a plain record.
	plainShift = 14
	plainLimit = 1 << (32 - plainShift) // P is below
	plainFlags = 1<<plainShift - 1

	// Of the others.
	shapeShift  = 14
	shapeMask   = 15 << shapeShift
	widthShift  = 18
	widthMask   = 7 << widthShift
	baseShift   = 21
	baseMask    = 3 << baseShift
	baseInteger = 1 << baseShift
	baseBytes   = 2 << baseShift
	baseCleared = 3 << baseShift // nothing, with a stamp
	hasDeadline = 1 << 23
	hasRows     = 1 << 24
	hasQuota    = 1 << 25
	gone        = 1 << 26 // the key reads as absent; the record is kept for merging
	longSince   = 1 << 27
	unsummed    = 1 << 28 // the sum of its leaf lacks it, because no digest counts it

	keyShift  = 32 // where a header has the length of the key, also that of a long key
	sizeShift = 8  // where a dead record has its size

	headerBytes    = 4
	longKeyBytes   = 4 // of a long key's length
	wordBytes      = 8
	stampBytes     = 10
	deadlineBytes  = 28
	quotaBytes     = 88
	sinceBytes     = 6
	tailBytes      = wordBytes - 1
	shortestLong   = 1 << (8 * sinceBytes) // the smallest since that is long
	lengthBytes    = 1                     // of the length of the other rows
	longRows       = 255                   // the length of the other rows stands in the next bytes
	longRowsBytes  = 4
	baseLengthSize = 4 // of the length of base bytes
)

// baseSizes is the size of the base part by kind, in bytes.
var baseSizes = [4]uint8{0, stampBytes + wordBytes, stampBytes + baseLengthSize, stampBytes}

func (r record) u16(off int) uint16      { return binary.LittleEndian.Uint16(r[off:]) }
func (r record) u32(off int) uint32      { return binary.LittleEndian.Uint32(r[off:]) }
func (r record) u64(off int) uint64      { return binary.LittleEndian.Uint64(r[off:]) }
func (r record) put16(off int, v uint16) { binary.LittleEndian.PutUint16(r[off:], v) }
func (r record) put32(off int, v uint32) { binary.LittleEndian.PutUint32(r[off:], v) }
func (r record) put64(off int, v uint64) { binary.LittleEndian.PutUint64(r[off:], v) }
func (r record) isDead() bool            { return r[0]&live == 0 }
func (r record) isGone() bool            { return r.header()&gone != 0 }
func (r record) markDead(size int)       { r.put32(0, uint32(size/granule)<<sizeShift) }
func (r record) hasDeadline() bool       { return r.u32(0)&(plain|hasDeadline) == hasDeadline }
func align8(n int) int                   { return (n + 7) &^ 7 }

// set and unset change flags. Those above stale are not for plain records.
func (r record) set(flags uint32)   { r.put32(0, r.u32(0)|flags) }
func (r record) unset(flags uint32) { r.put32(0, r.u32(0)&^flags) }

// header is what a record begins with: its flags, without the P of a plain record, and from keyShift on the length of
// the key.
type header uint64

func (r record) header() header {
	w := r.u32(0)
	n := w >> lengthShift & longKey
	if n == longKey {
		n = r.u32(headerBytes)
	}
	if w&plain != 0 {
		w &= plainFlags
	}
	return header(w) | header(n)<<keyShift
}

// setHeader writes flags and length; a plain record then has P 0.
func (r record) setHeader(h header) {
	n := uint32(h >> keyShift)
	w := uint32(h) | min(n, longKey)<<lengthShift
	r.put32(0, w)
	if n >= longKey {
		r.put32(headerBytes, n)
	}
}

// keyOffset is where the key begins.
func (h header) keyOffset() int {
	if h>>keyShift >= longKey {
		return headerBytes + longKeyBytes
	}
	return headerBytes
}

func (r record) key() []byte {
	n := int(r.u32(0) >> lengthShift & longKey)
	if n != longKey {
		return r[headerBytes : headerBytes+n]
	}
	n = int(r.u32(headerBytes))
	return r[headerBytes+longKeyBytes : headerBytes+longKeyBytes+n]
}

// The parts of a record, in order: where each begins.

func (h header) rowOffset() int { return h.keyOffset() + int(h>>keyShift) }

func baseOffset(h header) int {
	return h.rowOffset() + h.shape().numbers()*h.width()
}

func deadlineOffset(h header) int { return baseOffset(h) + int(baseSizes[h&baseMask>>baseShift]) }

func quotaOffset(h header) int {
	off := deadlineOffset(h)
	if h&hasDeadline != 0 {
		off += deadlineBytes
	}
	return off
}

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
	switch {
	case h&longSince != 0:
		off += wordBytes
	case h&hasSince != 0:
		off += sinceBytes
	}
	return off
}

// rowsWithin is where the first of the other rows begins, and where the last one ends.
func (r record) rowsWithin(h header) (first, end int) {
	off := rowsOffset(h)
	if h&hasRows == 0 {
		return off, off
	}
	n := int(r[off])
	if off += lengthBytes; n == longRows {
		n = int(r.u32(off))
		off += longRowsBytes
	}
	return off, off + n
}

// size is the size of the record in bytes, dead or alive.
func (r record) size() int {
	if r.isDead() {
		return int(r.u32(0)>>sizeShift) * granule
	}
	h := r.header()
	_, end := r.rowsWithin(h)
	if h&baseMask == baseBytes {
		end += r.baseLength(h)
	}
	return align8(end)
}

// baseLength is the length of the base bytes.
func (r record) baseLength(h header) int { return int(r.u32(baseOffset(h) + stampBytes)) }

// str is the base bytes.
func (r record) str() []byte {
	h := r.header()
	_, off := r.rowsWithin(h)
	return r[off : off+r.baseLength(h)]
}

// deadline is the unix millisecond at which the record ends, 0 for never.
func (r record) deadline() int64 {
	if !r.hasDeadline() {
		return 0
	}
	return int64(r.u64(deadlineOffset(r.header())))
}

// expired reports whether the deadline has passed.
func (r record) expired(now int64) bool {
	at := r.deadline()
	return at != 0 && at <= now
}
