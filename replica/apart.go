package replica

import "github.com/quotadb/quota-db/engine"

// Some differences cannot be repaired by sending, for example when a register is held back until its time comes. Such a
// key would be sent whole, in both directions, at each comparison. Therefore a leader remembers how each part differed.
// If both sides are exactly as they were at the last comparison in this session, after which each side had received
// everything from the other, the part is sent again only after one interval, then after two, four, and so on.
const (
	// mostApart is the longest pause between two attempts, in intervals. A register that was held back arrives late by
	// at most this time.
	mostApart = 16
	// maxApart is the largest number of differences that a node remembers, for all peers together; others are sent each
	// time. Each takes some 70 bytes.
	maxApart = 1 << 18
	// keyLevel is the level of a single key: one below the leaves of the tree.
	keyLevel = engine.Levels + 1
)

// part is a node of the tree, or a key; for a key, index is its hash.
type part struct {
	level int
	index uint64
}

func (n node) part() part { return part{n.level, uint64(n.index)} }

// standoff is a difference that remains: the sums or digests of both sides, when the part is sent again, and after
// which pause.
type standoff struct {
	ours, theirs uint64
	next, pause  int64 // Moment.Mono; nanoseconds
}

// isFutile reports whether sending a part that differs in this way can wait, because it did not help last time.
func (s *Session) isFutile(p part, d standoff, now engine.Moment) bool {
	x, interval := &s.exchange, int64(s.machine.Interval)
	last, known := s.peer.apart[p]
	same := known && last.ours == d.ours && last.theirs == d.theirs
	futile := same && now.Mono < last.next
	switch {
	case futile:
		d = last
	case same:
		d.pause = min(2*last.pause, mostApart*interval)
		d.next = now.Mono + d.pause
	default:
		d.pause, d.next = interval, now.Mono+interval
	}
	if len(x.apart) < maxApart/len(s.machine.peers) {
		if x.apart == nil {
			x.apart = map[part]standoff{}
		}
		x.apart[p] = d
	}
	return futile
}

// settle notes that only left leaves of a part are unsettled.
func (x *exchange) settle(leaves *int, left int) {
	if left < *leaves {
		x.settled += *leaves - left
		*leaves = left
	}
}

// settleFill notes the progress of the Fill that the leader waits for. Its keys come in the order of their hashes,
// except a few.
func (s *Session) settleFill() {
	x := &s.exchange
	if !s.leads || len(x.asked) == 0 || x.asked[0].leaves == 0 {
		return
	}
	q := &x.asked[0]
	leaf, end := engine.Leaf(s.machine.incoming.last), q.about.leaf()+q.about.leaves()
	if leaf >= q.about.leaf() && leaf < end {
		x.settle(&q.leaves, end-leaf)
	}
}

// keep returns the elements for which is reports true. It overwrites list.
func keep(list []uint64, is func(uint64) bool) []uint64 {
	kept := list[:0]
	for _, v := range list {
		if is(v) {
			kept = append(kept, v)
		}
	}
	return kept
}
