package crdt

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// genFull is any entry that can be stored, with all parts or any of them.
func genFull(t *rapid.T) Entry {
	stamp := func(name string) Stamp {
		return Stamp{Time: rapid.Uint64Range(1, math.MaxUint64).Draw(t, name), Node: rapid.Uint16().Draw(t, name+" node")}
	}
	var e Entry
	writers := rapid.SliceOfNDistinct(rapid.Uint32(), 0, 5, rapid.ID).Draw(t, "writers")
	for _, w := range writers {
		r := Row{Writer: w, P: rapid.Uint64().Draw(t, "P"), N: rapid.Uint64().Draw(t, "N")}
		r.FP, r.FN = rapid.Uint64Range(0, r.P).Draw(t, "FP"), rapid.Uint64Range(0, r.N).Draw(t, "FN")
		if !r.empty() {
			e.Rows = append(e.Rows, r)
		}
	}
	if rapid.Bool().Draw(t, "base") {
		e.Base = Base{Kind: Kind(rapid.IntRange(0, 2).Draw(t, "kind")), Stamp: stamp("based")}
		switch e.Base.Kind {
		case Integer:
			e.Base.Int = rapid.Int64().Draw(t, "int")
		case Bytes:
			e.Base.Bytes = rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		}
	}
	if rapid.Bool().Draw(t, "deadline") {
		e.Deadline = Deadline{At: rapid.Int64Range(0, math.MaxInt64).Draw(t, "at"), Stamp: stamp("set")}
	}
	if rapid.Bool().Draw(t, "quota") {
		e.Quota = Quota{Stamp: stamp("configured"), Capacity: rapid.Uint64().Draw(t, "capacity")}
		if e.Quota.Capacity != 0 {
			e.Quota.Count, e.Quota.Period = rapid.Uint64().Draw(t, "count"), rapid.Int64Range(0, math.MaxInt64).Draw(t, "period")
			e.Quota.Transient = rapid.Bool().Draw(t, "transient")
		}
	}
	if e.Base.Kind != None {
		e.Base.Stamp.Time = e.Base.Stamp.Time&^halfBit | tickStep
	}
	if e.Deadline.At != 0 {
		e.Deadline.Stamp.Time = e.Deadline.Stamp.Time&^halfBit | tickStep
	}
	if e.Quota.Capacity != 0 {
		e.Quota.Stamp.Time = e.Quota.Stamp.Time&^halfBit | tickStep
	}
	e.Since = rapid.Int64Range(0, 1<<50).Draw(t, "since")
	e.settleSince()
	return e
}

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := genFull(t)
		key := rapid.SliceOf(rapid.Byte()).Draw(t, "key")
		shuffled := cloneEntry(&e)
		slices.Reverse(shuffled.Rows)
		record := AppendRecord(nil, key, &e)
		if !bytes.Equal(record, AppendRecord(nil, key, &shuffled)) {
			t.Fatal("the record depends on the order of rows")
		}
		got := Entry{Rows: []Row{{Writer: 3, P: 9}}, Since: 4}
		name, rest, err := DecodeRecord(append(slices.Clone(record), 7, 8), &got)
		if err != nil || !bytes.Equal(name, key) || !bytes.Equal(rest, []byte{7, 8}) || !equal(&got, &e) {
			t.Fatalf("%+v of %q became %+v of %q, %v", e, key, got, name, err)
		}
		for cut := range record {
			if _, _, err := DecodeRecord(record[:cut], &got); !errors.Is(err, ErrShort) {
				t.Fatalf("cut to %d of %d bytes: %v", cut, len(record), err)
			}
		}
	})
}

func TestAWriterIsReadAsItWasWritten(t *testing.T) {
	want := Writer{Node: 513, Life: 1<<63 + 5}
	record := AppendWriter(nil, math.MaxUint32, want)
	number, w, rest, err := DecodeWriter(append(slices.Clone(record), 9))
	if number != math.MaxUint32 || w != want || err != nil || len(rest) != 1 || !IsWriter(record) {
		t.Fatalf("%d %+v %v %v", number, w, rest, err)
	}
	for cut := range record {
		if _, _, _, err := DecodeWriter(record[:cut]); err == nil {
			t.Errorf("cut to %d bytes it is accepted", cut)
		}
	}
	if _, _, _, err := DecodeWriter(AppendRecord(nil, []byte("k"), &Entry{})); !errors.Is(err, ErrCorrupt) {
		t.Errorf("an entry as a writer: %v", err)
	}
}

