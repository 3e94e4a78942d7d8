package history_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	. "github.com/quotadb/quota-db/internal/history"
)

// BenchmarkCheck checks 1,000,000 operations, with 20 restarts of nodes in between.
func BenchmarkCheck(b *testing.B) {
	for _, c := range []struct {
		name   string
		keys   int
		digits bool
	}{{"10k keys, sums", 10_000, false}, {"40k keys, decoded", 40_000, true}, {"1 key, sums", 1, false}} {
		b.Run(c.name, func(b *testing.B) {
			h := long(c.keys, c.digits)
			b.ReportAllocs()
			for b.Loop() {
				if found := h.Check(); len(found) != 0 {
					b.Fatal(found[0])
				}
			}
		})
	}
}

// long is a history of nodes that hear of each other at once; most operations overlap with a few others.
func long(keys int, digits bool) *History {
	const ops, under = 1_000_000, 8
	type request struct {
		id    ID
		reply int64
	}
	h := New(3, nil)
	r := rand.New(rand.NewPCG(1, 1))
	names, values, used := make([]string, keys), make([]int64, keys), make([]int, keys)
	for i := range names {
		names[i] = "key:" + strconv.Itoa(i)
	}
	var open []request
	for i := range ops {
		k := r.IntN(keys)
		op := Op{Node: r.IntN(3), Kind: Get, Key: names[k]}
		switch {
		case digits && used[k] < Digits:
			op.Kind, op.Delta = Incr, Digit(used[k])
			used[k]++
		case !digits:
			op.Kind, op.Delta = Incr, 1
		}
		id := h.Invoke(op)
		values[k] += op.Delta
		open = append(open, request{id, values[k]})
		if len(open) > under {
			j := r.IntN(len(open))
			h.Ok(open[j].id, open[j].reply)
			open[j] = open[len(open)-1]
			open = open[:len(open)-1]
		}
		if i%(ops/20) == ops/40 {
			m := h.Mark()
			h.Start(i/(ops/20)%3, DiskAt(i/(ops/20)%3, m))
		}
	}
	return h
}
