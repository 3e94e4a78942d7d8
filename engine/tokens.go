package engine

import (
	"cmp"
	"slices"

	"github.com/quotadb/quota-db/quota"
)

// tokens are what a quota has, and what of it may be given away although the disk does not know yet.
//
// The state of a quota that the disk has safe is its bucket as it was then, and a reserve: after a crash the bucket is taken to be without it.
// As long as no more than that is given, nothing is given twice. What goes beyond waits for its own state to be safe: see Tx.Unsafe. Any
// state that was written since may be the one that a crash leaves, so bounds only grow while there are such.
//
// A quota whose limit has changed is marked as one that varies: a crash may leave it under another limit than the one
// that its last takes met, so after a crash its reserve is subtracted as debt. The disk has to know that the quota varies
// before anybody hears of a take under the second limit. From then on a change of the limit waits for nothing: whichever
// limit the disk has, its bucket lacks, in tokens, all that was given.
type tokens struct {
	quota.Bucket
	epoch   uint32 // of the quota, by its shard: reserves that were written in another one do not count
	varies  bool   // its limit has changed
	spent   uint64 // given from reserves, ever
	bound   uint64 // what spent may come to by the reserve that is safe
	written uint64 // by the one that was written last
	level   uint8  // how large it was: see grant
	writes  uint32 // of reserves; of those, the last that is safe: they differ while there are some that may become safe later
	safe    uint32
}

// tokens are the record's, full if it has no quota.
func (r record) tokens() tokens {
	h := r.header()
	if h&hasQuota == 0 {
		return tokens{}
	}
	off := quotaOffset(h)
	return tokens{
		r.bucket(off), r.u32(off + quotaEpoch), r[off+quotaFlags]&quotaVaries != 0,
		r.u64(off + quotaSpent), r.u64(off + quotaBound), r.u64(off + quotaWritten), r[off+quotaLevel], r.u32(off + quotaWrites), r.u32(off + quotaSafe),
	}
}

func (r record) putTokens(off int, t tokens) {
	r.putBucket(off, t.Bucket)
	r.put32(off+quotaEpoch, t.epoch)
	if r[off+quotaFlags] &^= quotaVaries; t.varies {
		r[off+quotaFlags] |= quotaVaries
	}
	r.put64(off+quotaSpent, t.spent)
	r.put64(off+quotaBound, t.bound)
	r.put64(off+quotaWritten, t.written)
	r[off+quotaLevel] = t.level
	r.put32(off+quotaWrites, t.writes)
	r.put32(off+quotaSafe, t.safe)
}

// fresh are the tokens of a quota that begins.
func (s *shard) fresh() tokens {
	s.epoch++
	return tokens{epoch: s.epoch}
}

// retune changes the tokens of d to a rate; a draft without a quota gets the tokens of a new one. It
// reports whether replies have to wait until the disk knows of that.
func (s *shard) retune(d *draft, rate quota.Rate, now int64) (unsafe bool) {
	t := &d.tokens
	if d.Quota.Capacity == 0 {
		*t = s.fresh()
		return true
	}
	before := rateOf(&d.Quota)
	if before == rate {
		return false
	}
	t.Change(before, rate, now)
	if t.varies {
		return false
	}
	s.vary(t)
	return true
}

// vary marks the tokens of a quota as those of one whose limit varies. Reserves that were written before do not count any more: the
// disk did not know of it then.
func (s *shard) vary(t *tokens) {
	s.epoch++
	*t = tokens{Bucket: t.Bucket, epoch: s.epoch, varies: true, level: t.level}
}

// setTokens stores the tokens of a record that has a quota.
func (r record) setTokens(t tokens) {
	if h := r.header(); h&hasQuota != 0 {
		r.putTokens(quotaOffset(h), t)
	}
}

// spend takes n tokens, which the bucket has given, from the reserve.
func (tx *Tx) spend(s *shard, rec record, n uint64) {
	if !s.db.followed {
		return
	}
	off := quotaOffset(rec.header())
	spent := rec.u64(off + quotaSpent)
	if rec.u64(off+quotaBound)-spent >= n {
		rec.put64(off+quotaSpent, spent+n)
		return
	}
	tx.unsafe = true
}

