package persist

import (
	"errors"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
)

// endedQuotas are directories of two nodes with peers, written at commit 3297540: one was killed, the other was stopped
// with a snapshot. Each has tokens before quotas that had ended by DEL, QUOTADEL, SET, GETDEL and expiry: that commit
// wrote them and then refused to read them.
var endedQuotas = map[string]string{
	"killed":  "testdata/ended-quotas/killed",
	"stopped": "testdata/ended-quotas/stopped",
}

// endedQuotasHold is the last content that clients saw, and the capacities of quotas.
var endedQuotasHold = map[string]engine.Value{
	"plain": integer(8), "overwritten": integer(3), "expired": integer(4), "covered": integer(7), "again": integer(2),
	"text": text("hello"), "throttle": text("x"), "deleted": {}, "unset": {}, "taken": {}, "transient": {}, "renamed": {},
	"moved": {Type: engine.Quota, Int: 5}, "kept": {Type: engine.Quota, Int: 1000},
}

func integer(n int64) engine.Value { return engine.Value{Type: engine.Integer, Int: n} }
func text(s string) engine.Value   { return engine.Value{Type: engine.String, Str: []byte(s)} }

// allParts are directories with each part that an entry can have, and keys of up to 70,000 bytes. Commit 10e99c6 wrote
// them, before the header of a record got room for more flags: of a node without peers (format 3), and of two nodes
// with peers (format 2); killed, or stopped with a snapshot.
var allParts = map[string]string{
	"alone, killed":  "testdata/all-parts/alone-killed",
	"alone, stopped": "testdata/all-parts/alone-stopped",
	"peers, killed":  "testdata/all-parts/peers-killed",
	"peers, stopped": "testdata/all-parts/peers-stopped",
}

const year2100 = 4_102_444_800_000 // unix milliseconds

// allPartsHold is the last content that clients saw, and the capacities of quotas.
var allPartsHold = map[string]engine.Value{
	"negative": integer(-3), "largest": integer(math.MaxInt64), "based": integer(15), "zero": integer(0), "again": integer(2),
	"uncovered": {}, strings.Repeat("k", 70_000): integer(1), "deleted": {}, "old name": {},
	"text": text("hello"), "binary": text("\x00\xff\r\n"), "empty": text(""), "new name": text("y"),
	"long value": text(strings.Repeat("v", 5000)),
	"later":      {Type: engine.String, Str: []byte("x"), Deadline: year2100}, "counted later": {Type: engine.Integer, Int: 6, Deadline: year2100},
	"quota": {Type: engine.Quota, Int: 100}, "quota later": {Type: engine.Quota, Int: 50, Deadline: year2100},
	"covered": {Type: engine.Quota, Int: 20}, "changed": {Type: engine.Quota, Int: 10},
}

// TestDirectoriesWithTokensOfEndedQuotasAreRead: check, backup, salvage and starts accept them and lose nothing.
func TestDirectoriesWithTokensOfEndedQuotasAreRead(t *testing.T) {
	for name, from := range endedQuotas {
		t.Run(name, func(t *testing.T) { areRead(t, from, endedQuotasHold) })
	}
}

// TestDirectoriesWithAllPartsAreRead: check, backup, salvage and starts accept them and lose nothing.
func TestDirectoriesWithAllPartsAreRead(t *testing.T) {
	for name, from := range allParts {
		t.Run(name, func(t *testing.T) {
			hold := maps.Clone(allPartsHold)
			if hold["counter"] = integer(5); strings.HasPrefix(name, "peers") {
				hold["counter"], hold["both"] = integer(15), integer(7)
			} else if strings.HasSuffix(name, "stopped") {
				hold["counter"] = integer(6)
			}
			areRead(t, from, hold)
		})
	}
}

// areRead checks, backs up, salvages and starts on a directory.
func areRead(t *testing.T, from string, hold map[string]engine.Value) {
	c := &clusteredStart{t: t, files: copyOf(t, from)}
	if _, err := Check(c.files, testDir); err != nil {
		t.Fatal(err)
	}
	if err := Backup(c.files, testDir, "/backup"); err != nil {
		t.Fatal(err)
	}
	if found, err := Salvage(c.files, testDir, outDir); err != nil || len(found.Losses) > 0 {
		t.Fatalf("salvage: %+v, %v", found, err)
	}
	for _, dir := range []string{testDir, "/backup", outDir} {
		for _, peers := range []bool{true, false} {
			again := &clusteredStart{t: t, files: moved(t, c.files, dir)}
			holds(t, again, peers, hold)
		}
	}
}

// holds starts on a directory again and again, also after a snapshot of it.
func holds(t *testing.T, c *clusteredStart, peers bool, hold map[string]engine.Value) {
	t.Helper()
	for _, walk := range []bool{false, true, false} {
		s := c.open(peers, true)
		for name, want := range hold {
			k := s.db.Key([]byte(name))
			tx := s.db.Lock(k, s.now())
			got := tx.Get(k)
			if q, ok := tx.Quota(k); ok {
				got.Int = int64(q.Rate.Capacity)
			}
			tx.Unlock()
			if got.Type != want.Type || got.Int != want.Int || string(got.Str) != string(want.Str) || got.Deadline != want.Deadline {
				t.Errorf("%.20s is %+v, not %+v", name, got, want)
			}
		}
		if f := s.flusher; walk {
			f.spawn = func(fn func()) { fn() }
			if err := f.startWalk(true, nil); err != nil {
				t.Fatal(err)
			}
			f.endWalk(<-f.walked)
		}
		c.stop(s)
		if _, err := Check(c.files, testDir); err != nil {
			t.Error(err)
		}
	}
}

// copyOf is the files of a directory of the system, as if they were in testDir.
func copyOf(t *testing.T, from string) *vfs.Memory {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(from, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return filled(t, files)
}

// moved is the files of one simulated directory, as if they were in testDir.
func moved(t *testing.T, files *vfs.Memory, from string) *vfs.Memory {
	t.Helper()
	found := map[string][]byte{}
	for _, name := range files.Names() {
		if filepath.Dir(name) == from {
			found[filepath.Base(name)] = files.Bytes(name)
		}
	}
	return filled(t, found)
}

func filled(t *testing.T, contents map[string][]byte) *vfs.Memory {
	t.Helper()
	files := vfs.NewMemory(64)
	if err := files.MkdirAll(testDir); err != nil {
		t.Fatal(err)
	}
	for name, content := range contents {
		f, err := files.Create(filepath.Join(testDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestARecordThatIsRefusedIsNamedByFileAndOffset: by starts and by check. In a start a worker finds the record when the
// reader is further on.
func TestARecordThatIsRefusedIsNamedByFileAndOffset(t *testing.T) {
	l := newLibrary(t)
	// Tokens of a dropped key.
	l.store.dir.Frame(kindRecords, func(dst []byte) []byte { return append(dst, 0x81, 1, 1, 1, 0x00, 0x01, 'k') })
	l.group()
	l.add("key0", 1)
	l.group()
	l.end()
	_, checked := Check(l.files, testDir)
	s, started := openSmall(l.files, slog.New(slog.DiscardHandler))
	if started == nil {
		_ = s.db.Close()
	}
	for _, err := range []error{checked, started} {
		var at *disk.FrameError
		if !errors.As(err, &at) || at.File != l.log || at.End == 0 || at.End >= l.size() || strings.Count(err.Error(), "frame before") != 1 {
			t.Errorf("%v; want one place, in %s", err, l.log)
		}
	}
}
