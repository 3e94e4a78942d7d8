package persist

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// begin prepares the directory for writing. If the disk is full, the store opens all the same: clients can read what
// was loaded. Writes are refused until there is room, as on a disk that becomes full later.
func (f *flusher) begin() error {
	err := f.dir.Begin(f.identity, f.group)
	if err == nil {
		f.begunLog()
		return nil
	}
	if !isNoRoom(err) {
		return err
	}
	f.log.Error("the data is loaded, but there is no room to write: writes are refused until there is room on the disk", "error", err)
	f.late = true
	f.failure.Store(&Failure{Err: err, Since: f.time()})
	return nil
}

// beginAgain is begin after an attempt that found no room.
func (f *flusher) beginAgain(failure *Failure) {
	f.repair = f.time().Add(beginEvery)
	if err := f.dir.Begin(f.identity, f.group); err != nil {
		f.failure.Store(&Failure{Err: err, Since: failure.Since})
		return
	}
	f.late = false
	f.begunLog()
	f.recovered()
}

// beginEvery is the time between two attempts to begin the log.
const beginEvery = time.Second

// begunLog notes that the first group is synced.
func (f *flusher) begunLog() {
	f.written.Store(f.begun.Load())
	f.safe.Store(f.written.Load())
}

// isNoRoom reports whether an error says that the disk is full.
func isNoRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// Advise adds advice to an error from opening a directory, if the only fault is a full disk.
func Advise(err error) error {
	if isNoRoom(err) {
		return fmt.Errorf("%w; the data is sound: make room on the disk and start again", err)
	}
	return err
}
