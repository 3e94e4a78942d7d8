package crdt

import "slices"

// SetBack moves the stamps of e that are later than horizon, unix milliseconds, back to now, and reports whether there
// were any. They keep their order, and stay later than the other stamps of e. Such stamps come from a clock that was
// far ahead and is right again: other nodes hold them back, and no write would win over them until that time has come.
// A deadline with such a stamp is moved back by as much as its stamp, because most deadlines are given as a TTL.
//
// Only the order of the stamps of one key has a meaning, and the last write here is still the last. Where another node
// has the old stamp, the old stamp comes back from there.
func (e *Entry) SetBack(horizon, now int64) bool {
	stamps := []*Stamp{&e.Base.Stamp, &e.Deadline.Stamp, &e.Quota.Stamp}
	var late []uint64 // times of the late stamps, each once, in order
	first := uint64(now) << msShift
	for _, s := range stamps {
		if t := s.Time &^ noTime; s.Millis() > horizon {
			late = append(late, t)
		} else {
			first = max(first, t+tickStep) // late stamps stay later than the others
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
		// At least 1, which has passed like any time before: 0 would mean no deadline, and negative numbers are no
		// time.
		e.Deadline.At = max(1, e.Deadline.At-(before-e.Deadline.Stamp.Millis()))
	}
	if e.Since > horizon {
		e.Since = now
	}
	e.settleSince()
	return true
}
