package crdt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Errors of decoding, for errors.Is.
var (
	ErrShort   = errors.New("record is cut short")
	ErrCorrupt = errors.New("record is corrupt")
	ErrLater   = errors.New("record has parts that only a later release knows")
)

// DecodeWriter reads the writer record at the beginning of src.
// Errors: ErrShort, ErrCorrupt.
func DecodeWriter(src []byte) (number uint32, w Writer, rest []byte, err error) {
	d := decoder{rest: src}
	if d.byte() != flagWriter {
		d.corrupt("not a writer")
	}
	number = uint32(d.uvarint(math.MaxUint32))
	if b := d.bytes(10); d.err == nil {
		w = Writer{Node: binary.LittleEndian.Uint16(b), Life: binary.LittleEndian.Uint64(b[2:])}
	}
	return number, w, d.rest, d.err
}

// DecodeRecord reads the record of an entry at the beginning of src into e, re-using the memory of e.Rows. key and
// e.Base.Bytes alias src. After an error e must not be used. Errors: ErrShort, ErrCorrupt, ErrLater.
func DecodeRecord(src []byte, e *Entry) (key, rest []byte, err error) {
	d := decoder{rest: src}
	*e = Entry{Rows: e.Rows[:0]}
	flags := d.byte()
	if flags == wideEntry {
		d.fail(ErrLater)
	} else if flags&flagWriter != 0 || flags&kindMask > byte(Bytes) || flags&kindMask != 0 && flags&flagBase == 0 {
		d.corrupt("flags")
	}
	key = d.bytes(d.uvarint(MaxKeyBytes))
	if flags&flagBase != 0 {
		d.base(&e.Base, Kind(flags&kindMask))
	}
	if flags&flagDeadline != 0 {
		e.Deadline.Stamp = d.stamp()
		e.Deadline.At = int64(d.uvarint(math.MaxInt64))
	}
	if flags&flagQuota != 0 {
		d.quota(&e.Quota)
	}
	if flags&flagSince != 0 {
		e.Since = int64(d.uvarint(math.MaxInt64))
		if e.Since <= e.Base.Stamp.Millis() {
			d.corrupt("since")
		}
	}
	if e.Base.Kind != None && e.Base.Stamp.isHalf() || e.Deadline.At != 0 && e.Deadline.Stamp.isHalf() || e.Quota.Capacity != 0 && e.Quota.Stamp.isHalf() && !e.Quota.Transient {
		d.corrupt("content with a half stamp")
	}
	if flags&flagRows != 0 {
		e.Rows = d.rows(e.Rows)
	}
	return key, d.rest, d.err
}

// decoder reads from rest until the first error. After an error it reads zeros.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.rest = nil
}

func (d *decoder) corrupt(what string) {
	if d.err == nil {
		d.fail(fmt.Errorf("%w: %s", ErrCorrupt, what))
	}
}

func (d *decoder) bytes(n uint64) []byte {
	if uint64(len(d.rest)) < n {
		d.fail(ErrShort)
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); d.err == nil {
		return b[0]
	}
	return 0
}

// uvarint reads a number of at most limit, in its shortest form.
func (d *decoder) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(d.rest)
	switch {
	case n == 0:
		d.fail(ErrShort)
	case n < 0 || v > limit:
		d.corrupt("number above its limit")
	case n > 1 && d.rest[n-1] == 0:
		d.corrupt("number longer than need be")
	}
	if d.err != nil {
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// stamp reads a stamp. A zero stamp is an error: a register that was never written is left out.
func (d *decoder) stamp() (s Stamp) {
	if b := d.bytes(10); d.err == nil {
		s = Stamp{Time: binary.LittleEndian.Uint64(b), Node: binary.LittleEndian.Uint16(b[8:])}
		if s == (Stamp{}) {
			d.corrupt("zero stamp")
		}
	}
	return s
}

func (d *decoder) base(b *Base, kind Kind) {
	b.Stamp, b.Kind = d.stamp(), kind
	switch kind {
	case Integer:
		u := d.uvarint(math.MaxUint64)
		b.Int = int64(u>>1) ^ -int64(u&1)
	case Bytes:
		b.Bytes = d.bytes(d.uvarint(MaxValueBytes))
	}
}

func (d *decoder) quota(q *Quota) {
	q.Stamp = d.stamp()
	q.Capacity = d.uvarint(math.MaxUint64)
	if q.Capacity == 0 {
		return
	}
	q.Count = d.uvarint(math.MaxUint64)
	period := d.uvarint(math.MaxUint64)
	q.Period, q.Transient = int64(period>>1), period&1 != 0
}

func (d *decoder) rows(rows []Row) []Row {
	count := d.uvarint(MaxRows)
	if count == 0 {
		d.corrupt("no rows")
	}
	if count > uint64(len(d.rest))/2 { // a row takes at least two bytes: allocate nothing for rows that cannot be there
		d.fail(ErrShort)
	}
	if d.err != nil {
		return rows
	}
	rows = slices.Grow(rows, int(count))
	next := uint64(0)
	for ; count > 0 && d.err == nil; count-- {
		head := d.uvarint((math.MaxUint32-next)*rowForms + rowForms - 1)
		r := Row{Writer: uint32(next + head/rowForms)}
		d.row(&r, head%rowForms)
		rows = append(rows, r)
		next = uint64(r.Writer) + 1
		if next > math.MaxUint32 && count > 1 {
			d.corrupt("writer above the last")
		}
	}
	return rows
}

func (d *decoder) row(r *Row, form uint64) {
	up, down := d.uvarint(math.MaxUint64), uint64(0)
	if form&rowDown != 0 {
		if down = d.uvarint(math.MaxUint64); down == 0 {
			d.corrupt("empty part of a row")
		}
	}
	if form&rowFloors != 0 {
		r.FP, r.FN = d.uvarint(math.MaxUint64), d.uvarint(math.MaxUint64)
		if r.FP|r.FN == 0 {
			d.corrupt("empty floors")
		}
	}
	var overP, overN uint64
	r.P, overP = bits.Add64(r.FP, up, 0)
	r.N, overN = bits.Add64(r.FN, down, 0)
	if overP|overN != 0 {
		d.corrupt("row above 64 bits")
	}
	if r.empty() {
		d.corrupt("empty row")
	}
}
