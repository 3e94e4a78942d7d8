package shares

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quotadb/quota-db/quota"
)

// TestFullPartsOfOthersAreThoseOfTheirRanks compares Others, Beside, Stranded and what a new quota knows with the part
// of each member alone.
func TestFullPartsOfOthersAreThoseOfTheirRanks(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	for round := range 300 {
		nodes := 1 + rng.IntN(40)
		w := newDeskWorld(t, nodes, rng.Uint64())
		down := rng.IntN(4)
		limit, key := 1+rng.Uint64N(100), fmt.Appendf(nil, "key %d", round)
		rate := perMinute("", limit).rate
		if rng.IntN(3) == 0 {
			rate.Count = 1 + rng.Uint64N(limit)
		}
		up, apart := uint64(0), uint64(0)
		for i, p := range w.peers {
			if part := w.desk.partOf(p.node, key, rate).Capacity; i < down {
				apart += part
			} else {
				w.connect(p)
				up += part
			}
		}
		own := w.desk.partOf(1, key, rate)
		for name, is := range map[string][2]uint64{
			"Others":   {w.desk.Others(key, rate, w.now), up},
			"Beside":   {w.desk.Beside(key, rate, own, w.now), up},
			"Stranded": {w.desk.Stranded(key, rate), apart},
		} {
			if is[0] != is[1] {
				t.Fatalf("seed %d: %s of %d tokens in %d parts, %d down: %d, want %d", seed, name, limit, nodes, down, is[0], is[1])
			}
		}
		if q := w.desk.know(key, &Want{Rate: rate}, w.now); q != nil {
			for i, m := range w.desk.members {
				if want := w.desk.partOf(m.node, key, rate); q.seats[i].part != want {
					t.Fatalf("seed %d: part %v of node %d, want %v", seed, q.seats[i].part, m.node, want)
				}
			}
		}
	}
}

// BenchmarkWhatOthersHave is what a reply asks a desk that knows nothing of the key: on 3, 9 and 65 nodes, with all of
// them connected and with one down.
func BenchmarkWhatOthersHave(b *testing.B) {
	for _, nodes := range []int{3, 9, 65} {
		for _, down := range []int{0, 1} {
			w := newDeskWorld(b, nodes, 1)
			for _, p := range w.peers[down:] {
				w.connect(p)
			}
			key, rate := []byte("a key of a user"), perMinute("", uint64(1000*nodes+1)).rate
			part := w.desk.partOf(w.desk.node, key, rate)
			b.Run(fmt.Sprintf("Beside/%d nodes, %d down", nodes, down), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					w.desk.Beside(key, rate, part, w.now)
				}
			})
			b.Run(fmt.Sprintf("Soonest/%d nodes, %d down", nodes, down), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					w.desk.Soonest(key, rate, part, quota.Bucket{}, 1, w.now)
				}
			})
		}
	}
}
