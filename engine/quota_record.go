package engine

import (
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
)

// Fields of a record's quota part, from its start.
const (
	quotaCount    = 8
	quotaPeriod   = 16
	quotaStamp    = 24
	quotaNode     = 32
	quotaFlags    = 34
	quotaLevel    = 35
	quotaEpoch    = 36
	quotaFullAt   = 40
	quotaFraction = 48
	quotaSpent    = 56
	quotaBound    = 64
	quotaWritten  = 72
	quotaWrites   = 80
	quotaSafe     = 84

	// Bits of the flags.
	quotaTransient = 1 << 0
	quotaVaries    = 1 << 1
	quotaOwes      = 1 << 2 // the place of the fraction holds the bucket's pace
)

// packQuota writes the quota register, with a full bucket and no reserve.
func (r record) packQuota(off int, q *crdt.Quota) {
	r.put64(off, q.Capacity)
	r.put64(off+quotaCount, q.Count)
	r.put64(off+quotaPeriod, uint64(q.Period))
	r.put64(off+quotaStamp, q.Stamp.Time)
	r.put64(off+quotaNode, uint64(q.Stamp.Node))
	r[off+quotaFlags] = 0
	if q.Transient {
		r[off+quotaFlags] = quotaTransient
	}
	r.putTokens(off, tokens{})
}

func (r record) unpackQuota(off int, q *crdt.Quota) {
	*q = crdt.Quota{
		Capacity:  r.u64(off),
		Count:     r.u64(off + quotaCount),
		Period:    int64(r.u64(off + quotaPeriod)),
		Transient: r[off+quotaFlags]&quotaTransient != 0,
		Stamp:     r.quotaStamp(off),
	}
}

func (r record) quotaStamp(off int) crdt.Stamp {
	return crdt.Stamp{Time: r.u64(off + quotaStamp), Node: r.u16(off + quotaNode)}
}

// rate is the configuration of a quota part.
func (r record) rate(off int) quota.Rate {
	return quota.Rate{Capacity: r.u64(off), Count: r.u64(off + quotaCount), Period: time.Duration(r.u64(off + quotaPeriod))}
}

func (r record) bucket(off int) quota.Bucket {
	b := quota.Bucket{FullAt: int64(r.u64(off + quotaFullAt)), Fraction: r.u64(off + quotaFraction)}
	if r[off+quotaFlags]&quotaOwes != 0 {
		b.Fraction, b.Pace = 0, quota.Pace(b.Fraction)
	}
	return b
}

func (r record) putBucket(off int, b quota.Bucket) {
	r.put64(off+quotaFullAt, uint64(b.FullAt))
	if b.Pace != 0 {
		r[off+quotaFlags] |= quotaOwes
		r.put64(off+quotaFraction, uint64(b.Pace))
		return
	}
	r[off+quotaFlags] &^= quotaOwes
	r.put64(off+quotaFraction, b.Fraction)
}

// isQuota reports whether the record has a quota in force, that is with a capacity above 0.
func (r record) isQuota() bool {
	h := r.header()
	return h&hasQuota != 0 && r.u64(quotaOffset(h)) != 0
}

// isTransient reports whether the record is a quota that ends once its bucket is full.
func (r record) isTransient() bool {
	h := r.header()
	return h&hasQuota != 0 && r[quotaOffset(h)+quotaFlags]&quotaTransient != 0
}
