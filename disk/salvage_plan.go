package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// plan finds the segments that count.
func (s *salvage) plan() error {
	m, err := readManifest(s.fs, s.path)
	var damage *DamageError
	switch {
	case err == nil:
		s.identity = m.Identity
		for _, e := range m.segments {
			if e.open {
				e.size = -1
			}
			s.segments = append(s.segments, e)
		}
		if len(s.segments) == 0 {
			return ErrNoData
		}
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return s.planByFiles("MANIFEST is missing")
	case errors.As(err, &damage):
		return s.planByFiles("MANIFEST is damaged")
	}
	return err
}

// planByFiles chooses segments by the files that are there: the newest complete snapshot, and the logs from its number
// on. If no snapshot is complete, it takes all logs; before them the newest snapshot, unless log 1 is there, before
// which there was none.
func (s *salvage) planByFiles(why string) error {
	names, err := segmentsIn(s.fs, s.path)
	if err != nil {
		return err
	}
	var snapshots, logs []segmentEntry
	for _, name := range names {
		if e, ok := parseSegmentName(name); !ok {
			continue
		} else if e.kind == snapshotSegment {
			snapshots = append(snapshots, e)
		} else {
			logs = append(logs, e)
		}
	}
	byNumber := func(a, b segmentEntry) int { return cmp.Compare(a.number, b.number) }
	slices.SortFunc(logs, byNumber)
	slices.SortFunc(snapshots, byNumber)
	chosen, err := s.newestWhole(snapshots)
	if err != nil {
		return err
	}
	fromTheFirst := len(logs) > 0 && logs[0].number == 1
	if chosen == nil && !fromTheFirst && len(snapshots) > 0 {
		chosen = &snapshots[len(snapshots)-1]
	}
	if chosen != nil {
		s.segments = append(s.segments, *chosen)
		logs = slices.DeleteFunc(logs, func(e segmentEntry) bool { return e.number < chosen.number })
	}
	s.segments = append(s.segments, logs...)
	if len(s.segments) == 0 {
		return ErrNoData
	}
	var counts []string
	for _, e := range s.segments {
		counts = append(counts, segmentName(e.kind, e.number))
	}
	s.addMissing()
	s.found.Assumed = fmt.Sprintf("%s: the salvage goes by the files that it found: %s", why, strings.Join(counts, ", "))
	return nil
}

// addMissing adds the segments that must have existed: a snapshot before logs that do not begin with log 1, and a log
// where a number is missing.
func (s *salvage) addMissing() {
	first := s.segments[0]
	if first.kind == logSegment && first.number > 1 {
		s.segments = slices.Insert(s.segments, 0, segmentEntry{kind: snapshotSegment, number: first.number, size: -1})
	}
	next := s.segments[0].number // number of the next log
	for i, e := range s.segments {
		if e.kind == logSegment && e.number != next {
			s.segments = slices.Insert(s.segments, i, segmentEntry{kind: logSegment, number: next, size: -1})
			return // no later log counts
		}
		if e.kind == logSegment {
			next++
		}
	}
}

// parseSegmentName reads a name that segmentName has made.
func parseSegmentName(name string) (e segmentEntry, ok bool) {
	kind, digits, _ := strings.Cut(name, "-")
	number, err := strconv.ParseUint(digits, 10, 64)
	e = segmentEntry{kind: logSegment, number: number, size: -1}
	if kind == "snapshot" {
		e.kind = snapshotSegment
	}
	return e, err == nil && segmentName(e.kind, number) == name
}

// newestWhole is the newest complete snapshot, nil if none is complete.
func (s *salvage) newestWhole(snapshots []segmentEntry) (*segmentEntry, error) {
	for i := range slices.Backward(snapshots) {
		whole, err := s.hasEnd(snapshots[i])
		if err != nil {
			return nil, err
		}
		if whole {
			return &snapshots[i], nil
		}
	}
	return nil, nil
}

// hasEnd reports whether a segment ends with an End frame.
func (s *salvage) hasEnd(e segmentEntry) (bool, error) {
	f, err := s.fs.Open(filepath.Join(s.path, segmentName(e.kind, e.number)))
	if err != nil {
		return false, err
	}
	r := &reader{file: f, name: segmentName(e.kind, e.number)}
	defer func() { _ = r.close() }()
	const endFrame = frameHeaderBytes + endBytes
	if r.size, err = f.Size(); err != nil || r.size < segmentHeaderBytes+endFrame {
		return false, err
	}
	b, err := r.peek(segmentHeaderBytes)
	if err != nil {
		return false, err
	}
	r.header.salt = saltOf(b)
	r.offset, r.ahead = r.size-endFrame, nil
	kind, _, err := r.next()
	if damage := (*DamageError)(nil); errors.As(err, &damage) {
		return false, nil
	}
	return kind == End, err
}
