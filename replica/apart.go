package replica

import "github.com/quotadb/quota-db/engine"

// What two nodes have sent each other, and what differs as before, differs for a reason that sending does not mend: a
// register is held back until its time. Such a key would be sent whole, both ways, at each comparison. So a leader
// remembers of what differs how it did, and if both sides are exactly as they were at the last comparison in this
// session, after which each had all that the other has, it sends it again after one interval, then after two, four, and
// so on.
const (
	// mostApart is how many intervals at most are between two attempts: what was held back arrives so much late at
	// most.
	mostApart = 16
	// maxApart is of how much a node remembers how it differs, for all peers together; the rest is sent each time. Each
	// takes some 70 bytes.
	maxApart = 1 << 18
	// keyLevel is the level of a key, below those of the tree.
	keyLevel = engine.Levels + 1
)

// part is a node of the tree, or a key: its hash is the index then.
type part struct {
	level int
	index uint64
}

func (n node) part() part { return part{n.level, uint64(n.index)} }

// standoff is how a part differs: the sums or digests of both sides; and when it is sent again, after how long.
type standoff struct {
	ours, theirs uint64
	next, pause  int64 // Moment.Mono; nanoseconds
}

// isFutile reports whether a part that differs like this need not be sent now.
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

// settle notes that of a part's leaves only so many are left.
func (x *exchange) settle(leaves *int, left int) {
	if left < *leaves {
		x.settled += *leaves - left
		*leaves = left
	}
}

// settleFill notes how far a Fill has come that the leader waits for: its keys come in the order of their hashes, but
// for a few.
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

// keep is the elements of a list that are to be kept, in its memory.
func keep(list []uint64, is func(uint64) bool) []uint64 {
	kept := list[:0]
	for _, v := range list {
		if is(v) {
			kept = append(kept, v)
		}
	}
	return kept
}
