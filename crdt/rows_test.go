package crdt

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// TestRowsMergeInAnyOrder joins few and many rows, whose writers the two sides have in different orders.
func TestRowsMergeInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		most := 1 + r.IntN(4*searchedRows)
		want := map[uint32]uint64{}
		side := func() (e Entry) {
			for _, writer := range r.Perm(most)[:r.IntN(most+1)] {
				row := Row{Writer: uint32(writer), P: 1 + r.Uint64N(5)}
				e.Rows = append(e.Rows, row)
				want[row.Writer] = max(want[row.Writer], row.P)
			}
			return e
		}
		e, remote := side(), side()
		e.Merge(&remote, 0, 0)
		got := map[uint32]uint64{}
		for _, row := range e.Rows {
			got[row.Writer] = row.P
		}
		if len(got) != len(e.Rows) || !maps.Equal(got, want) {
			t.Fatalf("%v, want %v", e.Rows, want)
		}
	}
}

func BenchmarkMergeRows(b *testing.B) {
	for _, rows := range []int{1, 8, MaxRows} {
		for _, order := range []string{"same", "reversed"} {
			b.Run(fmt.Sprint(rows, " ", order), func(b *testing.B) {
				var e, remote Entry
				for i := range rows {
					e.Rows = append(e.Rows, Row{Writer: uint32(i), P: 1})
					at := i
					if order == "reversed" {
						at = rows - 1 - i
					}
					remote.Rows = append(remote.Rows, Row{Writer: uint32(at), P: 1})
				}
				for b.Loop() {
					e.Merge(&remote, 0, 0)
				}
			})
		}
	}
}
