package persist

import (
	"log/slog"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
)

// TestAwaitWakesTheFlusherWhenAGroupDelayIsOver, though nobody came in time to join the group.
func TestAwaitWakesTheFlusherWhenAGroupDelayIsOver(t *testing.T) {
	o := smallOptions(vfs.NewMemory(64), slog.New(slog.DiscardHandler))
	o.Durability = Always
	s, err := open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		go s.flusher.follow()
		_ = s.Close(t.Context())
	}()
	await := func() {
		change(t, s.db)
		if !s.Await(s.Group(), false, func() {}) {
			t.Fatal("the group is synced before anybody has synced it")
		}
	}
	isRoused := func() bool {
		select {
		case <-s.wake:
			return true
		default:
			return false
		}
	}
	for range 3 {
		await()
	}
	s.flusher.round() // releases three: the next sync may wait for as many
	isRoused()
	s.flusher.groupDelay.until = s.time().Add(-time.Nanosecond)
	s.flusher.round() // the time is over, and nobody has come
	if await(); !isRoused() {
		t.Error("the flusher is not woken")
	}
}
