package crdt

import "slices"

// SetBack brings the stamps of e that are later than horizon, unix milliseconds, to now, or behind what is not late, in the order that they had, and reports whether there were any. They are of
// a clock that was far ahead and is right again: other nodes hold them back, and no write would win over them until that time has come. A deadline that was
// given then is brought back by as much as its stamp, as most are given as times to live.
//
// Nothing but the order of the stamps of one key has a meaning, and what was written here last is still last. Where another node has the old
// stamp, that one comes back from there.
func (e *Entry) SetBack(horizon, now int64) bool {
	stamps := []*Stamp{&e.Base.Stamp, &e.Deadline.Stamp, &e.Quota.Stamp}
	var late []uint64 // their times, each once, in order
	first := uint64(now) << msShift
	for _, s := range stamps {
		if t := s.Time &^ noTime; s.Millis() > horizon {
			late = append(late, t)
		} else {
			first = max(first, t+tickStep) // what is late stays later than what is not
		}
	}
	if len(late) == 0 && e.Since <= horizon {
		return false
	}
	slices.Sort(late)
	late = slices.Compact(late)
	before := e.Deadline.Stamp.Millis()
	for _, s := range stamps {
		if n, found := slices.BinarySearch(late, s.Time&^noTime); found {
			s.Time = first + uint64(n)*tickStep | s.Time&noTime
		}
	}
	if e.Deadline.At != 0 {
		// At least 1: 0 would be no deadline, and what is below is no time. Either has passed.
		e.Deadline.At = max(1, e.Deadline.At-(before-e.Deadline.Stamp.Millis()))
	}
	if e.Since > horizon {
		e.Since = now
	}
	e.settleSince()
	return true
}
