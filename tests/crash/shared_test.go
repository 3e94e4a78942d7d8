package crash

import (
	"fmt"
	"math/big"
	"time"
)

// addition is a client's step on a shared counter; by is positive.
type addition struct {
	by    int64
	acked time.Time // zero: no reply came
}

// shared is what happened to a shared counter in one life: what it was, and what each client added, in its order.
type shared struct {
	key    string
	before int64
	// flushed is when FLUSHALL, before all additions, was acknowledged; zero: there was none.
	flushed time.Time
	clients [][]addition
}

// verify checks that the counter is what it was plus, for each client, its first additions, including all that were
// acknowledged by durable.
func (s shared) verify(seen int64, durable time.Time) error {
	if !s.flushed.IsZero() {
		if s.flushed.After(durable) && seen == s.before {
			return nil // FLUSHALL is lost, and everything after it
		}
		s.before = 0
	}
	least, most := s.before, s.before
	sums := big.NewInt(1) // bit i: least+i can be reached
	for _, additions := range s.clients {
		required, optional := split(additions, durable)
		least += required
		most += required + last(optional)
		reached := new(big.Int)
		for _, o := range optional {
			reached.Or(reached, new(big.Int).Lsh(sums, uint(o)))
		}
		sums = reached
	}
	switch {
	case seen < least:
		return fmt.Errorf("%s=%d: lost %d that had to be there", s.key, seen, least-seen)
	case seen > most:
		return fmt.Errorf("%s=%d: %d more than was ever sent", s.key, seen, seen-most)
	case sums.Bit(int(seen-least)) == 0:
		return fmt.Errorf("%s=%d: between %d and %d, but no part of what was sent adds up to it", s.key, seen, least, most)
	}
	return nil
}

// split returns the sum that must be there, and the sums on top of it that may be.
func split(additions []addition, durable time.Time) (required int64, optional []int64) {
	at := 0
	for i, a := range additions {
		if !a.acked.IsZero() && !a.acked.After(durable) {
			at = i + 1
		}
	}
	for _, a := range additions[:at] {
		required += a.by
	}
	optional = []int64{0}
	for _, a := range additions[at:] {
		optional = append(optional, last(optional)+a.by)
	}
	return required, optional
}

func last(sums []int64) int64 { return sums[len(sums)-1] }
