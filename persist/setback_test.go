package persist

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
)

// TestADirectoryWhoseClockWasWrongIsSetBackWithoutLoss writes while the clock is a year ahead. After the clock is right
// and the directory is set back, times are right, the last write is still the last, and a peer holds nothing back.
func TestADirectoryWhoseClockWasWrongIsSetBackWithoutLoss(t *testing.T) {
	const truth, year = int64(1_700_000_000_000), int64(365 * 24 * 3600 * 1000)
	files := vfs.NewMemory(64)
	begin := func(machine int64) *Store {
		o := smallOptions(files, slog.New(slog.DiscardHandler))
		o.Peers = true
		o.Clock = func(wall, mono int64) func() engine.Moment {
			return func() engine.Moment { return engine.Moment{Wall: max(wall, machine), Mono: mono + 1} }
		}
		s, err := open(o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	stop := func(s *Store, clean bool) {
		s.flusher.group()
		if clean {
			if err := s.closeClean(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		_ = s.db.Close()
		files = files.Kill()
	}
	write := func(s *Store, name string, fn func(*engine.Tx, engine.Key)) {
		k := s.db.Key([]byte(name))
		tx := s.db.Lock(k, s.now())
		fn(&tx, k)
		tx.Unlock()
	}
	set := func(s *Store, name, value string) {
		write(s, name, func(tx *engine.Tx, k engine.Key) {
			if err := tx.Set(k, engine.Value{Type: engine.String, Str: []byte(value)}, false); err != nil {
				t.Fatal(err)
			}
		})
	}

	s := begin(truth)
	set(s, "before", "old")
	set(s, "deleted", "old")
	stop(s, true)

	s = begin(truth + year)
	set(s, "before", "new")
	set(s, "after", "new")
	write(s, "deleted", func(tx *engine.Tx, k engine.Key) { tx.Delete(k) })
	set(s, "window", "w")
	// a TTL of one minute
	write(s, "window", func(tx *engine.Tx, k engine.Key) { tx.SetDeadline(k, truth+year+60_000) })
	stop(s, false)
	if err := disk.SetBack(files, testDir, truth); !errors.Is(err, disk.ErrUnclean) {
		t.Fatalf("set back after a kill: %v", err)
	}
	stop(begin(truth+year), true)
	if err := disk.SetBack(files, testDir, truth+2*year); !errors.Is(err, disk.ErrNotAhead) {
		t.Fatalf("set forward: %v", err)
	}
	if err := disk.SetBack(files, testDir, truth); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Open(files, testDir); err != nil { // the store has closed the directory and given up its lock
		t.Fatal(err)
	}
	files = files.Kill()

	s = begin(truth)
	if wall := s.now().Wall; wall != truth {
		t.Fatalf("the clock is %v ahead", time.Duration(wall-truth)*time.Millisecond)
	}
	stop(s, true) // a second start changes nothing more
	s = begin(truth + 1000)
	set(s, "after", "last")
	defer stop(s, false)
	for name, want := range map[string]string{"before": "new", "after": "last", "window": "w"} {
		write(s, name, func(tx *engine.Tx, k engine.Key) {
			if got := string(tx.Get(k).Str); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		})
	}
	write(s, "window", func(tx *engine.Tx, k engine.Key) {
		if at := tx.Get(k).Deadline; at != truth+60_000 {
			t.Errorf("the window ends %v from the true time", time.Duration(at-truth)*time.Millisecond)
		}
	})
	notHeld(t, s, truth+1000)
}

// notHeld checks that a peer whose clock is right accepts everything.
func notHeld(t *testing.T, s *Store, wall int64) {
	t.Helper()
	peer, err := engine.Open(engine.Options{Shards: 1, Node: 2, Life: 9, Replicated: true, MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()
	now := engine.Moment{Wall: wall, Mono: 1}
	var batch engine.Batch
	records, keys := 0, 0
	for from := uint64(0); ; {
		from = s.db.Walk(from, s.now(), &batch, 1000)
		for rest := batch.Records; len(rest) > 0; records++ {
			var e crdt.Entry
			name, more, err := crdt.DecodeRecord(rest, &e)
			if err != nil {
				t.Fatal(err)
			}
			if m, _ := peer.Merge(peer.Key(name), &e, now, wall+engine.MaxAhead.Milliseconds()); m.Held != 0 {
				t.Errorf("%s is held back", name)
			}
			rest, keys = more, keys+1
		}
		batch.Reset()
		if from == 0 {
			break
		}
	}
	if keys < 4 {
		t.Errorf("only %d keys", keys)
	}
}
