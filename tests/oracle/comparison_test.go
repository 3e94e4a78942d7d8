package oracle

import (
	"slices"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

// A comparison decides whether quota-db's reply is as good as Redis's. Every
// one but wire.Value.Equal allows for something that no two servers share.
type comparison func(redis, quotadb wire.Value) bool

// about allows integers to differ by at most tolerance: time passes between two
// servers. Anything but two integers above zero must be equal, so that -1 and
// -2 keep their meaning.
func about(tolerance int64) comparison {
	return func(redis, quotadb wire.Value) bool {
		r, okR := redis.Int()
		q, okQ := quotadb.Int()
		if !okR || !okQ || r <= 0 || q <= 0 {
			return redis.Equal(quotadb)
		}
		return max(r-q, q-r) <= tolerance
	}
}

// normalised compares what is left of both replies.
func normalised(normalise func(wire.Value) wire.Value) comparison {
	return func(redis, quotadb wire.Value) bool {
		return normalise(redis).Equal(normalise(quotadb))
	}
}

// sorted removes the order of an array or set.
func sorted(v wire.Value) wire.Value {
	v.Elems = slices.Clone(v.Elems)
	slices.SortFunc(v.Elems, func(a, b wire.Value) int { return strings.Compare(a.String(), b.String()) })
	return v
}

// shape removes all contents but keeps kinds, nulls and whether an aggregate is
// empty; of several equal neighbours one is kept, so lists of any length agree.
func shape(v wire.Value) wire.Value {
	s := wire.Value{Kind: v.Kind, Nil: v.Nil}
	for _, e := range v.Elems {
		s.Elems = append(s.Elems, shape(e))
	}
	s.Elems = slices.CompactFunc(s.Elems, wire.Value.Equal)
	return s
}

// hello removes the values of version and id from a HELLO reply, which is a
// map or, in RESP2, the same as an array.
func hello(v wire.Value) wire.Value {
	v.Elems = slices.Clone(v.Elems)
	for i := 0; i+1 < len(v.Elems); i += 2 {
		if name := v.Elems[i].Text; name == "version" || name == "id" {
			v.Elems[i+1] = shape(v.Elems[i+1])
		}
	}
	return v
}

func TestComparisonsForgiveOnlyWhatTheySay(t *testing.T) {
	integer := func(text string) wire.Value { return wire.Value{Kind: wire.Integer, Text: text} }
	bulk := func(text string) wire.Value { return wire.Value{Kind: wire.Bulk, Text: text} }
	array := func(elems ...wire.Value) wire.Value { return wire.Value{Kind: wire.Array, Elems: elems} }
	for _, tt := range []struct {
		name string
		same comparison
		a, b wire.Value
		want bool
	}{
		{"about near", about(2), integer("100"), integer("98"), true},
		{"about far", about(2), integer("100"), integer("97"), false},
		{"about no TTL", about(2), integer("-1"), integer("-2"), false},
		{"about no TTL against one", about(2), integer("-1"), integer("1"), false},
		{"about errors", about(2), wire.Value{Kind: wire.Error, Text: "a"}, wire.Value{Kind: wire.Error, Text: "b"}, false},
		{"sorted", normalised(sorted), array(bulk("a"), bulk("b")), array(bulk("b"), bulk("a")), true},
		{"sorted contents", normalised(sorted), array(bulk("a"), bulk("a")), array(bulk("a")), false},
		{"shape", normalised(shape), bulk("a"), bulk("b"), true},
		{"shape null", normalised(shape), bulk("a"), wire.Value{Kind: wire.Bulk, Nil: true}, false},
		{"shape kind", normalised(shape), bulk("1"), integer("1"), false},
		{"shape length", normalised(shape), array(bulk("a"), bulk("b")), array(bulk("c")), true},
		{"shape empty", normalised(shape), array(bulk("a")), array(), false},
		{"hello version", normalised(hello), array(bulk("version"), bulk("7")), array(bulk("version"), bulk("8")), true},
		{"hello proto", normalised(hello), array(bulk("proto"), integer("2")), array(bulk("proto"), integer("3")), false},
	} {
		if got := tt.same(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: %s and %s compare as %t", tt.name, tt.a, tt.b, got)
		}
	}
}
