package disk

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

// readAhead is how many bytes a reader reads from a file at once.
const readAhead = 1 << 20

// reader reads the frames of a segment in order.
type reader struct {
	name   string
	file   vfs.File
	size   int64 // length up to which it reads
	header segmentHeader
	offset int64  // offset of the next frame
	ahead  []byte // bytes that were read and not used yet, from offset on
	room   []byte // memory of ahead
}

// openSegment opens a segment for reading its first size bytes; negative: all of it. Errors: DamageError.
func openSegment(files vfs.FS, dir string, kind segmentType, number uint64, size int64) (*reader, error) {
	r := &reader{name: filepath.Join(dir, segmentName(kind, number))}
	var err error
	if r.file, err = files.Open(r.name); errors.Is(err, fs.ErrNotExist) {
		return nil, &DamageError{r.name, 0, "it is missing"}
	} else if err != nil {
		return nil, err
	}
	if err = r.open(kind, number, size); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *reader) open(kind segmentType, number uint64, size int64) error {
	length, err := r.file.Size()
	if err != nil {
		return err
	}
	switch {
	case size < 0:
		size = length
	case size > length:
		return r.damage(length, fmt.Sprintf("it was %d bytes long", size))
	case size < length && kind == snapshotSegment:
		return r.damage(size, "the file is longer than it was written")
	}
	r.size = size
	b, err := r.peek(segmentHeaderBytes)
	if err != nil {
		return err
	}
	h, reason := parseSegmentHeader(b)
	if reason == "" && (h.kind != kind || h.number != number) {
		reason = "another segment's header"
	}
	if reason != "" {
		return r.damage(0, reason)
	}
	r.header = h
	r.skip(segmentHeaderBytes)
	return nil
}

func (r *reader) damage(offset int64, reason string) error {
	return &DamageError{r.name, offset, reason}
}

// peek returns the next n bytes, or fewer at the end. They are valid until the next peek.
func (r *reader) peek(n int) ([]byte, error) {
	n = int(min(int64(n), r.size-r.offset))
	if len(r.ahead) >= n {
		return r.ahead[:n], nil
	}
	want := int(min(int64(max(n, readAhead)), r.size-r.offset))
	if cap(r.room) < want {
		r.room = make([]byte, want)
	}
	have := copy(r.room[:want], r.ahead)
	got, err := r.file.ReadAt(r.room[have:want], r.offset+int64(have))
	r.ahead = r.room[:have+got]
	if len(r.ahead) < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read %s: %w", r.name, err)
	}
	return r.ahead[:n], nil
}

func (r *reader) skip(n int) {
	r.ahead = r.ahead[n:]
	r.offset += int64(n)
}

// seek goes to an offset. What was read ahead is read again.
func (r *reader) seek(offset int64) { r.offset, r.ahead = offset, nil }

// isZero reports whether the rest is nothing but zeros.
func (r *reader) isZero() (bool, error) {
	for r.offset < r.size {
		b, err := r.peek(int(min(readAhead, r.size-r.offset)))
		if err != nil {
			return false, err
		}
		for _, one := range b {
			if one != 0 {
				return false, nil
			}
		}
		r.skip(len(b))
	}
	return true, nil
}

// next returns the next frame. Its payload is valid until the next call. Errors: io.EOF at the end; DamageError for
// bytes that are no frame, which the reader does not pass.
func (r *reader) next() (Kind, []byte, error) {
	if r.offset == r.size {
		return 0, nil, io.EOF
	}
	at := r.offset
	b, err := r.peek(frameHeaderBytes)
	if err != nil {
		return 0, nil, err
	}
	h, reason := parseFrameHeader(b, r.header.salt, at)
	if reason == "" && int64(h.length) > r.size-at-frameHeaderBytes {
		reason = "a frame is cut short"
	}
	if reason != "" {
		return 0, nil, r.damage(at, reason)
	}
	if b, err = r.peek(frameHeaderBytes + h.length); err != nil {
		return 0, nil, err
	}
	payload := b[frameHeaderBytes:]
	if crc32.Checksum(payload, castagnoli) != h.payload {
		return 0, nil, r.damage(at, "the checksum of a frame is wrong")
	}
	r.skip(frameHeaderBytes + h.length)
	return h.kind, payload, nil
}

// resync is next, but skips bytes that are no frame.
func (r *reader) resync() (Kind, []byte, error) {
	for ; r.size-r.offset >= frameHeaderBytes; r.skip(1) {
		b, err := r.peek(frameHeaderBytes)
		if err != nil {
			return 0, nil, err
		}
		if _, reason := parseFrameHeader(b, r.header.salt, r.offset); reason != "" {
			continue
		}
		kind, payload, err := r.next()
		if damage := (*DamageError)(nil); errors.As(err, &damage) {
			continue
		}
		return kind, payload, err
	}
	return 0, nil, io.EOF
}

func (r *reader) close() error { return r.file.Close() }
