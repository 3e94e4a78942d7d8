package history

import (
	"math/rand/v2"
	"testing"
)

func TestAValueNamesItsOperations(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		base := bases[r.IntN(len(bases))]
		var writes []write
		for power := int64(1); len(writes) < 15; power *= base {
			amount := power
			if r.IntN(3) == 0 {
				amount = -amount
			}
			writes = append(writes, newWrite(ID(len(writes)), &call{kind: Incr, amount: amount}))
		}
		n := &notation{base: base}
		if !n.fill(nil, writes, nil) {
			t.Fatalf("base %d: amounts are not told apart", base)
		}
		most := int64(1) // that the base has room for
		if base >= 3 {
			most = min(base-1, 2)
		}
		times, value := make([]int64, len(writes)), int64(0)
		for i, w := range writes {
			times[i] = r.Int64N(most + 1)
			value += times[i] * w.call.amount
		}
		parts, strange, rest := n.read(value, nil)
		if strange >= 0 || rest {
			t.Fatalf("base %d: %d has %d, %v", base, value, strange, rest)
		}
		for _, p := range parts {
			times[p.write] -= p.times
		}
		for i, left := range times {
			if left != 0 {
				t.Fatalf("base %d: %d: of operation %d, %d are not read", base, value, i, left)
			}
		}
	}
}

func TestCoverageTellsWhatWasRead(t *testing.T) {
	h := New(1, nil)
	for i, key := range []string{"told", "told", "sums", "sums"} {
		delta := int64(7)
		if key == "told" {
			delta = Digit(i)
		}
		id := h.Invoke(Op{Kind: Incr, Key: key, Delta: delta})
		h.Ok(id, []int64{1, 5, 7, 14}[i])
	}
	found, got := h.CheckCoverage()
	if want := (Coverage{Reads: 4, Decoded: 1, Bounded: 1}); got != want || len(found) != 0 {
		t.Fatalf("got %+v, %v; want %+v", got, found, want)
	}
}
