package vfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// withDir is a Memory with the directory /d.
func withDir(t *testing.T, page int) *Memory {
	t.Helper()
	m := NewMemory(page)
	must(t, m.MkdirAll("/d"))
	return m
}

func write(t *testing.T, f File, text string) {
	t.Helper()
	if n, err := f.Write([]byte(text)); err != nil || n != len(text) {
		t.Fatal(n, err)
	}
}

func read(t *testing.T, files FS, name string) string {
	t.Helper()
	f, err := files.Open(name)
	must(t, err)
	defer func() { _ = f.Close() }()
	size, err := f.Size()
	must(t, err)
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return string(b)
}

// TestBothFileSystemsDoTheSame runs one program on the system's files and on simulated ones.
func TestBothFileSystemsDoTheSame(t *testing.T) {
	for name, files := range map[string]FS{"system": OS, "memory": NewMemory(16)} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "b")
			at := func(name string) string { return filepath.Join(dir, name) }
			_, createErr := files.Create(at("one"))
			_, listErr := files.List(dir)
			_, lockErr := files.Lock(at("LOCK"))
			for _, err := range []error{createErr, listErr, lockErr, files.SyncDir(dir)} {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("in a directory that is not there: %v", err)
				}
			}
			must(t, files.MkdirAll(dir))
			must(t, files.MkdirAll(dir))
			f, err := files.Create(at("one"))
			must(t, err)
			write(t, f, "hello ")
			write(t, f, "world, this is longer than a page")
			must(t, f.Sync())
			must(t, files.SyncDir(dir))
			if _, err := files.Create(at("one")); !errors.Is(err, fs.ErrExist) {
				t.Errorf("created twice: %v", err)
			}
			if got := read(t, files, at("one")); got != "hello world, this is longer than a page" {
				t.Errorf("read %q", got)
			}
			for _, size := range []int64{-1, 1000} {
				if err := files.Truncate(at("one"), size); !errors.Is(err, fs.ErrInvalid) {
					t.Errorf("cut to %d bytes: %v", size, err)
				}
			}
			must(t, files.Truncate(at("one"), 5))
			for at, text := range []string{"HE", "E", "", "lo?", "o!"} {
				if n, err := f.WriteAt([]byte(text), int64(at)); err != nil || n != len(text) {
					t.Fatal(n, err)
				}
			}
			if free, err := files.Free(dir); err != nil && !errors.Is(err, errors.ErrUnsupported) || err == nil && free <= 0 {
				t.Errorf("free: %d, %v", free, err)
			}
			must(t, f.Close())
			_, writeErr := f.Write([]byte("?"))
			if err := f.Close(); !errors.Is(err, fs.ErrClosed) || !errors.Is(writeErr, fs.ErrClosed) || f.Sync() == nil {
				t.Errorf("after it was closed: write %v, close %v", writeErr, err)
			}
			reader, err := files.Open(at("one"))
			must(t, err)
			if _, err := reader.Write([]byte("?")); err == nil {
				t.Error("a file opened for reading was written")
			}
			must(t, reader.Close())
			if got := read(t, files, at("one")); got != "HEllo!" {
				t.Errorf("read %q after a cut", got)
			}
			f, err = files.Create(at("two"))
			must(t, err)
			write(t, f, "2")
			must(t, f.Close())
			must(t, files.Rename(at("two"), at("one")))
			if got := read(t, files, at("one")); got != "2" {
				t.Errorf("read %q after a rename", got)
			}
			if names, err := files.List(dir); err != nil || !slices.Equal(names, []string{"one"}) {
				t.Errorf("%q, %v", names, err)
			}
			must(t, files.Remove(at("one")))
			for _, err := range []error{files.Remove(at("one")), files.Rename(at("one"), at("two")), files.Truncate(at("one"), 0)} {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("what is not there: %v", err)
				}
			}
			lock, err := files.Lock(at("LOCK"))
			must(t, err)
			if _, err := files.Lock(at("LOCK")); !errors.Is(err, ErrLocked) {
				t.Errorf("locked twice: %v", err)
			}
			must(t, lock.Close())
			lock, err = files.Lock(at("LOCK"))
			must(t, err)
			must(t, lock.Close())
		})
	}
}

const lockEnv = "QUOTADB_TEST_LOCK"

