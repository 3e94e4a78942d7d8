package disk

import (
	"errors"
	"io"

	"github.com/quotadb/quota-db/disk/vfs"
)

// tail is the end of the open log segment.
type tail struct {
	safe   int64 // certainly safe up to this offset
	end    int64 // end of the last whole group
	cut    int64 // bytes behind that end, if they are more than zeros that were written ahead
	reason string
	last   Group
}

// findTail reads the open segment of a log. Errors: DamageError for a bad frame in the safe part.
func findTail(files vfs.FS, dir string, s segmentEntry) (tail, error) {
	r, err := openSegment(files, dir, logSegment, s.number, -1)
	if err != nil {
		return tail{}, err
	}
	defer func() { _ = r.close() }()
	t := tail{safe: s.safe, end: segmentHeaderBytes}
	for {
		kind, payload, err := r.next()
		var damage *DamageError
		switch {
		case errors.Is(err, io.EOF):
			if t.cut = r.size - t.end; t.cut > 0 {
				t.reason = "a group is incomplete"
			}
			return t, t.check(r)
		case errors.As(err, &damage):
			written, err := t.tear(r, damage)
			if written {
				continue
			}
			if err == nil {
				err = t.endAt(r, damage)
			}
			return t, err
		case err != nil:
			return tail{}, err
		}
		if kind == End {
			e, ok := parseEnd(payload)
			if !ok {
				return tail{}, r.damage(r.offset, "the end of a group has impossible values")
			}
			t.end, t.last = r.offset, e.Group
			t.safe = max(t.safe, e.synced)
		}
	}
}

// check returns a DamageError if the missing part was safe.
func (t *tail) check(r *reader) error {
	if t.safe > t.end {
		return r.damage(t.end, "the file ends here, but more had been synced")
	}
	return nil
}

// tear searches behind a bad frame for an End frame that says that the bad frame was safe: then it is damage. But if
// the directory is in use, the frame may have been written while it was read: written is true if it is good now, and r
// is before it then.
func (t *tail) tear(r *reader, damage *DamageError) (written bool, err error) {
	if t.safe > t.end {
		return t.reread(r, damage)
	}
	for {
		kind, payload, err := r.resync()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if e, ok := parseEnd(payload); kind == End && ok && e.synced > damage.Offset {
			return t.reread(r, damage)
		}
	}
}

// reread reads a frame again that was bad although it was safe.
func (t *tail) reread(r *reader, damage *DamageError) (written bool, err error) {
	r.seek(damage.Offset)
	if _, _, err = r.next(); err == nil {
		r.seek(damage.Offset)
		return true, nil
	}
	if errors.As(err, &damage) {
		return false, damage
	}
	return false, err
}

// endAt ends the log with its last whole group. The rest is torn, unless it is zeros that were written ahead, or unless
// the bad frame is good now: then a server has just written it, and the log ended before it when it was read.
func (t *tail) endAt(r *reader, damage *DamageError) error {
	size := r.size
	r.seek(damage.Offset)
	r.size += readAhead // the file of a server may have grown
	_, _, err := r.next()
	if r.size = size; err == nil {
		return nil
	}
	r.seek(t.end)
	zeros, err := r.isZero()
	if err == nil && !zeros {
		t.cut, t.reason = r.size-t.end, damage.Reason
	}
	return err
}
