package persist

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
)

// failAt makes operations on files fail for a while, one in every n, as on a full or broken disk.
func (m *machine) failAt(oneIn int, err error) {
	m.files.SetFault(func(_ vfs.Op, _ string, size int) (int, error) {
		if m.random.IntN(oneIn) == 0 {
			m.ops++
			return m.random.IntN(size + 1), err
		}
		return size, nil
	})
}

// retry makes the store try again at once.
func (m *machine) retry() {
	f := m.store.flusher
	for range 3 {
		f.waitSync()
		f.repair = time.Time{}
		f.round()
		if f.walking != nil {
			f.endWalk(<-f.walked)
		}
	}
	m.note()
}

// TestAFailingDiskLosesNothingAndRecovers makes writes, syncs, renames and all else fail at random, then work again.
// While the disk fails writes are refused, as soon as the store has noticed. When the disk works again the store
// recovers by itself, and then everything is safe.
func TestAFailingDiskLosesNothingAndRecovers(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	refusals, suspects := 0, 0
	for run := range uint64(400) {
		name := fmt.Sprintf("run %d", run)
		random := rand.New(rand.NewPCG(seed, run))
		m := newMachine(t, vfs.NewMemory(64), random)
		if err := m.start(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for range 3 {
			m.run(10)
			m.failAt(1+random.IntN(6), []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS}[random.IntN(3)])
			for range 10 {
				if m.store.Refusal() == nil { // otherwise writes are refused
					m.change()
				}
				if m.serve(); random.IntN(3) == 0 {
					m.retry()
				}
				m.note()
			}
			if f := m.store.failure.Load(); f != nil {
				if refusals++; f.suspect {
					suspects++
				}
			}
			m.files.SetFault(nil)
			m.retry()
			if f := m.store.Refusal(); f != nil {
				t.Fatalf("%s: the disk works, and writes are refused: %v", name, f.Err)
			}
			m.change()
			m.store.flusher.waitSync()
			m.store.flusher.group()
			m.store.flusher.syncIfDue(true)
			m.store.flusher.waitSync()
			m.note()
			if m.store.safe.Load() != m.store.begun.Load() {
				t.Fatalf("%s: group %d is safe of %d", name, m.store.safe.Load(), m.store.begun.Load())
			}
			m.dead = true
			m.recover(name)
			m.dead = false
		}
		m.close()
	}
	if refusals < 400 || suspects < 100 {
		t.Errorf("%d refusals, %d of them because of syncs: this tests too little", refusals, suspects)
	}
}

// TestNobodyHearsThatAWriteIsSafeWhichIsNot: a waiter is woken when the disk fails, and finds that its group is not
// safe.
func TestNobodyHearsThatAWriteIsSafeWhichIsNot(t *testing.T) {
	for _, op := range []vfs.Op{vfs.OpWrite, vfs.OpSync} {
		m := newMachine(t, vfs.NewMemory(64), rand.New(rand.NewPCG(1, 2)))
		m.level = Always
		if err := m.start(); err != nil {
			t.Fatal(err)
		}
		m.files.SetFault(func(o vfs.Op, _ string, _ int) (int, error) {
			if o == op {
				return 0, syscall.EIO
			}
			return 0, nil
		})
		m.change()
		group, woken := m.store.Group(), 0
		if !m.store.Await(group, false, func() { woken++ }) {
			t.Fatal("nothing to wait for")
		}
		m.store.flusher.round()
		if woken != 1 || m.store.Safe(group) || m.store.Refusal() == nil {
			t.Errorf("%s fails: woken %d times, safe %v, refusal %v", op, woken, m.store.Safe(group), m.store.Refusal())
		}
		m.files.SetFault(nil)
		m.retry()
		if !m.store.Safe(group) && op == vfs.OpSync || m.store.Refusal() != nil {
			t.Errorf("%s works again: safe %v, refusal %v", op, m.store.Safe(group), m.store.Refusal())
		}
		m.close()
	}
}
