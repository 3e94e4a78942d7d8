package command

import (
	"math/bits"
	"slices"
)

// comparison knows the length of the longest common subsequence of any beginnings of two texts: for each beginning of
// a, a row of bits, one for each byte of b, that is 0 where the length grows by one with that byte. A row follows from
// the one above 64 bits at a time (Hyyrö, "Bit-parallel LCS-length computation revisited", 2004).
type comparison struct {
	a, b  []byte
	words int      // of a row
	rows  []uint64 // that of a[:i+1] begins at i*words; what is behind b's last bit is 1
}

func compareTexts(a, b []byte) *comparison {
	words := (len(b) + 63) / 64
	t := &comparison{a, b, words, make([]uint64, len(a)*words)}
	var where [256][]uint64 // in b: 1 for each place of a byte that a has
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

// grows reports whether the length is greater for a[:i] and b[:j] than for a[:i] and b[:j-1].
func (t *comparison) grows(i, j int) bool {
	return t.rows[(i-1)*t.words+(j-1)/64]>>((j-1)%64)&1 == 0
}

// run is a piece that both texts have, at a in the one and at b in the other.
type run struct{ a, b, length int }

// runs are the pieces that the subsequence consists of, found from the end. Of several subsequences it is the one that
// Redis finds.
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
		case t.grows(i, j): // so it does not shrink without a's last byte, which b[j-1] is not
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
