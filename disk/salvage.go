package disk

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

// Salvaged is the result of a salvage.
type Salvaged struct {
	Assumed string // what the salvage assumes, because the manifest is not sound; "": nothing
	Files   []FileReport
	Losses  []Loss
	// LostKeys is how many keys of the snapshot are lost, -1 if that is not known. Keys that changed later are in the
	// log.
	LostKeys int64
	// Mixed: the log ends before the snapshot that it begins with was finished, or may do so. Then each key is in the
	// state of some moment during that snapshot, but not all keys of the same moment.
	Mixed bool
}

// Loss is a part of a file that the salvage leaves out.
type Loss struct {
	File    string
	Offset  int64
	Bytes   int64
	Records int64 // records in whole groups of a log
	Reason  string
}

// Sieve judges the contents of frames.
type Sieve struct {
	// Verify returns an error if the next frame of a log is not sound.
	Verify func(Frame) error
	// Filter turns the next frame of a snapshot into frames without the records that cannot be read because earlier
	// frames are missing. It also returns how many records are left.
	Filter func(Frame) ([]Frame, int, error)
}

// ErrNothingSound: there is nothing to salvage.
var ErrNothingSound = errors.New("no part of the directory is sound")

// Salvage writes everything that is provably sound in path to a new directory out. Of a snapshot that is every good
// frame: each key is in one of them. Of the logs it is everything up to the last whole group before the first damage,
// since later records replace earlier ones. Without a sound manifest it goes by the files that it finds. The new
// directory has no identity, like a backup. Errors: ErrNoData, ErrNothingSound, ErrNotEmpty, ErrVersion.
func Salvage(files vfs.FS, path, out string, sieve Sieve) (*Salvaged, error) {
	v, err := openView(files, path)
	if err != nil {
		return nil, err
	}
	s := &salvage{fs: v, path: path, sieve: sieve, found: &Salvaged{}}
	if err = s.plan(); err == nil {
		err = s.run(out)
	}
	return s.found, errors.Join(err, v.close())
}

// salvage is a salvage in progress.
type salvage struct {
	fs       *view
	path     string
	sieve    Sieve
	segments []segmentEntry // segments that count; a size below 0 is not known
	copy     *copied
	identity Identity
	found    *Salvaged
	sound    bool // something sound was found
	stopped  bool // damage in a log has ended the logs: later ones do not count

	snapshot  Clock  // the time when the snapshot was finished
	behind    int    // groups of the snapshot's log that ended after that time
	pair      uint64 // the snapshot's number, 0: there is none
	uncertain bool   // the snapshot may never have been committed, or its log was cut
}

func (s *salvage) run(out string) error {
	var err error
	if s.copy, err = newCopy(s.fs.FS, out); err != nil {
		return err
	}
	if err = s.copyAll(); err == nil && !s.sound {
		err = ErrNothingSound
	}
	if err == nil {
		err = s.copy.commit(s.identity)
	}
	if err != nil {
		return errors.Join(err, s.copy.abort())
	}
	s.found.Mixed = s.pair != 0 && s.uncertain && s.behind < 2
	return nil
}

func (s *salvage) copyAll() error {
	for i, e := range s.segments {
		var err error
		if e.kind == snapshotSegment {
			err = s.copySnapshot(i, e)
		} else {
			err = s.copyLog(i, e)
		}
		if err != nil {
			return err
		}
		if err := s.copy.finish(); err != nil {
			return err
		}
	}
	return nil
}

