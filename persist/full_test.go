package persist

import (
	"log/slog"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/quota"
)

// TestATransientQuotaThatWasFullStaysEndedAfterAKill: after the kill the key has its later count, or does not exist; it
// is no quota. A quota that was not full yet is still there.
func TestATransientQuotaThatWasFullStaysEndedAfterAKill(t *testing.T) {
	for _, c := range []struct {
		name      string
		clustered bool
		passed    time.Duration
		count     bool
		want      engine.Type
	}{
		{"full", false, 3 * time.Second, false, engine.None},
		{"full, with peers", true, 3 * time.Second, false, engine.None},
		{"full and counted on", false, 3 * time.Second, true, engine.Integer},
		{"not full", false, time.Second, false, engine.Quota},
	} {
		files, now := vfs.NewMemory(64), time.Duration(0)
		start := func() *Store {
			t.Helper()
			o := smallOptions(files, slog.New(slog.DiscardHandler))
			o.Peers = c.clustered
			began := now
			o.Clock = func(_, mono int64) func() engine.Moment {
				return func() engine.Moment {
					return engine.Moment{Wall: testWall + now.Milliseconds(), Mono: mono + int64(now-began)}
				}
			}
			s, err := open(o)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := start()
		key := func() engine.Key { return s.db.Key([]byte("key1")) }
		rate, err := quota.Limit(50, 50*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		tx := s.db.Lock(key(), s.now())
		if taken, _, err := tx.Throttle(key(), rate, 2); !taken || err != nil {
			t.Fatal(taken, err)
		}
		tx.Unlock()
		s.flusher.group()
		now += c.passed
		for done := false; !done; {
			_, done = s.db.Sweep(s.now(), 100)
		}
		now += 20 * time.Millisecond
		if c.count {
			tx := s.db.Lock(key(), s.now())
			if _, err := tx.Add(key(), 7); err != nil {
				t.Fatal(err)
			}
			tx.Unlock()
		}
		if c.want != engine.Quota && !s.flusher.changed() {
			t.Errorf("%s: nothing tells the disk that the quota has ended", c.name)
		}
		s.flusher.group()
		_ = s.db.Close()
		files = files.Kill()
		s = start()
		tx = s.db.Lock(key(), s.now())
		if got := tx.Get(key()); got.Type != c.want {
			t.Errorf("%s: after the kill the key is %+v", c.name, got)
		}
		if got, err := tx.Add(key(), 1); c.count && got != 8 || err != nil {
			t.Errorf("%s: INCR answers %d, %v", c.name, got, err)
		}
		tx.Unlock()
		_ = s.db.Close()
	}
}
