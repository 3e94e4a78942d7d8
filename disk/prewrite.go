package disk

import "path/filepath"

// A write at the end of a file changes its length, and a sync then has the file system write that too. So before the
// file of a log is written whose every group is synced at once, zeros are written ahead, and the groups go into blocks
// that exist. Zeros are no frame. A start ends the log there as at the end of the file, and cuts them off. They are
// never needed: if there is no room for them, or if they fail to be written, the segment goes on without.

const (
	// leastFree is how many bytes must be free on the disk.
	leastFree = 64 << 20
	// smallWrites is how many writes must fit into the zeros: larger ones gain nothing.
	smallWrites = 8
)

// Prewrite has so many bytes at a time written ahead, in the logs from the next one on. It is for a caller that syncs
// each group.
func (d *Dir) Prewrite(bytes int64) { d.ahead = bytes }

// prewrite writes zeros ahead if the next write needs them.
func (s *segment) prewrite() {
	need := s.size + int64(len(s.buf))
	if s.ahead == 0 || need <= s.length || int64(len(s.buf)) > s.ahead/smallWrites {
		return
	}
	if free, err := s.fs.Free(filepath.Dir(s.name)); err != nil || free < leastFree {
		s.ahead = 0
		return
	}
	if _, err := s.file.WriteAt(make([]byte, need+s.ahead-s.length), s.length); err != nil {
		s.ahead, s.torn = 0, s.cut() != nil
		return
	}
	s.length = need + s.ahead
}
