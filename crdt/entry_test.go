package crdt

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func genEntry(t *rapid.T) Entry {
	var e Entry
	for w := range rapid.IntRange(0, 4).Draw(t, "rows") {
		r := Row{Writer: uint32(w), P: rapid.Uint64().Draw(t, "P"), N: rapid.Uint64().Draw(t, "N")}
		r.FP = rapid.Uint64Range(0, r.P).Draw(t, "FP")
		r.FN = rapid.Uint64Range(0, r.N).Draw(t, "FN")
		e.Rows = append(e.Rows, r)
	}
	if rapid.Bool().Draw(t, "base") {
		e.Base = Base{Kind: Integer, Int: rapid.Int64().Draw(t, "int"), Stamp: Stamp{Time: 2 * rapid.Uint64Range(1, 1<<60).Draw(t, "at")}}
	}
	if rapid.Bool().Draw(t, "deadline") {
		e.Deadline = Deadline{At: rapid.Int64Range(1, 1<<40).Draw(t, "deadline at"), Stamp: Stamp{Time: 2 * rapid.Uint64Range(1, 1<<60).Draw(t, "stamped")}}
	}
	return e
}

func TestIntIsTheExactSumHeldWithinInt64(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := genEntry(t)
		sum := new(big.Int)
		if e.Base.Kind == Integer {
			sum.SetInt64(e.Base.Int)
		}
		for _, r := range e.Rows {
			sum.Add(sum, new(big.Int).SetUint64(r.P-r.FP))
			sum.Sub(sum, new(big.Int).SetUint64(r.N-r.FN))
		}
		want := sum.Int64()
		if !sum.IsInt64() {
			want = math.MaxInt64
			if sum.Sign() < 0 {
				want = math.MinInt64
			}
		}
		if got := e.Int(); got != want {
			t.Fatalf("Int is %d, the sum %s", got, sum)
		}
	})
}

func TestSetRemovesWhatWasVisibleAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := genEntry(t)
		before := append([]Row(nil), e.Rows...)
		base := Base{Kind: Integer, Int: rapid.Int64Range(-1<<40, 1<<40).Draw(t, "new"), Stamp: Stamp{Time: 1 << 61}}
		e.Set(base)
		if e.Int() != base.Int {
			t.Fatalf("after Set %d the value is %d", base.Int, e.Int())
		}
		for i, r := range e.Rows {
			if r.P != before[i].P || r.N != before[i].N || !r.AtFloor() {
				t.Fatalf("row %+v became %+v", before[i], r)
			}
		}
		e.Rows = append(e.Rows, Row{Writer: 99, P: 5})
		if e.Int() != base.Int+5 {
			t.Fatalf("5 counted on top of Set %d reads %d", base.Int, e.Int())
		}
	})
}

func TestCloseLeavesNothingAndLosesToAnyLaterWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := genEntry(t)
		base, deadline := e.Base.Stamp, e.Deadline.Stamp
		e.Close()
		if e.Exists() || e.Expired(math.MaxInt64) {
			t.Fatal("something is left")
		}
		next := Stamp{Time: base.Later(deadline).Time + tickStep}
		if !e.Base.Stamp.Less(next) || !e.Deadline.Stamp.Less(next) {
			t.Fatalf("closing is stamped %+v and %+v, not before the next ordinary stamp", e.Base.Stamp, e.Deadline.Stamp)
		}
		if e.Base.Stamp.Less(base) || e.Base.Stamp.Less(deadline) {
			t.Fatal("closing is stamped before what it closes")
		}
		again := e
		again.Close()
		if again.Base.Stamp != e.Base.Stamp || again.Deadline != e.Deadline {
			t.Fatal("closing twice is not closing once")
		}
	})
}

func TestRowsCountUpToTheirLastBit(t *testing.T) {
	r := Row{P: math.MaxUint64 - 1, N: math.MaxUint64 - 1<<63 + 1}
	for _, c := range []struct {
		delta int64
		fits  bool
	}{{0, true}, {1, true}, {2, false}, {math.MaxInt64, false}, {-1, true}, {math.MinInt64 + 2, true}, {math.MinInt64, false}} {
		if r.Fits(c.delta) != c.fits {
			t.Errorf("Fits(%d) is %v", c.delta, !c.fits)
		}
	}
	r = Row{}
	r.Add(math.MinInt64)
	if r.N != 1<<63 {
		t.Errorf("the smallest delta counts %d", r.N)
	}
}

func TestClockOnlyGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Clock
		last := Stamp{}
		for _, now := range rapid.SliceOf(rapid.Int64Range(0, 1<<45)).Draw(t, "times") {
			s := c.Next(now, 7)
			if !last.Less(s) || !last.Half().Less(s) || s.Time&halfBit != 0 || s.Time>>msShift < uint64(now) {
				t.Fatalf("%+v after %+v at %d", s, last, now)
			}
			last = s
		}
	})
}
