package persist

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
)

// openAlways is a store with durability always, whose flusher does not run until the end of the test, and its disk. Its
// last sync was quick, and so are the next ones: its clock stands still.
func openAlways(t *testing.T) (*Store, *vfs.Memory) {
	t.Helper()
	files := vfs.NewMemory(64)
	o := smallOptions(files, slog.New(slog.DiscardHandler))
	o.Durability = Always
	now := time.Now()
	o.Time = func() time.Time { return now }
	s, err := open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		files.SetFault(nil)
		go s.flusher.follow()
		_ = s.Close(t.Context())
	})
	s.quick.Store(true)
	return s, files
}

// noHandOver is for a Lead that does not take long.
func noHandOver() { panic("the loop is handed over") }

// writeAndAwait changes a key and waits for its group as an event loop does.
func writeAndAwait(t *testing.T, s *Store) (group uint64, woken *bool, led bool) {
	t.Helper()
	change(t, s.db)
	woken = new(bool)
	group = s.Group()
	waits, led := s.AwaitLed(group, func() { *woken = true })
	if !waits {
		t.Fatal("the group is synced before anybody has synced it")
	}
	return group, woken, led
}

// isRoused reports whether the flusher's goroutine would be woken.
func isRoused(s *Store) bool {
	select {
	case <-s.wake:
		return true
	default:
		return false
	}
}

func TestALeaderSyncsWithoutTheFlusher(t *testing.T) {
	s, _ := openAlways(t)
	for range 3 {
		group, woken, led := writeAndAwait(t, s)
		if !led || isRoused(s) {
			t.Fatalf("led %v; the flusher is woken although the caller will lead", led)
		}
		if again := s.Lead(noHandOver); again || !s.Safe(group) || !*woken {
			t.Fatalf("after Lead: again %v, safe %v, woken %v", again, s.Safe(group), *woken)
		}
		if isRoused(s) {
			t.Fatal("the flusher is woken although nothing is left")
		}
	}
}

func TestASlowDiskIsLeftToTheFlusher(t *testing.T) {
	s, _ := openAlways(t)
	s.quick.Store(false)
	if _, _, led := writeAndAwait(t, s); led || !isRoused(s) {
		t.Errorf("led %v, want the flusher to be woken instead", led)
	}
	s.flusher.round()
	if !s.quick.Load() {
		t.Error("after a quick sync nobody may lead")
	}
	s.flusher.last = s.time().Add(-quickSync - time.Millisecond)
	s.flusher.endSync(syncResult{point: s.flusher.dir.SyncPoint()})
	if s.quick.Load() {
		t.Error("after a slow sync a loop may lead")
	}
}

func TestALeaderThatComesSecondIsServedByTheFirstOne(t *testing.T) {
	s, files := openAlways(t)
	writeAndAwait(t, s)
	var second uint64
	var woken *bool
	files.SetFault(func(op vfs.Op, _ string, size int) (int, error) {
		if op == vfs.OpSync && second == 0 { // the first loop syncs
			second, woken, _ = writeAndAwait(t, s)
			if s.Lead(noHandOver) {
				t.Error("the second loop is to try again at once")
			}
		}
		return size, nil
	})
	if !s.Lead(noHandOver) {
		t.Fatal("the first loop is not told that another one has come")
	}
	if again := s.Lead(noHandOver); again || !s.Safe(second) || !*woken {
		t.Errorf("after the next Lead: again %v, safe %v, woken %v", again, s.Safe(second), *woken)
	}
}

func TestALeaderWhoseSyncFailsWakesItsClients(t *testing.T) {
	s, files := openAlways(t)
	group, woken, _ := writeAndAwait(t, s)
	files.SetFault(func(op vfs.Op, _ string, size int) (int, error) {
		if op == vfs.OpSync {
			return 0, errors.New("the disk is broken")
		}
		return size, nil
	})
	s.Lead(noHandOver)
	if s.Safe(group) || !*woken || s.Refusal() == nil {
		t.Errorf("safe %v, woken %v, refusal %v", s.Safe(group), *woken, s.Refusal())
	}
	if _, _, led := writeAndAwait(t, s); led {
		t.Error("a loop may lead although the last sync has failed")
	}
	if s.Lead(noHandOver); !isRoused(s) {
		t.Error("a failing disk is not left to the flusher")
	}
}

