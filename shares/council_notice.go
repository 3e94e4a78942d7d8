package shares

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrNotice is the error of Hear for bytes that no council makes.
var ErrNotice = errors.New("malformed notice of a council")

// MaxNotice bounds a notice in bytes.
const MaxNotice = 32 << 10

// noAge is the age of a directory of which none is known.
const noAge = math.MinInt64

// A notice is a sequence of sections. A section that is not there is as it was in the notice before, of the same
// session. Sections of other kinds are skipped: a later release may add some.
//
//	kind | length of the content | content        kind and length are unsigned varints
//
//	age     signed varint
//	self    seat, book, number of this start, 1 byte: 1 whole + 2 doubt, earlier books: how many, book, moment;
//	        floor, earlier starts: number, age
//	met     nodes
//	promise turn, 1 byte: 1 withdrawing, founders: node, seat, 1 byte: 1 whole
//	table   seed, members: node, seat, since; empty if there is none
//	known   book, number of a start, age, 1 byte: 1 later: what the sender knows of the receiver; empty: nothing
//	echo    turn of the receiver that the sender has heard
//
// Seats, seeds, numbers of starts and ids of books have 8 bytes, little-endian; ages are signed varints, other numbers
// unsigned varints. A book is its number and its id.
const (
	sectionAge = 1 + iota
	sectionSelf
	sectionMet
	sectionPromise
	sectionTable
	sectionKnown
	sectionEcho
)

const (
	flagWhole = 1 << iota
	flagDoubt
)

// notice is what one says in a session.
type notice struct {
	age         int64
	self        *identity // nil: nothing has been heard
	met         []uint16
	promise     []Founder
	turn        uint64
	withdrawing bool
	table       *Table
	known       *known
	echo        uint64
}

// identity is what a node says of itself and its directory.
type identity struct {
	seat         uint64
	book         Book
	run          uint64
	past         past
	whole, doubt bool
}

// Due reports whether there is something to tell a peer. A larger age alone is told four times a second at most.
func (c *Council) Due(to uint16, now int64) bool {
	s := c.sessions[to]
	if s == nil || c.unsaved {
		return false
	}
	return s.told.owes || s.told.version != c.version || c.age > s.told.age && now-s.told.at >= ageEvery
}

// Notice appends what a peer has to be told to dst, and counts it as told. It has MaxNotice bytes at most. It appends
// nothing if nothing is Due.
func (c *Council) Notice(dst []byte, to uint16, now int64) []byte {
	if !c.Due(to, now) {
		return dst
	}
	s := c.sessions[to]
	n := notice{age: c.age}
	if s.told.owes || s.told.version != c.version {
		n.self = &identity{c.seat, c.book, c.run, c.past, c.whole, c.doubt}
		n.met = c.met()
		n.promise, n.turn, n.withdrawing = c.promise, c.turn, c.withdrawing
		n.table = c.table
		if k, ok := c.record.known[to]; ok {
			n.known = &k
		}
		n.echo = s.heard.turn
	}
	s.told = notified{version: c.version, age: c.age, at: now}
	return n.append(dst)
}

// Hear notes what a peer says in the present session. Errors: ErrNotice.
func (c *Council) Hear(from uint16, text []byte, now int64) error {
	s := c.sessions[from]
	if s == nil {
		return nil
	}
	n := s.heard
	if s.heard.self == nil {
		n.age = noAge
	}
	isAnswer, err := n.read(text)
	if err != nil {
		return err
	}
	if n.self == nil {
		return fmt.Errorf("%w: an age without a directory", ErrNotice)
	}
	if isAnswer {
		c.compare(from, n.known, now)
		c.answered[from] = true
	}
	before := c.record.known[from]
	c.note(from, n.self, n.age)
	if k := c.record.known[from]; k.book != before.book || k.run.id != before.run.id || n.turn != s.heard.turn {
		s.told.owes = true
	}
	s.heard = n
	return nil
}

