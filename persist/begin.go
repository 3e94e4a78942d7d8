package persist

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// begin makes the directory ready to be written to. If there is no room for that, the store opens all the same: what was loaded can be read, and writes are
// refused, as on a disk that becomes full later, until there is room.
func (f *flusher) begin() error {
	err := f.dir.Begin(f.identity, f.group)
	if err == nil {
		f.begunLog()
		return nil
	}
	if !isNoRoom(err) {
		return err
	}
	f.log.Error("the data is loaded and sound, but there is no room to write: writes are refused until there is", "error", err)
	f.late = true
	f.failure.Store(&Failure{Err: err, Since: f.time()})
	return nil
}

// beginAgain is begin for what has found no room before.
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

// begunLog notes that the first group is safe.
func (f *flusher) begunLog() {
	f.written.Store(f.begun.Load())
	f.safe.Store(f.written.Load())
}

// isNoRoom reports whether an error is that of a full disk.
func isNoRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// Advise adds to an error of opening a directory that there is nothing wrong but the lack of room.
func Advise(err error) error {
	if isNoRoom(err) {
		return fmt.Errorf("%w: nothing is wrong with the data, make room and start again", err)
	}
	return err
}