// open opens a segment, as long as it is. A nil reader means that all of the segment is lost.
func (s *salvage) open(e segmentEntry) (*reader, error) {
	r := &reader{name: filepath.Join(s.path, segmentName(e.kind, e.number))}
	var err error
	if r.file, err = s.fs.Open(r.name); err != nil {
		if ignoreMissing(err) != nil {
			return nil, err
		}
		s.loseAll(r.name, e, max(0, e.size), "it is missing")
		return nil, nil
	}
	if r.size, err = r.file.Size(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	switch length := r.size; {
	case e.size > length:
		s.lose(r.name, length, e.size-length, 0, "the file ends here")
	case e.size >= 0:
		r.size = e.size
	}
	if ok, err := s.readHeader(r, e); err != nil || !ok {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// readHeader reads the header of a segment. If the header is not sound it uses the salt in it: the frames will show
// whether the salt is right. ok is false for a header of another segment, whose frames are sound only in their own
// place.
func (s *salvage) readHeader(r *reader, e segmentEntry) (ok bool, err error) {
	b, err := r.peek(segmentHeaderBytes)
	if err != nil {
		return false, err
	}
	h, reason := parseSegmentHeader(b)
	if reason == anotherVersion {
		return false, fmt.Errorf("%s: %w", r.name, ErrVersion)
	}
	if reason == "" && (h.kind != e.kind || h.number != e.number) {
		s.loseAll(r.name, e, r.size, "it is another segment")
		return false, nil
	}
	if reason != "" {
		s.lose(r.name, 0, int64(len(b)), 0, reason)
		if len(b) == segmentHeaderBytes {
			h.salt = saltOf(b)
		}
	}
	r.header = segmentHeader{e.number, h.salt, e.kind}
	r.skip(len(b))
	return true, nil
}

// lose notes a loss.
func (s *salvage) lose(name string, offset, bytes, records int64, reason string) {
	s.found.Losses = append(s.found.Losses, Loss{name, offset, bytes, records, reason})
}

// loseAll notes the loss of a segment.
func (s *salvage) loseAll(name string, e segmentEntry, bytes int64, reason string) {
	s.lose(name, 0, bytes, 0, reason)
	if e.kind == snapshotSegment {
		s.found.LostKeys = -1
	}
}

// copySnapshot copies the sound frames of a snapshot.
func (s *salvage) copySnapshot(segment int, e segmentEntry) error {
	s.pair, s.uncertain = e.number, s.uncertain || s.found.Assumed != ""
	r, err := s.open(e)
	if r == nil {
		return err
	}
	defer func() { _ = r.close() }()
	if err := s.copy.begin(e); err != nil {
		return err
	}
	kept, had := uint64(0), int64(-1)
	for {
		kind, payload, ok, err := s.nextSound(r)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if kind == End {
			if end, ok := parseEnd(payload); ok {
				had, s.snapshot = int64(end.Records), end.Clock
				s.identity.advance(end.Clock)
			}
			continue
		}
		n, err := s.copyFrame(Frame{Kind: kind, Payload: payload, Segment: segment, Snapshot: true})
		if errors.Is(err, errUnsound) {
			length := frameHeaderBytes + int64(len(payload))
			s.lose(r.name, r.offset-length, length, 0, err.Error())
		} else if err != nil {
			return err
		}
		kept += uint64(n)
	}
	return s.endSnapshot(r, kept, had)
}

// errUnsound: the checksum of a frame is right, but its content is not valid.
var errUnsound = errors.New("its content is not sound")

// copyFrame copies the frames that Filter makes from a snapshot's frame.
func (s *salvage) copyFrame(f Frame) (records int, err error) {
	frames, records, err := s.sieve.Filter(f)
	if errors.Is(err, ErrVersion) {
		return 0, err
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errUnsound, err)
	}
	for _, f := range frames {
		if err := s.copy.frame(f.Kind, f.Payload); err != nil {
			return 0, err
		}
	}
	return records, nil
}

// endSnapshot ends the copy of a snapshot. kept is the number of records in it, had the number that the snapshot had,
// -1 if not known.
func (s *salvage) endSnapshot(r *reader, kept uint64, had int64) error {
	if s.found.LostKeys = had - int64(kept); had < 0 {
		s.found.LostKeys, s.snapshot.Age = -1, math.MaxInt64
	}
	s.sound = s.sound || kept > 0 || had == 0
	s.copy.segment.endGroup(Group{Records: kept, Clock: s.identity.Clock})
	s.found.Files = append(s.found.Files, FileReport{Name: filepath.Base(r.name), Bytes: s.copy.segment.end(), Groups: 1})
	return nil
}

// nextSound is the next good frame. The bytes that it skips are a loss.
func (s *salvage) nextSound(r *reader) (Kind, []byte, bool, error) {
	at := r.offset
	kind, payload, err := r.resync()
	end, ok := r.size, false
	switch {
	case err == nil:
		end, ok = r.offset-frameHeaderBytes-int64(len(payload)), true
	case !errors.Is(err, io.EOF):
		return 0, nil, false, err
	}
	if end > at {
		s.lose(r.name, at, end-at, 0, "no sound frame here")
	}
	return kind, payload, ok, nil
}
