package shares

import (
	"sort"
	"time"

	"github.com/quotadb/quota-db/quota"
)

// held is one node's bucket of a quota.
type held struct {
	part   quota.Rate
	bucket quota.Bucket
}

// Soonest says how long it takes until this node's bucket and those of the other members that are connected, as far as
// known, have n whole tokens together, if nobody takes any: 0 if they have them now, negative if they cannot hold so
// many. full is how long it takes until all these buckets are full. If other members are connected, retry is rounded up
// to whole milliseconds.
func (d *Desk) Soonest(key []byte, rate, part quota.Rate, own quota.Bucket, n uint64, now int64) (retry, full time.Duration) {
	var room [12]held
	all := append(room[:0], held{part, own})
	d.mu.Lock()
	if q := d.quotas[quotaName{string(key), rate}]; q != nil {
		for i, m := range d.members {
			if m.out != nil {
				all = append(all, held{q.seats[i].part, q.seats[i].bucket})
			}
		}
		d.mu.Unlock()
	} else {
		var room [16]int
		t, at := d.table, d.at(room[:0], true)
		d.mu.Unlock()
		all = t.appendFull(all, at, key, rate)
	}
	for i := range all {
		full = max(full, all[i].bucket.FullAfter(now))
	}
	return soonest(all, n, full, now), full
}

// soonest is how long it takes until buckets have n whole tokens together. full is when all are full.
func soonest(all []held, n uint64, full time.Duration, now int64) time.Duration {
	has, can := sum(all, now), uint64(0)
	for i := range all {
		can += all[i].part.Capacity
	}
	switch {
	case n <= has:
		return 0
	case n > can:
		return -1
	case len(all) == 1:
		return all[0].bucket.RetryAfter(all[0].part, n, now)
	}
	if n == has+1 { // the most frequent question: the next token, wherever it is first
		first := full
		for i := range all {
			b, part := all[i].bucket, all[i].part
			if wait := b.RetryAfter(part, b.Remaining(part, now)+1, now); wait >= 0 {
				first = min(first, wait)
			}
		}
		return first
	}
	step := sort.Search(int(full/time.Millisecond)+1, func(ms int) bool {
		return sum(all, now+int64(ms)*int64(time.Millisecond)) >= n
	})
	return time.Duration(step) * time.Millisecond
}

func sum(all []held, now int64) (tokens uint64) {
	for i := range all {
		tokens += all[i].bucket.Remaining(all[i].part, now)
	}
	return tokens
}