func TestWhatNoEncoderWritesIsRefused(t *testing.T) {
	const key, stamp, zero = "016b", "02000000000000000100", "00000000000000000000"
	for _, c := range []struct{ name, record string }{
		{"a writer record", "80" + "00" + zero},
		{"a third kind", "07" + key + stamp},
		{"content without a base", "01" + key},
		{"a key too long", "00" + "80808008"},
		{"a long varint", "00" + "8100" + "6b"},
		{"a varint without end", "40" + key + "ffffffffffffffffffff01"},
		{"a base of stamp zero", "04" + key + zero},
		{"a value too long", "06" + key + stamp + "8180808002"},
		{"content with a half stamp", "05" + key + "03000000000000000100" + "02"},
		{"a deadline before 1970", "08" + key + stamp + "ffffffffffffffffff01"},
		{"a needless since", "24" + key + "000000000000000100" + "00" + "05"},
		{"since zero", "20" + key + "00"},
		{"no rows", "40" + key + "00"},
		{"too many rows", "40" + key + "818004" + "0001"},
		{"an empty row", "40" + key + "01" + "0000"},
		{"an empty part", "40" + key + "01" + "010100"},
		{"empty floors", "40" + key + "01" + "02010000"},
		{"a number above 64 bits", "40" + key + "01" + "0201" + "ffffffffffffffffff01" + "00"},
		{"a writer above 32 bits", "40" + key + "01" + "8080808040" + "01"},
		{"a writer after the last", "40" + key + "02" + "fcffffff3f01" + "0001"},
	} {
		src, err := hex.DecodeString(c.record)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if _, _, err := DecodeRecord(src, &Entry{}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, _, err := DecodeRecord([]byte("\x83\xc0\x01\x01k\x01\x00\x01"), &Entry{}); !errors.Is(err, ErrLater) {
		t.Errorf("an entry with a further part: %v", err)
	}
	if _, _, err := DecodeRecord([]byte("\x40\x01k\xff\xff\x03"), &Entry{}); !errors.Is(err, ErrShort) {
		t.Errorf("many rows without bytes: %v", err)
	}
}

func TestARecordBringsAsFewRowsAsOneLikes(t *testing.T) {
	whole := Entry{Rows: []Row{{Writer: 1, P: 5, FP: 3}, {Writer: 2, P: 7}}, Base: Base{Stamp: Stamp{Time: 4}}}
	local := Entry{Rows: []Row{{Writer: 1, P: 4}, {Writer: 2, P: 7}}}
	part := whole
	part.Rows = whole.Rows[:1]
	var remote Entry
	if _, _, err := DecodeRecord(AppendRecord(nil, nil, &part), &remote); err != nil {
		t.Fatal(err)
	}
	if local.Merge(&remote, 0, noHorizon); !equal(&local, &whole) {
		t.Fatalf("%+v", local)
	}
}

// FuzzDecode: every input is an error, or a record that the encoder writes the same way. A record cut off anywhere is
// an error.
func FuzzDecode(f *testing.F) {
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 0))
		e := randomEntry(random)
		f.Add(AppendRecord(AppendWriter(nil, uint32(seed), Writer{Life: seed}), []byte("key"), &e), uint16(random.IntN(40)))
	}
	f.Fuzz(func(t *testing.T, src []byte, cut uint16) {
		e := Entry{Rows: make([]Row, 1)}
		for len(src) > 0 {
			var again, rest []byte
			var err error
			if IsWriter(src) {
				var number uint32
				var w Writer
				number, w, rest, err = DecodeWriter(src)
				again = AppendWriter(nil, number, w)
			} else {
				var key []byte
				if key, rest, err = DecodeRecord(src, &e); err == nil {
					again = AppendRecord(nil, key, &e)
				}
			}
			if err != nil {
				if !errors.Is(err, ErrShort) && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrLater) {
					t.Fatal(err)
				}
				return
			}
			record := src[:len(src)-len(rest)]
			if !bytes.Equal(again, record) {
				t.Fatalf("%x is read as %+v, which is written as %x", record, e, again)
			}
			if _, _, err := DecodeRecord(record[:int(cut)%len(record)], &e); err == nil {
				t.Fatalf("%x is accepted without its end", record)
			}
			src = rest
		}
	})
}