// spendInHand is spend for the tokens of a draft.
func (tx *Tx) spendInHand(t *tokens, n uint64) {
	switch {
	case !tx.db.followed:
	case t.bound-t.spent >= n:
		t.spent += n
	default:
		tx.unsafe = true
	}
}

// Unsafe reports whether the transaction did what nobody may hear of before all that was written so far is safe on the disk: it
// gave tokens that a crash would give again, or changed a quota.
func (tx *Tx) Unsafe() bool { return tx.unsafe }

// A reserve is the capacity divided by a power of two: so much is lost when the process is killed.
const (
	firstLevel = 4
	mostLevel  = 2
	leastLevel = 6
)

func reserveOf(capacity uint64, level uint8) uint64 { return max(1, capacity>>level) }

// reserve makes the reserve that is written with the bucket: doubled when the last one was used up, halved when little was.
func (t *tokens) reserve(capacity uint64) uint64 {
	left := t.bound - t.spent
	switch {
	case t.level == 0:
		t.level = firstLevel
	case left == 0:
		t.level = max(t.level-1, mostLevel)
	case t.writes == t.safe && left > reserveOf(capacity, t.level)/4*3:
		t.level = min(t.level+1, leastLevel)
	}
	next := reserveOf(capacity, t.level)
	if t.writes != t.safe {
		next = max(next, t.written-t.spent) // it may become safe later than what is written now
	}
	t.writes++
	t.written = t.spent + next
	t.bound = min(t.bound, t.written)
	return next
}

// WrittenReserve is a reserve that was written, and counts once that is safe.
type WrittenReserve struct {
	hash  uint64
	epoch uint32 // of the quota
	bound uint64
	write uint32
}

// LastReserves are those of grants, in the order of Take, that no later one of the same quota replaces. It uses the same memory.
func LastReserves(grants []WrittenReserve) []WrittenReserve {
	slices.SortStableFunc(grants, func(a, b WrittenReserve) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.epoch, b.epoch))
	})
	last := grants[:0]
	for _, g := range grants {
		if n := len(last); n > 0 && last[n-1].hash == g.hash && last[n-1].epoch == g.epoch {
			last[n-1] = g
			continue
		}
		last = append(last, g)
	}
	return last
}

// writeReserve makes a reserve for a quota, and appends the record of its tokens with it to the batch.
func (s *shard) writeReserve(rec record, hash uint64, b *Batch) {
	off := quotaOffset(rec.header())
	t := rec.tokens()
	reserve := t.reserve(rec.u64(off))
	rec.putTokens(off, t)
	b.Records = appendTokens(b.Records, &t, reserve)
	b.Reserves = append(b.Reserves, WrittenReserve{hash, t.epoch, t.written, t.writes})
}

// ReservesAreSafe makes reserves count that Take gave: all that it took before is safe.
func (db *DB) ReservesAreSafe(grants []WrittenReserve) {
	for _, g := range grants {
		s := db.shard(g.hash)
		s.mu.Lock()
		s.records(g.hash, func(rec record) {
			if h := rec.header(); h&hasQuota != 0 {
				if off := quotaOffset(h); rec.u32(off+quotaEpoch) == g.epoch {
					rec.put64(off+quotaBound, max(rec.u64(off+quotaBound), g.bound))
					rec.put32(off+quotaSafe, g.write)
				}
			}
		})
		s.mu.Unlock()
	}
}

// afterCrash takes the reserve from a bucket, since it may have been given, and leaves it without one. A quota that
// always had this limit cannot have given more than the bucket held; one whose limit varies can.
func (t *tokens) afterCrash(rate quota.Rate, reserve uint64, now int64) {
	if t.varies {
		t.Owe(rate, reserve, now)
	} else {
		t.Drain(rate, min(reserve, rate.Capacity), now)
	}
	t.spent, t.bound, t.written = 0, 0, 0
}
