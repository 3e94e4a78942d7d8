package disk

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
)

// Frame is a frame as Load gives it. The callee may keep Payload.
type Frame struct {
	Kind     Kind
	Payload  []byte
	Segment  int  // number of the segment, counted from 0
	Snapshot bool // the segment is a snapshot, not a log
	Unsafe   bool // it may not be synced: it may exist in the page cache only
	File     string
	End      int64 // offset of its end in File
}

// Refuse is err with the file and offset of the frame, unless err has them already.
func (f *Frame) Refuse(err error) error {
	var before *FrameError
	if errors.As(err, &before) {
		return err
	}
	return &FrameError{File: f.File, End: f.End, Err: err}
}

// FrameError says that a start cannot accept the content of a frame.
type FrameError struct {
	File string
	End  int64
	Err  error
}

// Error names the file, the end of the frame and the reason.
func (e *FrameError) Error() string {
	return fmt.Sprintf("%s, frame before offset %d: %v", e.File, e.End, e.Err)
}

// Unwrap is Err.
func (e *FrameError) Unwrap() error { return e.Err }

// Cut is a torn tail: the bytes that an unclean stop has left behind the last whole group.
type Cut struct {
	File   string
	Offset int64
	Bytes  int64
	Reason string
}

// Load reads everything that counts: the snapshot, then the groups of the logs in order, without their End frames. It
// returns the torn tail that it ignored and that Begin removes, nil if there is none. An error of fn ends Load. Other
// errors: DamageError.
func (d *Dir) Load(fn func(Frame) error) (*Cut, error) {
	for i := range d.manifest.segments {
		s := &d.manifest.segments[i]
		size := s.size
		if s.open {
			size = d.tail.end
		}
		if err := d.loadSegment(i, size, fn); err != nil {
			return nil, err
		}
	}
	return d.torn(), nil
}

// torn is the torn tail, nil if there is none.
func (d *Dir) torn() *Cut {
	if d.tail.cut == 0 {
		return nil
	}
	last := d.manifest.segments[len(d.manifest.segments)-1]
	return &Cut{filepath.Join(d.path, segmentName(last.kind, last.number)), d.tail.end, d.tail.cut, d.tail.reason}
}

// Records is the number of records in the snapshot, 0 if there is none.
func (d *Dir) Records() uint64 {
	if m := d.manifest; len(m.segments) > 0 {
		return m.segments[0].records
	}
	return 0
}

// SnapshotBytes is the length of the snapshot in bytes, 0 if there is none.
func (d *Dir) SnapshotBytes() int64 {
	if m := d.manifest; len(m.segments) > 0 && m.segments[0].kind == snapshotSegment {
		return m.segments[0].size
	}
	return 0
}

// Bytes is the length in bytes of all segments that Load reads.
func (d *Dir) Bytes() int64 {
	bytes := int64(0)
	for _, s := range d.manifest.segments {
		if s.open {
			bytes += d.tail.end
		} else {
			bytes += s.size
		}
	}
	return bytes
}

// loadSegment calls fn with the frames in the first size bytes of a segment.
func (d *Dir) loadSegment(segment int, size int64, fn func(Frame) error) error {
	s := &d.manifest.segments[segment]
	r, err := openSegment(d.fs, d.path, s.kind, s.number, size)
	if err != nil {
		return err
	}
	defer func() { _ = r.close() }()
	whole := true
	for {
		kind, payload, err := r.next()
		if errors.Is(err, io.EOF) && !whole {
			return r.damage(r.offset, "the last group is incomplete")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if whole = kind == End; !whole {
			f := Frame{
				Kind: kind, Payload: append([]byte(nil), payload...), Segment: segment, Snapshot: s.kind == snapshotSegment,
				Unsafe: s.open && r.offset > d.tail.safe, File: r.name, End: r.offset,
			}
			if err := fn(f); err != nil {
				return f.Refuse(err)
			}
			continue
		}
		e, ok := parseEnd(payload)
		if !ok {
			return r.damage(r.offset, "the end of a group has impossible values")
		}
		if d.onGroup != nil {
			d.onGroup(segment, e.Group)
		}
	}
}
