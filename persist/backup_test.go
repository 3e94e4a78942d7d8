package persist

import (
	"errors"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
)

// moving is a file system that calls a function before each of the next opens of a segment.
type moving struct {
	vfs.FS
	times     int
	meanwhile func()
}

func (m *moving) Open(name string) (vfs.File, error) {
	if strings.Contains(name, "log-") && m.times > 0 {
		m.times--
		m.meanwhile()
	}
	return m.FS.Open(name)
}

// TestABackupIsWhatThereWasAtAGroup takes backups of a store that writes meanwhile, and replaces its files by
// snapshots.
func TestABackupIsWhatThereWasAtAGroup(t *testing.T) {
	for _, times := range []int{0, 1, 5} {
		l := newLibrary(t)
		l.add("key4", 1)
		files := &moving{l.files, times, func() {
			l.add("key4", 1)
			l.snapshot()
		}}
		l.group()
		l.add("key4", 100) // in no group
		if err := Backup(files, testDir, outDir); err != nil {
			t.Fatal(err)
		}
		got, err := startSalvaged(l.files)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, groups := range l.groups {
			for _, was := range groups {
				found = found || equal(got, was)
			}
		}
		if !found || got["key4"].Int == 0 || times == 0 && got["key4"].Int != 1 {
			t.Errorf("%d snapshots meanwhile: %v was not there at a group", times, got)
		}
		l.store.flusher.group()
		l.end()
	}
}

func TestABackupThatCannotBeMadeLeavesNothing(t *testing.T) {
	l := newLibrary(t)
	l.stopClean()
	files := l.files.Kill()
	files.Flip(l.log, 8*(logHeader+20))
	var damage *disk.DamageError
	if err := Backup(files, testDir, outDir); !errors.As(err, &damage) || damage.File != l.log {
		t.Errorf("of a damaged directory: %v", err)
	}
	if names, err := files.List(outDir); err != nil || len(names) > 0 {
		t.Errorf("left is %q, %v", names, err)
	}
	if err := Backup(l.files, testDir, testDir); !errors.Is(err, disk.ErrNotEmpty) {
		t.Errorf("into a directory with something in it: %v", err)
	}
	if err := Backup(l.files, "/nothing", outDir); !errors.Is(err, disk.ErrNoData) {
		t.Errorf("of nothing: %v", err)
	}
}
