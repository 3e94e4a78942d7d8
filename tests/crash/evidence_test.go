package crash

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// maxEvidence bounds the directories that are kept, in bytes: each start copies one.
const maxEvidence = 64 << 20

// evidence is a copy of a data directory as the server found it at its last start, kept in case the contents were
// wrong.
type evidence struct{ dir string }

func newEvidence(t *testing.T) evidence {
	t.Helper()
	e := evidence{filepath.Join(t.TempDir(), "found")}
	t.Cleanup(func() { e.show(t) })
	return e
}

// take copies the directory, unless it is too large.
func (e evidence) take(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(e.dir); err != nil {
		t.Fatal(err)
	}
	var size int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if size > maxEvidence {
		return
	}
	if err := os.CopyFS(e.dir, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
}

// show leaves the copy, after a failure, where it can be looked at.
func (e evidence) show(t *testing.T) {
	if _, err := os.Stat(e.dir); err != nil || !t.Failed() {
		return
	}
	dir, err := os.MkdirTemp("", "quota-db-crash-")
	if err != nil {
		t.Log(err)
		return
	}
	if err := os.CopyFS(dir, os.DirFS(e.dir)); err != nil {
		t.Log(err)
	}
	t.Logf("what the server found at its last start is in %s", dir)
}
