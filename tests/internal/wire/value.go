package wire

import (
	"slices"
	"strconv"
	"strings"
)

// Kind is the first byte of a reply on the wire.
type Kind byte

// The kinds of RESP2 and RESP3. Null is RESP3's own null; RESP2's two nulls
// are a Bulk and an Array whose Nil is set, because a client can tell them apart.
const (
	Simple    Kind = '+'
	Error     Kind = '-'
	Integer   Kind = ':'
	Bulk      Kind = '$'
	Array     Kind = '*'
	Null      Kind = '_'
	Bool      Kind = '#'
	Double    Kind = ','
	BigNumber Kind = '('
	BulkError Kind = '!'
	Verbatim  Kind = '='
	Map       Kind = '%'
	Set       Kind = '~'
	Push      Kind = '>'
)

// Value is one decoded reply, kept so close to the wire that two servers whose
// Values are equal sent replies that no client can tell apart.
type Value struct {
	Kind Kind
	// Text is the payload of every kind that is not an aggregate, as sent.
	Text string
	// Elems are the children of an Array, Set, Push or Map; a Map's are key, value, key, value.
	Elems []Value
	// Nil marks "$-1" and "*-1".
	Nil bool
}

// Equal reports whether both values have the same kinds, texts and order.
func (v Value) Equal(w Value) bool {
	return v.Kind == w.Kind && v.Text == w.Text && v.Nil == w.Nil &&
		slices.EqualFunc(v.Elems, w.Elems, Value.Equal)
}

// IsNull reports whether v is one of the three nulls.
func (v Value) IsNull() bool { return v.Nil || v.Kind == Null }

// IsError reports whether v is an error reply.
func (v Value) IsError() bool { return v.Kind == Error || v.Kind == BulkError }

// Int returns the number of an Integer reply.
func (v Value) Int() (int64, bool) {
	if v.Kind != Integer {
		return 0, false
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	return n, err == nil
}

// String writes v on one line: the kind byte, then the payload. Bulk and
// verbatim strings are quoted, nulls are "$nil", "*nil" and "_", aggregates
// are "*[a b]" and "%{k: v}". Equal values, and only they, have equal strings.
func (v Value) String() string {
	var b strings.Builder
	v.write(&b)
	return b.String()
}

func (v Value) write(b *strings.Builder) {
	b.WriteByte(byte(v.Kind))
	switch v.Kind {
	case Array, Set, Push, Map:
		if v.Nil {
			b.WriteString("nil")
			return
		}
		v.writeElems(b)
	case Bulk, Verbatim, BulkError:
		if v.Nil {
			b.WriteString("nil")
			return
		}
		b.WriteString(strconv.Quote(v.Text))
	default:
		b.WriteString(v.Text)
	}
}

func (v Value) writeElems(b *strings.Builder) {
	brackets := "[]"
	if v.Kind == Map {
		brackets = "{}"
	}
	b.WriteByte(brackets[0])
	for i, e := range v.Elems {
		switch {
		case i == 0:
		case v.Kind == Map && i%2 == 1:
			b.WriteString(": ")
		default:
			b.WriteByte(' ')
		}
		e.write(b)
	}
	b.WriteByte(brackets[1])
}
