package command

import (
	"math/bits"
	"slices"
)

// comparison has the lengths of the longest common subsequences of all prefixes of two texts a and b. For each prefix
// of a it has a row of bits, one bit for each byte of b. The bit is 0 if the length grows by one with that byte of b. A
// row is computed from the row above it, 64 bits at a time (Hyyrö, "Bit-parallel LCS-length computation revisited",
// 2004).
type comparison struct {
	a, b  []byte
	words int      // of a row
	rows  []uint64 // the row of a[:i+1] begins at i*words; bits after b's last bit are 1
}

func compareTexts(a, b []byte) *comparison {
	words := (len(b) + 63) / 64
	t := &comparison{a, b, words, make([]uint64, len(a)*words)}
	var where [256][]uint64 // for each byte that a has: a bit for each place of that byte in b
	for _, x := range a {
		if where[x] == nil {
			where[x] = make([]uint64, words)
		}
	}
	for j, y := range b {
		if places := where[y]; places != nil {
			places[j/64] |= 1 << (j % 64)
		}
	}
	above := slices.Repeat([]uint64{^uint64(0)}, words)
	for i, x := range a {
		row, places, carry := t.rows[i*words:][:words], where[x], uint64(0)
		for w, bitsAbove := range above {
			var sum uint64
			sum, carry = bits.Add64(bitsAbove, bitsAbove&places[w], carry)
			row[w] = sum | bitsAbove&^places[w]
		}
		above = row
	}
	return t
}

// length is the length of the longest common subsequence.
func (t *comparison) length() int64 {
	n := 0
	for _, word := range t.rows[max(len(t.a)-1, 0)*t.words:] {
		n += bits.OnesCount64(^word)
	}
	return int64(n)
}

// grows reports whether the subsequence of a[:i] and b[:j] is longer than that of a[:i] and b[:j-1].
func (t *comparison) grows(i, j int) bool {
	return t.rows[(i-1)*t.words+(j-1)/64]>>((j-1)%64)&1 == 0
}

// run is a piece that both texts have: at position a in the first, at position b in the second.
type run struct{ a, b, length int }

// runs are the pieces of the longest common subsequence, the last one first. If there are several such subsequences, it
// chooses the same one as Redis.
func (t *comparison) runs() []run {
	var found []run
	for i, j := len(t.a), len(t.b); i > 0 && j > 0; {
		n := 0
		for n < min(i, j) && t.a[i-1-n] == t.b[j-1-n] {
			n++
		}
		switch {
		case n > 0:
			i, j = i-n, j-n
			found = append(found, run{i, j, n})
		case t.grows(i, j): // a[i-1] is not b[j-1], so without a[i-1] the length stays the same
			i--
		default:
			j--
		}
	}
	return found
}

// common is the longest common subsequence.
func (t *comparison) common() []byte {
	var text []byte
	for _, r := range slices.Backward(t.runs()) {
		text = append(text, t.a[r.a:][:r.length]...)
	}
	return text
}
