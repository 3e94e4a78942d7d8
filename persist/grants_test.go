package persist

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/quota"
)

// TestGrantsDoNotPileUp: with the durability none nobody syncs until there are many; while a sync hangs, only the last
// reserve of each quota stays.
func TestGrantsDoNotPileUp(t *testing.T) {
	for _, stuck := range []bool{false, true} {
		o := smallOptions(vfs.NewMemory(64), slog.New(slog.DiscardHandler))
		o.Durability, o.Engine.MaxBytes = None, 1<<24
		s, err := open(o)
		if err != nil {
			t.Fatal(err)
		}
		f := s.flusher
		f.spawn = func(fn func()) { fn() }
		f.syncing = stuck
		rate, err := quota.Limit(1_000_000, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		const quotas, rounds = 1000, 400
		most := 0
		for range rounds {
			for i := range quotas {
				k := s.db.Key(fmt.Append(nil, i))
				tx := s.db.Lock(k, s.now())
				if _, _, err := tx.Throttle(k, rate, 1); err != nil {
					t.Fatal(err)
				}
				tx.Unlock()
			}
			f.round()
			if most = max(most, len(f.grants)); !stuck && f.syncing {
				f.endSync(<-f.synced)
			}
		}
		if most > 2*mostGrants+quotas {
			t.Errorf("a sync that does not end: %v: %d grants wait", stuck, most)
		}
		_ = s.db.Close()
	}
}
