package vfs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// TestAnyCrashLeavesEachSyncedFileOneName changes names at random. A file whose content and name were synced is whole
// after a crash, and has one name, unless it was removed or replaced since.
func TestAnyCrashLeavesEachSyncedFileOneName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := NewMemory(4)
		if err := m.MkdirAll("/d"); err != nil {
			t.Fatal(err)
		}
		now, synced := map[string]string{}, map[string]bool{} // content by name; content that must survive
		name := rapid.SampledFrom([]string{"/d/a", "/d/b", "/d/c", "/d/e"})
		for i := range rapid.IntRange(1, 20).Draw(t, "operations") {
			from, to := name.Draw(t, "from"), name.Draw(t, "to")
			switch op := rapid.SampledFrom([]Op{OpCreate, OpRename, OpRename, OpRemove, OpSyncDir}).Draw(t, "op"); {
			case op == OpSyncDir:
				check(t, m.SyncDir("/d"))
				for _, text := range now {
					synced[text] = true
				}
			case op == OpCreate && now[to] == "":
				f, err := m.Create(to)
				check(t, err)
				now[to] = fmt.Sprintf("file %d", i)
				_, err = f.Write([]byte(now[to]))
				check(t, errors.Join(err, f.Sync()))
			case op == OpRename && now[from] != "" && from != to:
				check(t, m.Rename(from, to))
				delete(synced, now[to])
				now[to] = now[from]
				delete(now, from)
			case op == OpRemove && now[from] != "":
				check(t, m.Remove(from))
				delete(synced, now[from])
				delete(now, from)
			}
		}
		for seed := range uint64(100) {
			found := map[string]int{}
			after := m.Crash(rand.New(rand.NewPCG(seed, 1)))
			for _, name := range after.Names() {
				found[string(after.Bytes(name))]++
			}
			for text, n := range found {
				if n > 1 {
					t.Fatalf("crash %d: %q has %d names", seed, text, n)
				}
			}
			for text := range synced {
				if found[text] == 0 {
					t.Fatalf("crash %d: %q is lost; left is %v", seed, text, found)
				}
			}
		}
	})
}

// TestALostRenameLosesNoFile: the histories that the property above rarely draws.
func TestALostRenameLosesNoFile(t *testing.T) {
	create := func(m *Memory) error { _, err := m.Create("/d/a"); return err }
	for name, then := range map[string]func(*Memory) error{
		"the old name is given to a new file": create,
		"and that file is removed":            func(m *Memory) error { return errors.Join(create(m), m.Remove("/d/a")) },
		"and that file is renamed":            func(m *Memory) error { return errors.Join(create(m), m.Rename("/d/a", "/d/c")) },
		"the file is renamed again":           func(m *Memory) error { return m.Rename("/d/b", "/d/c") },
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(100) {
				m := withDir(t, 4)
				f, err := m.Create("/d/a")
				must(t, err)
				write(t, f, "text")
				must(t, f.Sync())
				must(t, m.SyncDir("/d"))
				must(t, m.Rename("/d/a", "/d/b"))
				must(t, then(m))
				after, found := m.Crash(rand.New(rand.NewPCG(seed, 1))), 0
				for _, name := range after.Names() {
					if string(after.Bytes(name)) == "text" {
						found++
					}
				}
				if found != 1 {
					t.Fatalf("crash %d: it has %d names of %q", seed, found, after.Names())
				}
			}
		})
	}
}

func check(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAWriteThatWroteNothingDoesNotBringBackWhatAFailedSyncHad(t *testing.T) {
	m := withDir(t, 4)
	f, err := m.Create("/d/f")
	must(t, err)
	must(t, m.SyncDir("/d"))
	write(t, f, "aaaabb")
	m.SetFault(func(Op, string, int) (int, error) { return 0, errors.New("no space") })
	if err := f.Sync(); err == nil {
		t.Fatal("synced")
	}
	if n, err := f.Write([]byte("cc")); n != 0 || err == nil {
		t.Fatal(n, err)
	}
	m.SetFault(nil)
	must(t, f.Sync())
	for seed := range uint64(100) {
		if string(m.Crash(rand.New(rand.NewPCG(seed, 1))).Bytes("/d/f")[4:]) != "bb" {
			return
		}
	}
	t.Error("the later sync made it safe")
}

func TestAWriteCutShortLeavesItsBeginning(t *testing.T) {
	m := withDir(t, 4)
	f, err := m.Create("/d/f")
	must(t, err)
	m.SetFault(func(Op, string, int) (int, error) { return 5, ErrCrashed })
	if n, err := f.Write([]byte("abcdefgh")); n != 5 || !errors.Is(err, ErrCrashed) {
		t.Fatal(n, err)
	}
	if got := string(m.Kill().Bytes("/d/f")); got != "abcde" {
		t.Errorf("left is %q", got)
	}
}

func TestNothingWorksAfterACrash(t *testing.T) {
	m := withDir(t, 4)
	f, err := m.Create("/d/f")
	must(t, err)
	m.SetFault(func(Op, string, int) (int, error) { return 0, ErrCrashed })
	first := f.Sync()
	m.SetFault(nil)
	_, create := m.Create("/d/g")
	_, open := m.Open("/d/f")
	_, list := m.List("/d")
	_, lock := m.Lock("/d/LOCK")
	_, write := f.Write([]byte("x"))
	_, read := f.ReadAt(make([]byte, 1), 0)
	_, size := f.Size()
	for i, err := range []error{first, create, open, list, lock, write, read, size, f.Sync(), m.MkdirAll("/e"), m.SyncDir("/d"),
		m.Rename("/d/f", "/d/g"), m.Remove("/d/f"), m.Truncate("/d/f", 0)} {
		if !errors.Is(err, ErrCrashed) {
			t.Errorf("operation %d: %v", i, err)
		}
	}
}

func TestASimulatedRenameStaysInItsDirectory(t *testing.T) {
	m := withDir(t, 4)
	must(t, m.MkdirAll("/e"))
	_, err := m.Create("/d/f")
	must(t, err)
	if err := m.Rename("/d/f", "/e/f"); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}
