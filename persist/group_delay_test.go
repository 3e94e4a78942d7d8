package persist

import (
	"testing"
	"time"
)

// TestAwaitWakesTheFlusherWhenAGroupDelayIsOver, though nobody came in time to join the group.
func TestAwaitWakesTheFlusherWhenAGroupDelayIsOver(t *testing.T) {
	s, _ := openAlways(t)
	await := func() {
		change(t, s.db)
		if !s.Await(s.Group(), false, func() {}) {
			t.Fatal("the group is synced before anybody has synced it")
		}
	}
	for range 3 {
		await()
	}
	s.flusher.round() // releases three: the next sync may wait for as many
	isRoused(s)
	s.flusher.groupDelay.until = s.time().Add(-time.Nanosecond)
	s.flusher.round() // the time is over, and nobody has come
	if await(); !isRoused(s) {
		t.Error("the flusher is not woken")
	}
}
