package crdt

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// The stream of records that goes to the disk and to peers. The frame around them has the version and the checksum.
// Numbers are unsigned varints where no size is given, otherwise little-endian. Parts that an entry does not have are
// left out:
//
//	entry    +-------+---------+-----+------+----------+-------+-------+------+
//	         | flags | key len | key | base | deadline | quota | since | rows |
//	         | 1     |         |     |      |          |       |       |      |
//	         +-------+---------+-----+------+----------+-------+-------+------+
//	flags    bits 0-1 kind of base, 2 base, 3 deadline, 4 quota, 5 since, 6 rows; 7 is 0
//	base     stamp (10): time (8), node (2); an integer as zigzag varint, or length and bytes
//	deadline stamp (10); unix ms
//	quota    stamp (10); capacity; unless that is 0 also count, and period*2, +1 if transient
//	since    unix ms
//	rows     count; then each, by ascending writer: (writer - the one before - 1)*4 + form (the first:
//	         writer*4 + form);
//	         P-FP; if form&1 also N-FN; if form&2 also FP and FN
//
//	writer   +------+--------+------+------+
//	         | 0x80 | number | node | life |
//	         | 1    |        | 2    | 8    |
//	         +------+--------+------+------+
//
// An entry with parts that have no bit in the first byte begins with 0x83. Its flags follow as an unsigned varint: the
// same bits 0 to 6, and from bit 7 on further parts. No release so far knows any, so each refuses such an entry by name
// (ErrLater). docs/design/2026-11-room-in-formats.md says which parts are planned. Package engine has its own records,
// which begin with 0x81 and 0x82.
//
// A writer record says which writer a number in rows stands for from there on. There is one encoding for each state,
// and a decoder accepts no other: a part is there exactly if it is not zero, and varints are as short as possible.
// Numbers are differences to their floors, so no floor can be above its number.
const (
	flagBase     = 1 << 2
	flagDeadline = 1 << 3
	flagQuota    = 1 << 4
	flagSince    = 1 << 5
	flagRows     = 1 << 6
	flagWriter   = 1 << 7
	wideEntry    = 0x83 // first byte of an entry with further parts
	kindMask     = 3

	rowDown   = 1
	rowFloors = 2
	rowForms  = 4
)

const (
	// MaxKeyBytes is the longest key of a record.
	MaxKeyBytes = 1<<21 - 1
	// MaxValueBytes is the longest base of a record.
	MaxValueBytes = 512 << 20
)

// Writer is the owner of a row: one life of a node.
type Writer struct {
	Node uint16
	Life uint64
}

// AppendRecord appends the record of key and e. To send some of the rows, pass an entry that has only those.
// AppendRecord sorts e.Rows by writer. Content without a stamp, or above the limits, which a decoder would refuse, is
// our own bug: AppendRecord panics.
func AppendRecord(dst, key []byte, e *Entry) []byte {
	if len(key) > MaxKeyBytes || len(e.Base.Bytes) > MaxValueBytes || len(e.Rows) > MaxRows {
		panic("crdt: entry above the limits of a record")
	}
	byWriter := func(a, b Row) int { return cmp.Compare(a.Writer, b.Writer) }
	if !slices.IsSortedFunc(e.Rows, byWriter) {
		slices.SortFunc(e.Rows, byWriter)
	}
	flags, rows := e.flags()
	if e.Base.Kind != None && flags&flagBase == 0 || e.Deadline.At != 0 && flags&flagDeadline == 0 || e.Quota.Capacity != 0 && flags&flagQuota == 0 {
		panic("crdt: content without a stamp")
	}
	dst = append(dst, flags)
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	dst = append(dst, key...)
	if flags&flagBase != 0 {
		dst = appendBase(dst, &e.Base)
	}
	if flags&flagDeadline != 0 {
		dst = appendStamp(dst, e.Deadline.Stamp)
		dst = binary.AppendUvarint(dst, uint64(e.Deadline.At))
	}
	if flags&flagQuota != 0 {
		dst = appendQuota(dst, &e.Quota)
	}
	if flags&flagSince != 0 {
		dst = binary.AppendUvarint(dst, uint64(e.Since))
	}
	if flags&flagRows != 0 {
		dst = binary.AppendUvarint(dst, uint64(rows))
		dst = appendRows(dst, e.Rows)
	}
	return dst
}

// flags says which parts e has, and how many of its rows are not empty.
func (e *Entry) flags() (flags byte, rows int) {
	flags = byte(e.Base.Kind)
	if e.Base.Stamp != (Stamp{}) {
		flags |= flagBase
	}
	if e.Deadline.Stamp != (Stamp{}) {
		flags |= flagDeadline
	}
	if e.Quota.Stamp != (Stamp{}) {
		flags |= flagQuota
	}
	if e.Since > e.Base.Stamp.Millis() {
		flags |= flagSince
	}
	for i := range e.Rows {
		if !e.Rows[i].empty() {
			flags |= flagRows
			rows++
		}
	}
	return flags, rows
}

func appendStamp(dst []byte, s Stamp) []byte {
	return binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint64(dst, s.Time), s.Node)
}

func appendBase(dst []byte, b *Base) []byte {
	dst = appendStamp(dst, b.Stamp)
	switch b.Kind {
	case Integer:
		dst = binary.AppendVarint(dst, b.Int)
	case Bytes:
		dst = binary.AppendUvarint(dst, uint64(len(b.Bytes)))
		dst = append(dst, b.Bytes...)
	}
	return dst
}

func appendQuota(dst []byte, q *Quota) []byte {
	dst = appendStamp(dst, q.Stamp)
	dst = binary.AppendUvarint(dst, q.Capacity)
	if q.Capacity == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, q.Count)
	return binary.AppendUvarint(dst, uint64(q.Period)<<1|uint64(boolInt(q.Transient)))
}

func appendRows(dst []byte, rows []Row) []byte {
	next := uint64(0) // the smallest writer that may follow
	for i := range rows {
		r := &rows[i]
		if r.empty() {
			continue
		}
		form := uint64(0)
		if r.N != r.FN {
			form |= rowDown
		}
		if r.FP|r.FN != 0 {
			form |= rowFloors
		}
		dst = binary.AppendUvarint(dst, (uint64(r.Writer)-next)*rowForms|form)
		dst = binary.AppendUvarint(dst, r.P-r.FP)
		if form&rowDown != 0 {
			dst = binary.AppendUvarint(dst, r.N-r.FN)
		}
		if form&rowFloors != 0 {
			dst = binary.AppendUvarint(dst, r.FP)
			dst = binary.AppendUvarint(dst, r.FN)
		}
		next = uint64(r.Writer) + 1
	}
	return dst
}

// AppendWriter appends the writer record that gives w its number.
func AppendWriter(dst []byte, number uint32, w Writer) []byte {
	dst = append(dst, flagWriter)
	dst = binary.AppendUvarint(dst, uint64(number))
	dst = binary.LittleEndian.AppendUint16(dst, w.Node)
	return binary.LittleEndian.AppendUint64(dst, w.Life)
}

// IsWriter reports whether src begins with a writer record, for DecodeWriter. Otherwise it begins with an entry's
// record, for DecodeRecord.
func IsWriter(src []byte) bool { return len(src) > 0 && src[0] == flagWriter }
