package engine

import (
	"cmp"
	"slices"

	"github.com/quotadb/quota-db/quota"
)

// tokens are the tokens of a quota, and how many of them may be given before the disk knows of it.
//
// With a quota the disk stores its bucket as it was then, and a reserve: tokens that the node may give before it must
// sync again. After a crash we assume that the whole reserve was given. So as long as a node gives no more than the
// reserve, no token is given twice. A take beyond the reserve waits until its own state is synced: see Tx.Unsafe. Until
// a newer write is known to be synced, a crash may leave either; what we give must be covered by both.
//
// A quota whose limit has changed is marked varies. A crash may leave it under another limit than the limit at its last
// takes, so after a crash its reserve is subtracted as debt. The disk must know that the quota varies before a client
// hears of a take under the second limit. From then on a change of the limit waits for nothing: whichever limit the
// disk has, its bucket lacks all tokens that were given.
type tokens struct {
	quota.Bucket
	epoch   uint32 // number of the quota in its shard: reserves written in another epoch do not count
	varies  bool   // the limit has changed
	spent   uint64 // tokens given from reserves, ever
	bound   uint64 // the largest spent that the synced reserve allows
	written uint64 // the largest spent that the last written reserve allows
	level   uint8  // size of the last reserve: see reserveOf
	writes  uint32 // number of reserves written so far
	safe    uint32 // the last of them that is known to be synced; below writes: some may still become safe
}

// tokens are the tokens of a record; those of a full bucket if it has no quota.
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

// fresh are the tokens of a new quota: a full bucket.
func (s *shard) fresh() tokens {
	s.epoch++
	return tokens{epoch: s.epoch}
}

// retune changes the tokens of d to a rate. A draft without a quota gets the tokens of a new one. unsafe: replies must
// wait until the change is synced.
func (s *shard) retune(k Key, d *draft, rate quota.Rate, now int64) (unsafe bool) {
	t := &d.tokens
	if d.Quota.Capacity == 0 {
		*t = s.fresh()
		return true
	}
	before := rateOf(&d.Quota)
	if before == rate {
		return false
	}
	s.db.change(k.Name, &t.Bucket, before, rate, now)
	if t.varies {
		return false
	}
	s.vary(t)
	return true
}

// vary marks the tokens as those of a quota whose limit varies. Reserves written before do not count any more: when
// they were written, the disk did not know that.
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

// spend subtracts n tokens, which the bucket has given, from the reserve of a record. If the reserve is smaller, the
// reply must wait.
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

// Unsafe reports whether the reply must wait until everything written so far is synced: the transaction took tokens
// beyond a reserve, which a crash would give again, or it changed a quota.
func (tx *Tx) Unsafe() bool { return tx.unsafe }

// A reserve is the capacity divided by two to the power of its level. So many tokens are lost when the process is
// killed.
const (
	firstLevel = 4
	mostLevel  = 2
	leastLevel = 6
)

// reserveOf is the reserve of a level, in tokens.
func reserveOf(capacity uint64, level uint8) uint64 { return max(1, capacity>>level) }

// reserve makes the reserve that is written with the bucket: twice the last one if that was used up, half of it if
// little was used.
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
		// If an earlier write is synced first, clients may go on with the tokens that it allows.
		next = max(next, min(t.written-t.spent, reserveOf(capacity, mostLevel)))
	}
	t.writes++
	t.written = t.spent + next
	t.bound = min(t.bound, t.written)
	return next
}

// WrittenReserve is a reserve that Take has written. It counts once it is synced.
type WrittenReserve struct {
	hash  uint64
	epoch uint32 // of the quota: see tokens
	bound uint64
	write uint32
}

// LastReserves keeps the last reserve of each quota. The reserves are in the order of Take; the result uses their
// memory.
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

// writeReserve makes a reserve for a quota, and appends the record of its tokens to the batch.
func (s *shard) writeReserve(rec record, hash uint64, b *Batch) {
	off := quotaOffset(rec.header())
	t := rec.tokens()
	own, _ := s.db.own(rec.key(), rec.rate(off), t.Bucket)
	reserve := t.reserve(own.Capacity)
	rec.putTokens(off, t)
	b.Records = appendTokens(b.Records, &t, reserve)
	b.Reserves = append(b.Reserves, WrittenReserve{hash, t.epoch, t.written, t.writes})
}

// ReservesAreSafe makes reserves from Take count. Everything that Take gave with them and before is synced.
func (db *DB) ReservesAreSafe(grants []WrittenReserve) {
	for _, g := range grants {
		s := db.shard(g.hash)
		s.mu.Lock()
		s.records(g.hash, func(rec record) {
			if h := rec.header(); h&hasQuota != 0 {
				if off := quotaOffset(h); rec.u32(off+quotaEpoch) == g.epoch {
					// Not above the reserve of the last write: after a crash the disk may have the state of that write.
					rec.put64(off+quotaBound, max(rec.u64(off+quotaBound), min(g.bound, rec.u64(off+quotaWritten))))
					rec.put32(off+quotaSafe, g.write)
				}
			}
		})
		s.mu.Unlock()
	}
}

// afterCrash takes the reserve out of a bucket, since it may have been given, and leaves the quota without a reserve. A
// quota that always had this limit cannot have given more than its bucket held; a quota whose limit varies can.
func (t *tokens) afterCrash(rate quota.Rate, reserve uint64, now int64) {
	if t.varies {
		t.Owe(rate, reserve, now)
	} else {
		t.Drain(rate, min(reserve, rate.Capacity), now)
	}
	t.spent, t.bound, t.written = 0, 0, 0
}