func randomEntry(random *rand.Rand) Entry {
	var e Entry
	for w := range uint32(random.IntN(4)) {
		e.Rows = append(e.Rows, Row{Writer: w * 3, P: 5 + random.Uint64N(1000), N: random.Uint64N(3), FP: random.Uint64N(2) * 5})
	}
	at := func() Stamp {
		return Stamp{Time: (1_700_000_000_000 + random.Uint64N(1000)) << msShift, Node: uint16(random.IntN(3))}
	}
	switch random.IntN(4) {
	case 0:
		e.Base = Base{Kind: Integer, Int: random.Int64N(1000) - 500, Stamp: at()}
	case 1:
		e.Base = Base{Kind: Bytes, Bytes: []byte("value"), Stamp: at()}
	}
	if random.IntN(2) == 0 {
		e.Deadline = Deadline{At: 1_700_000_000_000 + random.Int64N(5000), Stamp: at()}
	}
	if random.IntN(3) == 0 {
		e.Quota = Quota{Capacity: 10, Count: 10, Period: 1e9, Transient: random.IntN(2) == 0, Stamp: at()}
	}
	return e
}

func TestDigestsAreEqualExactlyWhenStatesAre(t *testing.T) {
	writers := make([]Writer, 16)
	other := make([]Writer, 16) // another node's numbers for the same writers
	for i := range writers {
		writers[i] = Writer{Node: uint16(i), Life: uint64(i) * 77}
		other[15-i] = writers[i]
	}
	random := rand.New(rand.NewPCG(1, 1))
	seen := map[uint64]string{}
	for range 20_000 {
		e := randomEntry(random)
		record := string(AppendRecord(nil, []byte("k"), &e))
		d := Digest([]byte("k"), &e, writers)
		if before, ok := seen[d]; ok && before != record {
			t.Fatalf("%x and %x have one digest", before, record)
		}
		seen[d] = record
		moved := cloneEntry(&e)
		slices.Reverse(moved.Rows)
		for i := range moved.Rows {
			moved.Rows[i].Writer = 15 - moved.Rows[i].Writer
		}
		if Digest([]byte("k"), &moved, other) != d {
			t.Fatalf("%+v has another digest where writers have other numbers", e)
		}
		if Digest([]byte("K"), &e, writers) == d {
			t.Fatal("another key has the same digest")
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	key := []byte("limit:user:000000001")
	at := Stamp{Time: 1_700_000_000_000 << msShift, Node: 2}
	e := Entry{Rows: []Row{{Writer: 0, P: 100}, {Writer: 1, P: 7}}, Deadline: Deadline{At: 1_700_000_060_000, Stamp: at}}
	record := AppendRecord(nil, key, &e)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		b.ReportMetric(float64(len(record)), "bytes")
		buf := record
		for b.Loop() {
			buf = AppendRecord(buf[:0], key, &e)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		var d Entry
		for b.Loop() {
			DecodeRecord(record, &d)
		}
	})
	b.Run("decode and merge", func(b *testing.B) {
		b.ReportAllocs()
		local, remote := cloneEntry(&e), Entry{}
		for b.Loop() {
			DecodeRecord(record, &remote)
			local.Merge(&remote, 1_700_000_000_000, math.MaxInt64)
		}
	})
	b.Run("digest", func(b *testing.B) {
		writers := make([]Writer, 2)
		for b.Loop() {
			Digest(key, &e, writers)
		}
	})
}
