package engine

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/quotadb/quota-db/crdt"
)

// FuzzRecord packs any entry, over whatever the memory held before. The record must hold exactly that entry, its sum
// and its increments in place must be those of the entry, and what lies behind it must stay.
func FuzzRecord(f *testing.F) {
	for _, seed := range []string{
		"", "\x14\x01\x02\x03", "\xff\x00\x03\x01\x00\x02\x05\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x01\x00\x00",
		"\x07\x3f\x05\x00\x0c\x01\x01\x07\x01\x02\x01\x03\x01\x04\x21\x02\x01\x06\x01\x01\x01\x02\x01\x03",
	} {
		f.Add([]byte(seed), int64(1), byte(0xaa))
		f.Add([]byte(seed), int64(-70_000), byte(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, delta int64, before byte) {
		e, key := (&entryReader{text}).entry()
		h, size := layout(key, &e)
		if size != align8(size) {
			t.Fatalf("%d bytes", size)
		}
		rec := record(bytes.Repeat([]byte{before}, size+tailBytes))
		rec.pack(h, key, &e)
		checkRecord(t, rec, size, key, &e)
		if got := rec[size:]; !bytes.Equal(got, bytes.Repeat([]byte{before}, tailBytes)) {
			t.Fatalf("behind the record is %x", got)
		}
		if value, ok := rec.sum(); ok && value != e.Int() {
			t.Fatalf("%+v: the sum is %d, not %d", e, value, e.Int())
		}
		if value, ok := rec.addInPlace(delta, 0); ok {
			own := e.Row(primary)
			if own == nil || !own.Fits(delta) || !e.HasRoom(delta) {
				t.Fatalf("%+v has no room for %d", e, delta)
			}
			if own.Add(delta); value != e.Int() {
				t.Fatalf("%+v: the value is %d, not %d", e, value, e.Int())
			}
		}
		checkRecord(t, rec, size, key, &e)
		if got := rec[size:]; !bytes.Equal(got, bytes.Repeat([]byte{before}, tailBytes)) {
			t.Fatalf("behind the record is %x", got)
		}
	})
}

func checkRecord(t *testing.T, rec record, size int, key []byte, e *crdt.Entry) {
	t.Helper()
	var got crdt.Entry
	rec.unpack(&got)
	if rec.isDead() || rec.size() != size || !bytes.Equal(rec.key(), key) || describe(&got) != describe(e) {
		t.Fatalf("size %d, not %d; %+v, not %+v", rec.size(), size, got, *e)
	}
}

// FuzzRepack packs one entry over another one of the same size, whose base bytes it keeps.
func FuzzRepack(f *testing.F) {
	f.Add([]byte("\x03\x02\x02\x00\x00\x00\x01\x05\x00\x00\x00"), []byte("\x03\x02\x02\x00\x00\x00\x02\xff\xff\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		a, key := (&entryReader{first}).entry()
		b, _ := (&entryReader{second}).entry()
		a.Base = crdt.Base{Kind: crdt.Bytes, Bytes: []byte("text"), Stamp: crdt.Stamp{Time: 1, Node: 1}}
		want := describe(&a)
		h, size := layout(key, &a)
		rec := record(make([]byte, size+tailBytes))
		rec.pack(h, key, &a)
		var kept crdt.Entry
		if rec.unpack(&kept); describe(&kept) != want {
			t.Fatalf("%s, not %s", describe(&kept), want)
		}
		b.Base = kept.Base // aliases the record
		b.Since = a.Since
		want = describe(&b)
		if h, again := layout(key, &b); again == size {
			rec.pack(h, key, &b)
			if rec.unpack(&kept); describe(&kept) != want {
				t.Fatalf("%s, not %s", describe(&kept), want)
			}
		}
	})
}

// entryReader makes entries of any bytes, so that a fuzzer finds all forms.
type entryReader struct{ rest []byte }

func (r *entryReader) byte() byte {
	if len(r.rest) == 0 {
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// number is a number of any width: a byte says how many bytes follow.
func (r *entryReader) number() uint64 {
	var word [8]byte
	for i := range int(r.byte() % 9) {
		word[i] = r.byte()
	}
	return binary.LittleEndian.Uint64(word[:])
}

// entry is an entry as a decoder lets it pass: no floor is above its number, and the row of the primary writer is the
// first, as unpack gives it.
func (r *entryReader) entry() (e crdt.Entry, key []byte) {
	key = bytes.Repeat([]byte{'k'}, int(r.byte())*int(1+r.byte()&1))
	parts := r.byte()
	if parts&1 != 0 {
		e.Since = int64(r.number() >> 1)
	}
	if parts&2 != 0 {
		e.Base.Stamp = crdt.Stamp{Time: r.number(), Node: uint16(r.number())}
		if e.Base.Stamp != (crdt.Stamp{}) {
			switch e.Base.Kind = crdt.Kind(r.byte() % 3); e.Base.Kind {
			case crdt.Integer:
				e.Base.Int = int64(r.number())
			case crdt.Bytes:
				e.Base.Bytes = bytes.Repeat([]byte{'b'}, int(r.byte()))
			}
		}
	}
	if parts&4 != 0 {
		e.Deadline = crdt.Deadline{At: int64(r.number() >> 1), Stamp: crdt.Stamp{Time: r.number(), Node: 1}}
	}
	if parts&8 != 0 {
		e.Quota = crdt.Quota{Capacity: r.number(), Count: r.number(), Period: int64(r.number() >> 1), Stamp: crdt.Stamp{Time: r.number(), Node: 2}}
		e.Quota.Transient = parts&16 != 0
	}
	writer := uint32(primary)
	if parts&32 == 0 {
		writer = 1
	}
	for len(r.rest) > 0 && len(e.Rows) < 300 {
		e.Rows = append(e.Rows, r.row(writer))
		writer += 1 + uint32(r.number())%(1<<24)
	}
	if len(e.Rows) == 0 {
		e.Rows = append(e.Rows, crdt.Row{P: 1})
	}
	return e, key
}

func (r *entryReader) row(writer uint32) crdt.Row {
	row := crdt.Row{Writer: writer, P: r.number()}
	forms := r.byte()
	if forms&1 != 0 {
		row.N = r.number()
	}
	if forms&2 != 0 {
		row.FP = min(r.number(), row.P)
	}
	if forms&4 != 0 {
		row.FN = min(r.number(), row.N)
	}
	if forms&8 != 0 {
		row.FN = min(row.FP, row.N)
	}
	if forms&16 != 0 {
		row.N, row.FP, row.FN = row.P, row.P, row.P
	}
	if forms&32 != 0 {
		row.FP = row.P
	}
	if forms&64 != 0 {
		row.N = row.FN
	}
	return row
}
