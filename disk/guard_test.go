package disk

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/quotadb/quota-db/disk/vfs"
)

// TestACheckKeepsNoStartFromItsDirectory runs several checks again and again, which ask whether a server uses a
// directory, while servers open and close it.
func TestACheckKeepsNoStartFromItsDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d")
	d, err := Open(vfs.OS, path)
	if err != nil {
		t.Fatal(err)
	}
	var checks sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		checks.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					isBusy(vfs.OS, path)
				}
			}
		})
	}
	for range 200 {
		if err := d.Close(false, Identity{}); err != nil {
			t.Fatal(err)
		}
		if d, err = Open(vfs.OS, path); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	checks.Wait()
	if !isBusy(vfs.OS, path) {
		t.Error("a directory in use is not busy")
	}
	if err := d.Close(false, Identity{}); err != nil {
		t.Fatal(err)
	}
	if isBusy(vfs.OS, path) {
		t.Error("a directory that nobody uses is busy")
	}
}

func TestAManifestOfAnEarlierFormatIsNotCalledDamaged(t *testing.T) {
	text := withSum("quotadb 1\nlife 1 8f3a93c1d2e4b5a6\nstart 0\nclock 1764000000000 86400\nstopped clean\nlog 1 100\n")
	if _, err := parseManifest([]byte(text)); !errors.Is(err, ErrEarlier) {
		t.Errorf("got %v", err)
	}
	if _, err := parseManifest([]byte(strings.Replace(text, "start 0", "start 1", 1))); err == nil || errors.Is(err, ErrEarlier) {
		t.Errorf("with a changed line: got %v", err)
	}
}

// withSum adds the last line of a manifest, its checksum.
func withSum(lines string) string {
	return string(AppendSum([]byte(lines)))
}
