package persist

import (
	"errors"
	"time"

	"github.com/quotadb/quota-db/disk"
)

// inspectEvery is how often the flusher checks that its directory and files are still there and still its own. It is a
// bit less than the second between two ticks of a rest: each of them inspects, also if the one before came late.
const inspectEvery = 900 * time.Millisecond

// inspect reports whether the directory and its files are still ours. If they are not, writes are refused. Missing
// files that a snapshot can write again are written by the next snapshot.
func (f *flusher) inspect() bool {
	f.inspected = f.time()
	mended, err := f.dir.Inspect()
	if err != nil {
		f.fail(err)
		return false
	}
	if mended != "" {
		f.log.Warn("another program changed the data directory; the change was undone", "change", mended)
	}
	return true
}

// failureLine is the log's message when writes begin to be refused.
func failureLine(err error) string {
	if errors.Is(err, disk.ErrNotOurs) {
		return "the data directory was taken over, moved away, deleted or changed: writes are refused until it is this server's again"
	}
	return "the disk fails: writes are refused until it recovers"
}