// TestALockKeepsOtherProcessesOut runs the test program itself as the other process.
func TestALockKeepsOtherProcessesOut(t *testing.T) {
	if name := os.Getenv(lockEnv); name != "" {
		if _, err := OS.Lock(name); !errors.Is(err, ErrLocked) {
			t.Fatalf("the lock of another process: %v", err)
		}
		return
	}
	name := filepath.Join(t.TempDir(), "LOCK")
	lock, err := OS.Lock(name)
	must(t, err)
	defer func() { _ = lock.Close() }()
	other := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	other.Env = append(os.Environ(), lockEnv+"="+name)
	if out, err := other.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestACrashLeavesWhatWasSynced writes at random and crashes the machine: synced data is there, and of other data any
// part may be there.
func TestACrashLeavesWhatWasSynced(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	holes, kept, lost := 0, 0, 0
	for run := range 2000 {
		random := rand.New(rand.NewPCG(seed, uint64(run)))
		m := withDir(t, 8)
		f, err := m.Create("/d/f")
		must(t, err)
		must(t, m.SyncDir("/d"))
		synced, written := 0, 0
		for range random.IntN(20) {
			if random.IntN(4) == 0 {
				must(t, f.Sync())
				synced = written
				continue
			}
			text := bytes.Repeat([]byte{byte(1 + random.IntN(255))}, 1+random.IntN(20))
			write(t, f, string(text))
			written += len(text)
		}
		before := m.Bytes("/d/f")
		after := m.Crash(random).Bytes("/d/f")
		if len(after) < synced || len(after) > written || !bytes.Equal(after[:synced], before[:synced]) {
			t.Fatalf("run %d: %d bytes were synced and %d written; left is %x of %x", run, synced, written, after, before)
		}
		for at := synced; at < len(after); at++ {
			switch after[at] {
			case before[at]:
				kept++
				if slices.Contains(after[synced:at], 0) {
					holes++
				}
			case 0:
				lost++
			default:
				t.Fatalf("run %d: what was never written is there: %x of %x", run, after, before)
			}
		}
	}
	if holes == 0 || kept == 0 || lost == 0 {
		t.Errorf("%d bytes kept, %d lost, %d behind a hole", kept, lost, holes)
	}
}

func TestWhatAFailedSyncHadNoLaterSyncMakesSafe(t *testing.T) {
	m := withDir(t, 4)
	f, err := m.Create("/d/f")
	must(t, err)
	must(t, m.SyncDir("/d"))
	write(t, f, "aaaabbbb")
	broken := errors.New("broken")
	m.SetFault(func(Op, string, int) (int, error) { return 0, broken })
	if err := f.Sync(); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	m.SetFault(nil)
	write(t, f, "cccc")
	must(t, f.Sync())
	lost := 0
	for seed := range uint64(100) {
		left := m.Crash(rand.New(rand.NewPCG(seed, 1))).Bytes("/d/f")
		if len(left) != 12 || string(left[8:]) != "cccc" {
			t.Fatalf("left is %q", left)
		}
		if string(left[:4]) != "aaaa" {
			lost++
		}
	}
	if lost == 0 || lost == 100 {
		t.Errorf("lost in %d of 100 crashes", lost)
	}
}

func TestNamesAreSafeOnceTheirDirectoryIs(t *testing.T) {
	missing := 0
	for seed := range uint64(50) {
		m := withDir(t, 4)
		for _, name := range []string{"/d/a", "/d/b"} {
			f, err := m.Create(name)
			must(t, err)
			write(t, f, name)
			must(t, f.Sync())
		}
		must(t, m.SyncDir("/d"))
		must(t, m.Rename("/d/a", "/d/b"))
		left := m.Crash(rand.New(rand.NewPCG(seed, 1)))
		switch b := string(left.Bytes("/d/b")); {
		case b == "/d/a" && left.Bytes("/d/a") == nil:
		case b == "/d/b" && left.Bytes("/d/a") != nil:
			missing++
		default:
			t.Fatalf("half a rename: %q and %q", left.Bytes("/d/a"), b)
		}
	}
	if missing == 0 || missing == 50 {
		t.Errorf("not renamed in %d of 50 crashes", missing)
	}
}

func TestAKilledProcessLeavesWhatItWrote(t *testing.T) {
	m := withDir(t, 4)
	f, err := m.Create("/d/f")
	must(t, err)
	write(t, f, "text")
	_, err = m.Lock("/d/LOCK")
	must(t, err)
	after := m.Kill()
	if got := string(after.Bytes("/d/f")); got != "text" {
		t.Errorf("left is %q", got)
	}
	if _, err := after.Lock("/d/LOCK"); err != nil {
		t.Error(err)
	}
}
