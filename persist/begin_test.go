package persist

import (
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
)

// TestAStartOnAFullDiskServesWhatIsThereAndGoesOnWhenThereIsRoom fills the disk before each operation of a start in
// turn, after a clean stop and after a kill.
func TestAStartOnAFullDiskServesWhatIsThereAndGoesOnWhenThereIsRoom(t *testing.T) {
	for _, clean := range []bool{true, false} {
		refusals := 0
		for room := range 20 { // operations that succeed before the disk is full
			files := vfs.NewMemory(64)
			s, err := openSmall(files, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			count := func(s *Store, want int64) {
				t.Helper()
				k := s.db.Key([]byte("k"))
				tx := s.db.Lock(k, s.now())
				defer tx.Unlock()
				if got, err := tx.Add(k, 1); err != nil || got != want {
					t.Fatalf("clean %v, room for %d operations: %d, %v; want %d", clean, room, got, err, want)
				}
			}
			end := func(s *Store, clean bool) {
				s.flusher.round()
				s.flusher.waitSync()
				if clean {
					late := s.flusher.late
					// A start that succeeded may find no room at its stop.
					if err := s.closeClean(t.Context()); err != nil && (late || !isNoRoom(err)) {
						t.Fatal(err)
					}
				}
				_ = s.db.Close()
				files = files.Kill()
			}
			count(s, 1)
			end(s, clean)

			left := room
			files.SetFault(func(op vfs.Op, _ string, size int) (int, error) {
				if left--; left < 0 && (op == vfs.OpCreate || op == vfs.OpWrite) {
					return 0, syscall.ENOSPC
				}
				return size, nil
			})
			s, err = openSmall(files, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatalf("clean %v, room for %d operations: no start: %v", clean, room, err)
			}
			k := s.db.Key([]byte("k"))
			tx := s.db.Lock(k, s.now())
			if got := tx.Get(k); got.Type != engine.Integer || got.Int != 1 {
				t.Errorf("k is %+v", got)
			}
			tx.Unlock()
			if f := s.Refusal(); f != nil {
				refusals++
				if !strings.Contains(f.Err.Error(), "no space left") {
					t.Error(f.Err)
				}
				for range 3 { // still no room
					s.flusher.repair = time.Time{}
					s.flusher.round()
				}
			}
			if room%2 == 1 { // stopped in this state, or killed
				end(s, room%4 == 1)
			} else {
				files.SetFault(nil)
				s.flusher.repair = time.Time{}
				s.flusher.round()
				if f := s.Refusal(); f != nil {
					t.Fatalf("clean %v, room for %d operations: writes are refused though there is room: %v", clean, room, f.Err)
				}
				count(s, 2)
				end(s, room%4 == 0)
			}
			files.SetFault(nil)
			if s, err = openSmall(files, slog.New(slog.DiscardHandler)); err != nil {
				t.Fatal(err)
			}
			count(s, 3-int64(room%2))
			end(s, true)
		}
		if refusals < 3 {
			t.Errorf("clean %v: only %d starts found the disk full", clean, refusals)
		}
	}
}
