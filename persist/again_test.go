package persist

import (
	"log/slog"
	"testing"

	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/quota"
)

// TestANameUsedAgainBehindAnExpiredQuotaSurvivesTwoStarts: a quota expires, its key is counted on, and the process is
// killed. The log of the next life must not say that the key was dropped: its count is there after that start and after
// all later ones.
func TestANameUsedAgainBehindAnExpiredQuotaSurvivesTwoStarts(t *testing.T) {
	files, wall := vfs.NewMemory(64), int64(testWall)
	start := func() *Store {
		t.Helper()
		o := smallOptions(files, slog.New(slog.DiscardHandler))
		o.Clock = func(_, mono int64) func() engine.Moment {
			return func() engine.Moment { return engine.Moment{Wall: wall, Mono: mono + (wall-testWall)*1e6} }
		}
		s, err := open(o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	change := func(s *Store, fn func(*engine.Tx, engine.Key) error) {
		t.Helper()
		k := s.db.Key([]byte("key1"))
		tx := s.db.Lock(k, s.now())
		defer tx.Unlock()
		if err := fn(&tx, k); err != nil {
			t.Fatal(err)
		}
	}
	s := start()
	change(s, func(tx *engine.Tx, k engine.Key) error {
		rate, err := quota.Limit(5, 60e9)
		if err != nil {
			return err
		}
		return tx.SetQuota(k, rate)
	})
	s.flusher.group()
	change(s, func(tx *engine.Tx, k engine.Key) error { tx.SetDeadline(k, wall+1000); return nil })
	s.flusher.group()
	wall += 1300
	change(s, func(tx *engine.Tx, k engine.Key) error { _, err := tx.Add(k, 1000); return err })
	s.flusher.group()
	point := s.dir.SyncPoint()
	if err := s.dir.Synced(point, point.Sync()); err != nil {
		t.Fatal(err)
	}
	s.flusher.group() // says that the groups before are synced
	for life, clean := range []bool{false, true, false, true} {
		if clean {
			if err := s.closeClean(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		_ = s.db.Close()
		files = files.Kill()
		s = start()
		if got := visible(s)["key1"]; got.Int != 1000 {
			t.Fatalf("start %d: the key is %+v", life, got)
		}
	}
	_ = s.db.Close()
}
