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
	cut    int64 // bytes behind that end
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
			t.cut, t.reason = r.size-t.end, damage.Reason
			return t, t.tear(r, damage)
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

// tear searches behind a bad frame for an End frame that says that the bad frame was safe: then it is damage.
func (t *tail) tear(r *reader, damage *DamageError) error {
	if t.safe > t.end {
		return damage
	}
	for {
		kind, payload, err := r.resync()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := parseEnd(payload); kind == End && ok && e.synced > damage.Offset {
			return damage
		}
	}
}
