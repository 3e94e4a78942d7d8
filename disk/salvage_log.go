package disk

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
)

// copyLog copies a log up to the last whole group before the first damage.
func (s *salvage) copyLog(segment int, e segmentEntry) error {
	r, err := s.open(e)
	if err != nil {
		return err
	}
	if r == nil {
		s.stop(e)
		return nil
	}
	defer func() { _ = r.close() }()
	if s.stopped {
		groups, records, err := count(r)
		s.lose(r.name, 0, r.size, records, fmt.Sprintf("it comes after a lost part: %d groups", groups))
		return err
	}
	end, groups, err := s.soundEnd(segment, e, r)
	if err != nil || groups == 0 && s.stopped {
		return err
	}
	s.sound = s.sound || groups > 0 // a log without groups is copied too, so that no number is missing
	s.found.Files = append(s.found.Files, FileReport{Name: filepath.Base(r.name), Bytes: end, Groups: groups})
	r.offset, r.ahead, r.size = segmentHeaderBytes, nil, end
	return s.copyGroups(r, e)
}

// stop notes that no later log counts.
func (s *salvage) stop(e segmentEntry) {
	s.stopped = true
	s.uncertain = s.uncertain || e.number == s.pair
}

// soundEnd is the offset where the last whole group before the first damage ends, and the number of groups up to there.
func (s *salvage) soundEnd(segment int, e segmentEntry, r *reader) (end, groups int64, err error) {
	end = min(segmentHeaderBytes, r.size)
	reason := ""
	for reason == "" {
		kind, payload, err := r.next()
		var damage *DamageError
		switch {
		case errors.Is(err, io.EOF):
			reason = "a group is incomplete"
			continue
		case errors.As(err, &damage):
			reason = fmt.Sprintf("%s at %d", damage.Reason, damage.Offset)
			continue
		case err != nil:
			return 0, 0, err
		}
		if kind != End {
			err := s.sieve.Verify(Frame{Kind: kind, Payload: payload, Segment: segment})
			if errors.Is(err, ErrVersion) {
				return 0, 0, fmt.Errorf("%s: %w", r.name, err)
			}
			if err != nil {
				reason = fmt.Sprintf("%v before %d", err, r.offset)
			}
			continue
		}
		g, ok := parseEnd(payload)
		if !ok {
			reason = fmt.Sprintf("the end of a group has impossible values before %d", r.offset)
			continue
		}
		end, groups = r.offset, groups+1
		s.identity.advance(g.Clock)
		if e.number == s.pair && g.Age >= s.snapshot.Age {
			s.behind++
		}
	}
	unused, err := isUnused(r, end)
	if err != nil {
		return 0, 0, err
	}
	if unused {
		r.size = end
	}
	if end < r.size {
		_, records, err := count(r)
		if err != nil {
			return 0, 0, err
		}
		s.lose(r.name, end, r.size-end, records, reason)
	}
	if whole := end == r.size && end >= max(e.size, segmentHeaderBytes); !whole && (!e.open || end < e.safe) {
		s.stop(e)
	}
	return end, groups, nil
}

// isUnused reports whether there is nothing behind an offset but zeros that were written ahead. It leaves r where it
// is.
func isUnused(r *reader, end int64) (bool, error) {
	at := r.offset
	r.seek(end)
	unused, err := r.isZero()
	r.seek(at)
	return unused, err
}

// count counts the groups from the reader's offset on, and their records.
func count(r *reader) (groups, records int64, err error) {
	for {
		kind, payload, err := r.resync()
		if errors.Is(err, io.EOF) {
			return groups, records, nil
		}
		if err != nil {
			return 0, 0, err
		}
		if e, ok := parseEnd(payload); kind == End && ok {
			groups++
			records += int64(e.Records)
		}
	}
}

// copyGroups copies the rest of what r reads of a log.
func (s *salvage) copyGroups(r *reader, e segmentEntry) error {
	if err := s.copy.begin(e); err != nil {
		return err
	}
	for {
		kind, payload, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if g, ok := parseEnd(payload); kind == End && ok {
			s.copy.segment.endGroup(g.Group)
			continue
		}
		if err := s.copy.frame(kind, payload); err != nil {
			return err
		}
	}
}