// append appends all sections, or only the age if there is no identity.
func (n *notice) append(dst []byte) []byte {
	dst = appendSection(dst, sectionAge, binary.AppendVarint(nil, n.age))
	if n.self == nil {
		return dst
	}
	b := binary.LittleEndian.AppendUint64(nil, n.self.seat)
	b = n.self.book.append(b)
	b = binary.LittleEndian.AppendUint64(b, n.self.run)
	b = append(b, flags(n.self.whole, n.self.doubt))
	b = binary.AppendUvarint(b, uint64(len(n.self.past.books)))
	for _, r := range n.self.past.books {
		b = binary.AppendVarint(r.book.append(b), r.at)
	}
	b = binary.AppendVarint(b, n.self.past.floor)
	for _, r := range n.self.past.runs {
		b = binary.AppendVarint(binary.LittleEndian.AppendUint64(b, r.id), r.age)
	}
	dst = appendSection(dst, sectionSelf, b)

	b = nil
	for _, node := range n.met[:min(len(n.met), MaxMembers+1)] {
		b = binary.AppendUvarint(b, uint64(node))
	}
	dst = appendSection(dst, sectionMet, b)

	b = append(binary.AppendUvarint(nil, n.turn), flags(n.withdrawing, false))
	for _, f := range n.promise {
		b = binary.LittleEndian.AppendUint64(binary.AppendUvarint(b, uint64(f.Node)), f.Seat)
		b = append(b, flags(f.Whole, false))
	}
	dst = appendSection(dst, sectionPromise, b)

	b = nil
	if n.table != nil {
		b = binary.LittleEndian.AppendUint64(b, n.table.Seed)
		for _, m := range n.table.Members {
			b = binary.LittleEndian.AppendUint64(binary.AppendUvarint(b, uint64(m.Node)), m.Seat)
			b = binary.AppendUvarint(b, uint64(m.Since))
		}
	}
	dst = appendSection(dst, sectionTable, b)

	b = nil
	if n.known != nil {
		b = binary.LittleEndian.AppendUint64(n.known.book.append(b), n.known.run.id)
		b = append(binary.AppendVarint(b, n.known.run.age), flags(n.known.later, false))
	}
	dst = appendSection(dst, sectionKnown, b)
	return appendSection(dst, sectionEcho, binary.AppendUvarint(nil, n.echo))
}

func appendSection(dst []byte, kind uint64, content []byte) []byte {
	dst = binary.AppendUvarint(dst, kind)
	dst = binary.AppendUvarint(dst, uint64(len(content)))
	return append(dst, content...)
}

func (b Book) append(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(dst, b.Number), b.ID)
}

func flags(first, second bool) (b byte) {
	if first {
		b |= 1
	}
	if second {
		b |= 2
	}
	return b
}

// read changes what the sections of a notice say. isAnswer: one of them says what the sender knows of the receiver.
func (n *notice) read(text []byte) (isAnswer bool, err error) {
	if len(text) > MaxNotice {
		return false, fmt.Errorf("%w: %d bytes", ErrNotice, len(text))
	}
	r := noticeReader{rest: text}
	for len(r.rest) > 0 && !r.failed {
		kind, content := r.uvarint(), r.section()
		switch kind {
		case sectionAge:
			n.age = content.varint()
		case sectionSelf:
			n.self = content.identity()
		case sectionMet:
			n.met = content.nodes()
		case sectionPromise:
			n.turn, n.withdrawing, n.promise = content.uvarint(), content.byte()&1 != 0, content.founders()
		case sectionTable:
			n.table = content.table()
		case sectionKnown:
			n.known, isAnswer = content.known(), true
		case sectionEcho:
			n.echo = content.uvarint()
		default:
			continue
		}
		if content.failed || len(content.rest) > 0 {
			return false, fmt.Errorf("%w: section %d", ErrNotice, kind)
		}
	}
	if r.failed {
		return false, ErrNotice
	}
	return isAnswer, nil
}
