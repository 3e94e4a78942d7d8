package engine

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/quotadb/quota-db/crdt"
)

// The hash space, divided for comparing what nodes store: Leaves parts by the hash's upper bits, whatever the shards, and above them a tree of
// Levels levels in which each node has Fanout children.
const (
	Fanout    = 16
	Levels    = 4
	Leaves    = 1 << 16 // Fanout to the power of Levels
	leafShift = 48
)

// Leaf is the part that a hash is in.
func Leaf(hash uint64) int { return int(hash >> leafShift) }

// digests are sums of the digests of keys: of what is stored, remains included, hidden keys and this node's own transient quotas excluded.
//
// A leaf's sum is kept, and made anew when one of its keys has changed since, or a deadline has passed. A change that finds its record marked already says nothing: so a leaf with
// marked records stays stale.
type digests struct {
	stale []atomic.Uint32 // by leaf; nil: sums are not kept

	refreshing sync.Mutex // protects leaves; order: before shards
	leaves     []leafSum

	mu   sync.Mutex // protects sums; nothing is locked under it
	sums [Levels][]uint64
}

type leafSum struct {
	sum   uint64
	until int64 // unix ms at which the first of its keys ends
}

func (d *digests) open(kept bool) {
	if !kept {
		return
	}
	d.stale = make([]atomic.Uint32, Leaves)
	d.leaves = make([]leafSum, Leaves)
	for i := range d.leaves {
		d.leaves[i].until = math.MaxInt64
	}
	for level, n := 0, Fanout; level < Levels; level, n = level+1, n*Fanout {
		d.sums[level] = make([]uint64, n)
	}
}

// touch notes that a key of that hash has changed.
func (d *digests) touch(hash uint64) {
	if d.stale != nil {
		if stale := &d.stale[Leaf(hash)]; stale.Load() == 0 {
			stale.Store(1)
		}
	}
}

// RefreshDigests brings the sums up to date. It takes some 150 ns for each key in leaves where something has changed, and locks a shard for one bucket at a time.
func (db *DB) RefreshDigests(now Moment) {
	d := &db.digests
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	h := keyHasher{db: db}
	for i := range d.leaves {
		if leaf := &d.leaves[i]; d.stale[i].Load() != 0 || now.Wall >= leaf.until {
			d.stale[i].Store(0)
			*leaf = db.sumLeaf(&h, i, now)
		}
	}
	d.publish()
}

func (db *DB) sumLeaf(h *keyHasher, i int, now Moment) leafSum {
	leaf := leafSum{until: math.MaxInt64}
	first, last := leafRange(i)
	busy := false
	db.visit(first, last, false, func(s *shard, rec record, _ uint64) {
		busy = busy || rec.header()&s.changes.wanted != 0
		if at := rec.deadline(); at > now.Wall {
			leaf.until = min(leaf.until, at)
		}
		if digest, ok := h.digest(rec, now); ok {
			leaf.sum += digest
		}
	})
	if busy {
		db.digests.stale[i].Store(1)
	}
	return leaf
}

// leafRange is the first and the last hash of a leaf.
func leafRange(i int) (first, last uint64) {
	first = uint64(i) << leafShift
	return first, first | (1<<leafShift - 1)
}

func (d *digests) publish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.leaves {
		d.sums[Levels-1][i] = d.leaves[i].sum
	}
	for level := Levels - 2; level >= 0; level-- {
		below := d.sums[level+1]
		for i := range d.sums[level] {
			sum := uint64(0)
			for _, v := range below[i*Fanout : (i+1)*Fanout] {
				sum += v
			}
			d.sums[level][i] = sum
		}
	}
}

// Sums are the sums of the children of a node of the tree as they were at the last RefreshDigests: level 0 has the one root, level Levels-1 the parents of
// the leaves. A sum is 0 where there is no key.
func (db *DB) Sums(level, index int) (sums [Fanout]uint64) {
	d := &db.digests
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(sums[:], d.sums[level][index*Fanout:])
	return sums
}

// Digest is the sum over all keys: two nodes that store the same have the same, whatever their shards and the secrets of their hashes.
func (db *DB) Digest(now Moment) uint64 {
	sum := uint64(0)
	if db.replicated {
		db.RefreshDigests(now)
		for _, v := range db.Sums(0, 0) {
			sum += v
		}
		return sum
	}
	h := keyHasher{db: db}
	db.visit(0, allHashes, false, func(_ *shard, rec record, _ uint64) {
		if digest, ok := h.digest(rec, now); ok {
			sum += digest
		}
	})
	return sum
}

// LeafKeys calls fn with the hash and digest of each key of a leaf that is in its sum now, and whether it has changes that TakeUnsent has not given. fn runs under
// the shard's lock.
func (db *DB) LeafKeys(leaf int, now Moment, fn func(hash, digest uint64, moving bool)) {
	h := keyHasher{db: db}
	first, last := leafRange(leaf)
	db.visit(first, last, false, func(_ *shard, rec record, hash uint64) {
		if digest, ok := h.digest(rec, now); ok {
			fn(hash, digest, rec.header()&unsent != 0)
		}
	})
}

// keyHasher makes digests of records.
type keyHasher struct {
	db      *DB
	entry   crdt.Entry
	writers []crdt.Writer
}

// digest is the digest of a record; false for one that is hidden or this node's alone.
func (h *keyHasher) digest(rec record, now Moment) (uint64, bool) {
	if rec.expired(now.Wall) {
		return 0, false
	}
	e := &h.entry
	rec.unpack(e)
	if e.Quota.Transient || e.Quota.Capacity == 0 { // that a quota has ended is not compared: the transient one of another node may hide it
		e.Quota = crdt.Quota{}
	}
	if isNothing(e) {
		return 0, false
	}
	for i := range e.Rows {
		if int(e.Rows[i].Writer) >= len(h.writers) {
			h.writers = h.db.Writers(0)
		}
	}
	return crdt.Digest(rec.key(), e, h.writers), true
}
