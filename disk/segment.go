package disk

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

// segment is a file to which frames are written.
type segment struct {
	fs      vfs.FS
	name    string // full path
	file    vfs.File
	header  segmentHeader
	size    int64  // length of the frames that the file certainly has
	length  int64  // of the file: behind size there may be zeros, see prewrite.go
	ahead   int64  // how many zeros to write ahead; 0: none
	buf     []byte // frames that are not written yet
	torn    bool   // a write has failed: the file may hold anything behind size
	synced  int64  // length up to which the file is safe
	suspect bool   // a sync has failed
}

func segmentName(kind segmentType, number uint64) string {
	if kind == snapshotSegment {
		return fmt.Sprintf("snapshot-%012d", number)
	}
	return fmt.Sprintf("log-%012d", number)
}

// createSegment makes a segment. Its header and name are safe when it returns.
func createSegment(fs vfs.FS, dir string, kind segmentType, number uint64) (*segment, error) {
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // never fails, as its documentation says
	s := &segment{fs: fs, name: filepath.Join(dir, segmentName(kind, number)), header: segmentHeader{number, binary.LittleEndian.Uint64(salt[:]), kind}}
	var err error
	if s.file, err = fs.Create(s.name); err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	s.buf = s.header.append(nil)
	if err = s.write(); err == nil {
		err = s.sync()
	}
	if err == nil {
		err = fs.SyncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin segment %s: %w", s.name, err), s.discard())
	}
	return s, nil
}

// frame adds a frame. fill appends the payload to the bytes it is given. An empty payload makes no frame.
func (s *segment) frame(kind Kind, fill func([]byte) []byte) {
	at := len(s.buf)
	s.buf = append(s.buf, make([]byte, frameHeaderBytes)...)
	s.buf = fill(s.buf)
	payload := s.buf[at+frameHeaderBytes:]
	if len(payload) == 0 {
		s.buf = s.buf[:at]
		return
	}
	h := frameHeader{len(payload), kind, crc32.Checksum(payload, castagnoli)}
	h.put(s.buf[at:], s.header.salt, s.size+int64(at))
}

// endGroup adds the frame that closes a group.
func (s *segment) endGroup(g Group) {
	s.frame(End, end{g, s.synced}.append)
}

// end is the offset at which the next frame begins.
func (s *segment) end() int64 { return s.size + int64(len(s.buf)) }

// write writes all frames to the file. After an error they are kept, and the next write tries again.
func (s *segment) write() error {
	if s.suspect {
		return ErrSuspect
	}
	if s.torn {
		if err := s.cut(); err != nil {
			return fmt.Errorf("cut the remains of a failed write off %s: %w", s.name, err)
		}
	}
	if len(s.buf) == 0 {
		return nil
	}
	s.prewrite()
	if _, err := s.file.WriteAt(s.buf, s.size); err != nil {
		s.torn = true
		return fmt.Errorf("log: %w", err)
	}
	s.size += int64(len(s.buf))
	s.length = max(s.length, s.size)
	if s.buf = s.buf[:0]; cap(s.buf) > keptBuffer {
		s.buf = nil
	}
	return nil
}

// cut cuts off what is behind the frames.
func (s *segment) cut() error {
	err := s.fs.Truncate(s.name, s.size)
	s.length, s.torn = s.size, err != nil
	return err
}

// trim is cut for a segment that ends here. Everything in it is synced.
func (s *segment) trim() error {
	if s.length == s.size && !s.torn {
		return nil
	}
	if err := s.cut(); err != nil {
		return fmt.Errorf("cut the unused end off %s: %w", s.name, err)
	}
	return nil
}

// keptBuffer is the largest buffer that a segment keeps between writes.
const keptBuffer = 4 << 20

// sync makes everything written safe. After an error nobody knows what is safe: the system may have dropped what it
// could not write, and would report success the next time. So the segment is suspect from then on.
func (s *segment) sync() error {
	if s.suspect {
		return ErrSuspect
	}
	if s.synced == s.size {
		return nil
	}
	p := SyncPoint{s, s.size}
	return s.note(p, p.Sync())
}

// SyncPoint is a length up to which a segment was written.
type SyncPoint struct {
	segment *segment
	size    int64
}

// Sync syncs everything that was written before the point was taken. Other goroutines may use the segment meanwhile.
// The caller passes the result to the owner of the segment.
func (p SyncPoint) Sync() error {
	if err := p.segment.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", p.segment.name, errors.Join(err, ErrSuspect))
	}
	return nil
}

// note notes the result of a sync.
func (s *segment) note(p SyncPoint, err error) error {
	if err != nil {
		s.suspect = true
		return err
	}
	s.synced = max(s.synced, p.size)
	return nil
}

// close closes the file. Frames that are not written are lost.
func (s *segment) close() error { return s.file.Close() }

// discard closes and removes a segment that nothing refers to.
func (s *segment) discard() error { return errors.Join(s.close(), s.fs.Remove(s.name)) }
