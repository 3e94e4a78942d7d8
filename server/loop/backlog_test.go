package loop

import "testing"

// TestABacklogTakesLittleMoreThanItHolds: limits of memory count only the bytes that a backlog holds.
func TestABacklogTakesLittleMoreThanItHolds(t *testing.T) {
	var b backlog
	for range 1 << 12 {
		b.add(make([]byte, 100))
		took := 0
		for _, piece := range b.pieces {
			took += cap(piece)
		}
		if spare := took - b.size; spare > max(firstPieceBytes, 2*b.size) || spare > pieceBytes {
			t.Fatalf("%d bytes take %d", b.size, took)
		}
	}
}
