package persist

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
)

// lone is a node without peers. Its processes end in every way.
type lone struct {
	*machine
	life uint64
}

func newLone(t *testing.T) *lone {
	l := &lone{machine: newMachine(t, vfs.NewMemory(64), rand.New(rand.NewPCG(1, 2)))}
	l.begin()
	l.count()
	return l
}

func (l *lone) begin() {
	l.t.Helper()
	if err := l.start(); err != nil {
		l.t.Fatal(err)
	}
	l.life = l.store.db.Life()
}

// goesOn starts again, and reports whether the life of the run before went on.
func (l *lone) goesOn() bool {
	before := l.life
	l.begin()
	return l.life == before
}

func (l *lone) count() {
	k := l.store.db.Key([]byte("k"))
	tx := l.store.db.Lock(k, l.now())
	_, _ = tx.Add(k, 5)
	tx.Unlock()
	l.store.flusher.group()
}

func (l *lone) stop() {
	l.t.Helper()
	if err := l.machine.stop(); err != nil {
		l.t.Fatal(err)
	}
	l.close()
	l.files = l.files.Kill()
}

func (l *lone) kill() {
	l.close()
	l.files = l.files.Kill()
}

// TestALifeGoesOnWhereNothingIsLostOrCopied: on a directory that never had a peer.
func TestALifeGoesOnWhereNothingIsLostOrCopied(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		name   string
		end    func(*lone)
		goesOn bool
	}{
		{"a clean stop", (*lone).stop, true},
		{"a kill", (*lone).kill, true},
		{"a kill, and another before anything was written", func(l *lone) { l.kill(); l.begin(); l.kill() }, true},
		{"a clean stop, and a restart of the system", func(l *lone) { l.stop(); l.files = l.files.Crash(random) }, true},
		{"a loss of power", func(l *lone) { l.close(); l.files = l.files.Crash(random) }, false},
		{"a kill, and a restart of the system", func(l *lone) { l.kill(); l.files = l.files.Crash(random) }, false},
		{"a copy of what was stopped clean", func(l *lone) { l.stop(); l.files = l.files.Copy() }, false},
		{"a copy of what was killed", func(l *lone) { l.kill(); l.files = l.files.Copy() }, false},
		{"a copy of what runs", func(l *lone) { l.files = l.files.Copy(); l.close() }, false},
		{"a run of the copy", func(l *lone) { l.stop(); l.files = l.files.Copy(); l.begin(); l.kill() }, true},
		{"a write that failed", func(l *lone) { l.failing(vfs.OpWrite); l.kill() }, false},
		{"a sync that failed", func(l *lone) { l.failing(vfs.OpSync); l.kill() }, false},
		{"a write that failed and was made good", func(l *lone) { l.failing(vfs.OpWrite); l.recover(); l.kill() }, true},
		{"a sync that failed and was made good", func(l *lone) { l.failing(vfs.OpSync); l.recover(); l.kill() }, true},
		{"a sync that failed, was made good, and a clean stop", func(l *lone) { l.failing(vfs.OpSync); l.recover(); l.stop() }, true},
		{"a kill, and a sync at the start that fails", func(l *lone) {
			l.kill()
			failed := false
			l.files.SetFault(func(op vfs.Op, name string, size int) (int, error) {
				if op == vfs.OpSync && strings.Contains(name, "log-") && !failed {
					failed = true
					return 0, errors.New("the system could not write it")
				}
				return size, nil
			})
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLone(t)
			if c.end(l); l.goesOn() != c.goesOn {
				t.Errorf("the life goes on: %v", !c.goesOn)
			}
			l.close()
		})
	}
}

// failing makes operations of one kind fail until the store has noticed.
func (l *lone) failing(op vfs.Op) {
	l.t.Helper()
	l.files.SetFault(func(is vfs.Op, name string, size int) (int, error) {
		if is == op && strings.Contains(name, "log-") {
			return size / 2, errors.New("the disk fails")
		}
		return size, nil
	})
	l.count()
	l.store.flusher.last = time.Time{}
	l.store.flusher.syncIfDue(true)
	l.store.flusher.waitSync()
	if l.store.Refusal() == nil {
		l.t.Fatal("the disk does not fail")
	}
}

// recover makes everything succeed again, and waits until the store has noticed.
func (l *lone) recover() {
	l.t.Helper()
	l.files.SetFault(nil)
	f := l.store.flusher
	for range 10 {
		f.repair = time.Time{}
		f.round()
		select {
		case err := <-f.walked:
			f.endWalk(err)
		default:
		}
		if l.store.Refusal() == nil {
			return
		}
	}
	l.t.Fatal("the disk does not recover")
}

// TestNumbersOfAKilledLifeAreNotUsedAgain: a copy may still have the numbers of a dropped key. The log tells them, or
// the manifest of a snapshot, or an expired record.
func TestNumbersOfAKilledLifeAreNotUsedAgain(t *testing.T) {
	for name, forget := range map[string]func(*lone, *engine.Tx, engine.Key){
		"deleted": func(_ *lone, tx *engine.Tx, k engine.Key) { tx.Delete(k) },
		"set": func(_ *lone, tx *engine.Tx, k engine.Key) {
			tx.Set(k, engine.Value{Type: engine.Integer, Int: 7}, false)
		},
		"expired": func(l *lone, tx *engine.Tx, k engine.Key) { tx.SetDeadline(k, l.wall+10) },
	} {
		for _, snapshot := range []bool{false, true} {
			l := newLone(t) // k has 5, in the log
			k := l.store.db.Key([]byte("k"))
			tx := l.store.db.Lock(k, l.now())
			forget(l, &tx, k)
			tx.Unlock()
			l.store.flusher.group()
			l.wall += 20
			if snapshot {
				if err := l.store.flusher.startWalk(true, nil); err != nil {
					t.Fatal(err)
				}
				l.store.flusher.endWalk(<-l.store.flusher.walked)
			}
			for again := range 2 { // the first start cuts the log
				l.kill()
				if !l.goesOn() {
					t.Fatal("the life does not go on")
				}
				if start := l.store.db.Start(); start < 5 {
					t.Errorf("%s, snapshot %v, start %d: numbers begin at %d again", name, snapshot, again, start)
				}
			}
			l.close()
		}
	}
}

func TestADirectoryThatDoesNotTellItsPlaceBeginsANewLife(t *testing.T) {
	l := newLone(t)
	l.stop()
	place := 0
	for _, name := range l.files.Names() {
		if strings.Contains(name, "/RUN-") {
			place++
			if err := l.files.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if l.goesOn() || place != 1 {
		t.Errorf("%d files tell the place", place)
	}
	l.close()
}
