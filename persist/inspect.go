package persist

import (
	"errors"
	"time"

	"github.com/quotadb/quota-db/disk"
)

// inspectEvery is how often the flusher looks whether its directory and files are still there and still its own.
const inspectEvery = time.Second

// inspect reports whether they are; else it has writes refused. What can be written anew, a snapshot then writes.
func (f *flusher) inspect() bool {
	f.inspected = f.time()
	mended, err := f.dir.Inspect()
	if err != nil {
		f.fail(err)
		return false
	}
	if mended != "" {
		f.log.Warn("the data directory was changed by somebody else", "what", mended)
	}
	return true
}

// failureLine is what the log says when writes begin to be refused.
func failureLine(err error) string {
	if errors.Is(err, disk.ErrNotOurs) {
		return "the data directory was taken over, moved away, deleted or changed: writes are refused until it is this server's again"
	}
	return "the disk fails: writes are refused until it recovers"
}
