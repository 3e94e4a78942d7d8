package engine

import (
	"math/bits"

	"github.com/quotadb/quota-db/crdt"
)

// shape says which numbers of a row a record holds. The others follow from them.
type shape uint8

const (
	noRow      shape = iota
	shapeP           // P; the others are 0
	shapePN          // P, N; no floors
	shapePF          // P, FP; never counted down
	shapeReset       // P, which is FP; never counted down
	shapeLevel       // P, which is N, FP and FN
	shapePS          // P, S; S is N, FP and FN
	shapePNS         // P, N, S; S is FP and FN
	shapeAll         // P, N, FP, FN
)

// numbersOf is how many numbers a shape has.
var numbersOf = [16]uint8{shapeP: 1, shapePN: 2, shapePF: 2, shapeReset: 1, shapeLevel: 1, shapePS: 2, shapePNS: 3, shapeAll: 4}

func (s shape) numbers() int { return int(numbersOf[s]) }

// raisesP and raisesN report whether the number can grow while the rest of the row stays as it is.
func (s shape) raisesP() bool {
	return 1<<s&(1<<shapeP|1<<shapePN|1<<shapePF|1<<shapePS|1<<shapePNS|1<<shapeAll) != 0
}
func (s shape) raisesN() bool { return 1<<s&(1<<shapePN|1<<shapePNS|1<<shapeAll) != 0 }

func (h header) shape() shape { return shape(h & shapeMask >> shapeShift) }
func (h header) width() int   { return int(h&widthMask>>widthShift) + 1 }

// rowForm is how a row lies in memory. A row of the other rows begins with its form:
//
//	+---------------------------------------------------------------+--------+---------------------------+
//	| bits 0-2 width less 1, 3-5 shape less 1, 6-7 size of writer-1 | writer | the numbers of the shape, |
//	| 1                                                             | 1 to 4 | each in width bytes       |
//	+---------------------------------------------------------------+--------+---------------------------+
type rowForm struct {
	writer uint32
	shape  shape
	width  int // bytes of each number
}

const (
	formBytes       = 1
	formWidths      = 7
	formShapeShift  = 3
	formShapes      = 7
	formWriterShift = 6
)

// bytes is the size of the row among the other rows.
func (f rowForm) bytes() int {
	return formBytes + bytesOf(uint64(f.writer)) + f.shape.numbers()*f.width
}

// bytesOf is how many bytes hold a number: 1 to 8.
func bytesOf(n uint64) int { return (bits.Len64(n|1) + 7) / 8 }

// formOf is the shortest form that holds a row.
func formOf(row *crdt.Row) rowForm {
	f := rowForm{writer: row.Writer}
	switch {
	case row.FP|row.FN == 0 && row.N == 0:
		f.shape = shapeP
	case row.FP|row.FN == 0:
		f.shape = shapePN
	case row.N|row.FN == 0 && row.P == row.FP:
		f.shape = shapeReset
	case row.N|row.FN == 0:
		f.shape = shapePF
	case row.FP != row.FN:
		f.shape = shapeAll
	case row.N != row.FN:
		f.shape = shapePNS
	case row.P == row.FP:
		f.shape = shapeLevel
	default:
		f.shape = shapePS
	}
	f.width = bytesOf(row.P | row.N | row.FP | row.FN)
	return f
}

// number reads a number of width bytes.
func (r record) number(off, width int) uint64 { return r.u64(off) & widest(width) }

// putNumber writes a number of width bytes.
func (r record) putNumber(off, width int, n uint64) {
	r.put64(off, r.u64(off)&^widest(width)|n)
}

// widest is the largest number of width bytes.
func widest(width int) uint64 { return ^uint64(0) >> ((64 - 8*width) & 63) }

// plainP is the P of a plain record.
func (r record) plainP() uint64 { return uint64(r.u32(0) >> plainShift) }

// packNumbers writes the numbers of a row.
func (r record) packNumbers(off int, row *crdt.Row, f rowForm) {
	numbers := [4]uint64{row.P}
	switch f.shape {
	case shapePN:
		numbers[1] = row.N
	case shapePF, shapePS:
		numbers[1] = row.FP
	case shapePNS:
		numbers[1], numbers[2] = row.N, row.FP
	case shapeAll:
		numbers[1], numbers[2], numbers[3] = row.N, row.FP, row.FN
	}
	for i := range f.shape.numbers() {
		r.putNumber(off+i*f.width, f.width, numbers[i])
	}
}

// unpackNumbers reads a row whose numbers begin at off.
func (r record) unpackNumbers(off int, f rowForm) crdt.Row {
	w := f.width
	row := crdt.Row{Writer: f.writer, P: r.number(off, w)}
	switch f.shape {
	case shapePN:
		row.N = r.number(off+w, w)
	case shapePF:
		row.FP = r.number(off+w, w)
	case shapeReset:
		row.FP = row.P
	case shapeLevel:
		row.N, row.FP, row.FN = row.P, row.P, row.P
	case shapePS:
		row.N = r.number(off+w, w)
		row.FP, row.FN = row.N, row.N
	case shapePNS:
		row.N, row.FP = r.number(off+w, w), r.number(off+2*w, w)
		row.FN = row.FP
	case shapeAll:
		row.N, row.FP, row.FN = r.number(off+w, w), r.number(off+2*w, w), r.number(off+3*w, w)
	}
	return row
}

// rowForm reads the form of the row at off, and says where its numbers begin.
func (r record) rowForm(off int) (f rowForm, numbers int) {
	b := int(r[off])
	size := b>>formWriterShift + 1
	f.writer = uint32(r.number(off+formBytes, size))
	f.width = b&formWidths + 1
	f.shape = shape(b>>formShapeShift&formShapes) + 1
	return f, off + formBytes + size
}

// rowsLength is how many bytes the rows of all writers but the primary one take together.
func rowsLength(rows []crdt.Row) (length int) {
	for i := range rows {
		if rows[i].Writer != primary {
			length += formOf(&rows[i]).bytes()
		}
	}
	return length
}

// rowsBytes is the size of the part other rows; 0 if there are none.
func rowsBytes(rows []crdt.Row) int {
	switch length := rowsLength(rows); {
	case length == 0:
		return 0
	case length < longRows:
		return lengthBytes + length
	default:
		return lengthBytes + longRowsBytes + length
	}
}

// packRows writes the part other rows.
func (r record) packRows(off int, rows []crdt.Row) {
	length := rowsLength(rows)
	r[off] = byte(min(length, longRows))
	if off += lengthBytes; length >= longRows {
		r.put32(off, uint32(length))
		off += longRowsBytes
	}
	for i := range rows {
		if rows[i].Writer == primary {
			continue
		}
		f := formOf(&rows[i])
		size := bytesOf(uint64(f.writer))
		r[off] = byte(f.width - 1 | int(f.shape-1)<<formShapeShift | (size-1)<<formWriterShift)
		r.putNumber(off+formBytes, size, uint64(f.writer))
		off += formBytes + size
		r.packNumbers(off, &rows[i], f)
		off += f.shape.numbers() * f.width
	}
}