// TestALoopWhoseSyncHangsIsHandedOver, once, by the flusher's goroutine. Clients that come meanwhile are served when
// the sync has ended.
func TestALoopWhoseSyncHangsIsHandedOver(t *testing.T) {
	s, files := openAlways(t)
	s.time = time.Now
	defer func() { s.stop, s.stopped = make(chan struct{}), make(chan struct{}) }() // for the end of openAlways
	hanging, gate := make(chan struct{}, 1), make(chan struct{})
	files.SetFault(func(op vfs.Op, _ string, size int) (int, error) {
		if op == vfs.OpSync {
			select {
			case hanging <- struct{}{}:
			default:
			}
			<-gate
		}
		return size, nil
	})
	first := make(chan struct{})
	change(t, s.db)
	if _, led := s.AwaitLed(s.Group(), func() { close(first) }); !led {
		t.Fatal("the flusher has been told")
	}
	handedOver, again := make(chan struct{}), make(chan bool)
	go func() { again <- s.Lead(func() { close(handedOver) }) }() // a second call would panic
	<-hanging
	go s.flusher.follow()
	await(t, handedOver, "the loop to be handed over")
	second := make(chan struct{})
	change(t, s.db)
	if _, led := s.AwaitLed(s.Group(), func() { close(second) }); led && s.Lead(noHandOver) {
		t.Error("the second loop leads although the first one does")
	}
	close(gate)
	if <-again {
		t.Error("a loop that was handed over is to lead again")
	}
	await(t, first, "the first client to be woken")
	await(t, second, "the second client to be woken")
	close(s.stop)
	<-s.stopped
}

// TestALoopIsHandedOverAfterATimeHoweverOftenTheFlusherLooks: with a short delay it looks every millisecond.
func TestALoopIsHandedOverAfterATimeHoweverOftenTheFlusherLooks(t *testing.T) {
	var l lead
	start, calls := time.Now(), 0
	for lead := 1; lead <= 2; lead++ {
		l.begin(func() { calls++ }, start)
		for at := time.Duration(0); at < leadTime; at += time.Millisecond {
			if l.watch(start.Add(at)); calls >= lead {
				t.Fatalf("lead %d: it is handed over after %v, want %v", lead, at, leadTime)
			}
		}
		for range 2 {
			if l.watch(start.Add(leadTime)); calls != lead {
				t.Fatalf("lead %d: %d calls in all", lead, calls)
			}
		}
		if !l.end() {
			t.Errorf("lead %d: the loop does not learn that it was handed over", lead)
		}
		start = start.Add(time.Second)
	}
}

// TestALeaderEndsTheFlushersRestBeforeItSyncs, also if its clients have changed nothing: only the flusher notices that
// the sync hangs.
func TestALeaderEndsTheFlushersRestBeforeItSyncs(t *testing.T) {
	s, files := openAlways(t)
	rest := &s.flusher.rest
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	s.flusher.round() // takes what opening has changed
	for range restAfter {
		rest.beginIfIdle(tick, true)
	}
	if !rest.on.Load() {
		t.Fatal("the flusher does not rest")
	}
	synced, roused := false, false
	files.SetFault(func(op vfs.Op, _ string, size int) (int, error) {
		if op == vfs.OpSync && !synced {
			synced = true
			select {
			case <-rest.roused:
				roused = true
			default:
			}
		}
		return size, nil
	})
	if _, led := s.AwaitLed(s.Group(), func() {}); !led {
		t.Fatal("the flusher has been told")
	}
	s.Lead(noHandOver)
	if !synced || !roused {
		t.Errorf("synced %v, roused before %v", synced, roused)
	}
}

func await(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("waited in vain: " + what)
	}
}
