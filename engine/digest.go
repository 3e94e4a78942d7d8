package engine

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/quotadb/quota-db/crdt"
)

// Nodes compare what they store by parts of the hash space: Leaves parts by the upper bits of the hash, the same for
// any number of shards, and above them a tree of Levels levels, in which each node has Fanout children.
const (
	Fanout    = 16
	Levels    = 4
	Leaves    = 1 << 16 // Fanout to the power of Levels
	leafShift = 48
)

// Leaf is the part that a hash is in.
func Leaf(hash uint64) int { return int(hash >> leafShift) }

// digests are sums of the digests of all keys: of everything stored, deleted keys included, but without hidden keys and
// without this node's own transient quotas.
//
// The sum of a leaf is kept, and computed again when one of its keys has changed since, or has reached its deadline. A
// change to a record that is already unwritten does not touch its leaf, so a leaf with unwritten records stays stale.
type digests struct {
	stale []atomic.Uint64 // a bit for each leaf; nil: sums are not kept

	refreshing sync.Mutex // protects until and earliest; order: before shards
	until      []int64    // by leaf: unix ms at which the first of its keys expires; 0: none does
	earliest   int64      // the earliest of these, or a time before it

	mu   sync.Mutex // protects sums; nothing is locked under it
	sums [Levels][]uint64
}

func (d *digests) open(kept bool) {
	if !kept {
		return
	}
	d.stale = make([]atomic.Uint64, Leaves/64)
	d.until, d.earliest = make([]int64, Leaves), math.MaxInt64
	for level, n := 0, Fanout; level < Levels; level, n = level+1, n*Fanout {
		d.sums[level] = make([]uint64, n)
	}
}

// touch makes the leaf of that hash stale.
func (d *digests) touch(hash uint64) {
	if d.stale != nil {
		leaf := Leaf(hash)
		if word, bit := &d.stale[leaf/64], uint64(1)<<(leaf%64); word.Load()&bit == 0 {
			word.Or(bit)
		}
	}
}

// RefreshDigests brings the sums up to date. It takes some 150 ns for each key in the stale leaves, and locks a shard
// for one bucket at a time.
func (db *DB) RefreshDigests(now Moment) {
	d := &db.digests
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	if now.Wall >= d.earliest {
		d.wake(now)
	}
	h := keyHasher{db: db}
	for i := range d.stale {
		if d.stale[i].Load() == 0 {
			continue
		}
		for set := d.stale[i].Swap(0); set != 0; set &= set - 1 {
			leaf := i*64 + bits.TrailingZeros64(set)
			d.publish(leaf, db.sumLeaf(&h, leaf, now))
		}
	}
}

// wake makes those leaves stale in which a key has reached its deadline.
func (d *digests) wake(now Moment) {
	d.earliest = math.MaxInt64
	for leaf, until := range d.until {
		switch {
		case until == 0:
		case until <= now.Wall:
			d.touch(uint64(leaf) << leafShift)
		default:
			d.earliest = min(d.earliest, until)
		}
	}
}

// sumLeaf is the sum of a leaf's keys.
func (db *DB) sumLeaf(h *keyHasher, i int, now Moment) (sum uint64) {
	d, until := &db.digests, int64(math.MaxInt64)
	first, last := leafRange(i)
	busy := false
	db.visit(first, last, func(s *shard, rec record, _ uint64) {
		busy = busy || rec.u32(0)&uint32(s.changes.wanted) != 0
		if at := rec.deadline(); at > now.Wall {
			until = min(until, at)
		}
		if digest, ok := h.digest(rec, now); ok {
			sum += digest
		}
	})
	if d.until[i] = 0; until < math.MaxInt64 {
		d.until[i], d.earliest = until, min(d.earliest, until)
	}
	if busy {
		d.touch(first)
	}
	return sum
}

// leafRange is the first and the last hash of a leaf.
func leafRange(i int) (first, last uint64) {
	first = uint64(i) << leafShift
	return first, first | (1<<leafShift - 1)
}

// publish replaces the sum of a leaf, and adds the difference to all nodes of the tree above it.
func (d *digests) publish(leaf int, sum uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	more := sum - d.sums[Levels-1][leaf]
	for level := Levels - 1; level >= 0; level, leaf = level-1, leaf/Fanout {
		d.sums[level][leaf] += more
	}
}

// Sums are the sums of the children of a node of the tree, as of the last RefreshDigests. Level 0 has only the root,
// level Levels-1 the parents of the leaves. A sum is 0 where there is no key.
func (db *DB) Sums(level, index int) (sums [Fanout]uint64) {
	d := &db.digests
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(sums[:], d.sums[level][index*Fanout:])
	return sums
}

// Digest is the sum over all keys. Two nodes that store the same have the same digest, with any shards and hash
// secrets.
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
	db.visit(0, allHashes, func(_ *shard, rec record, _ uint64) {
		if digest, ok := h.digest(rec, now); ok {
			sum += digest
		}
	})
	return sum
}

// LeafKeys calls fn with the hash and the digest of each key of a leaf that its sum counts now. fn runs under the
// shard's lock.
func (db *DB) LeafKeys(leaf int, now Moment, fn func(hash, digest uint64)) {
	h := keyHasher{db: db}
	first, last := leafRange(leaf)
	db.visit(first, last, func(_ *shard, rec record, hash uint64) {
		if digest, ok := h.digest(rec, now); ok {
			fn(hash, digest)
		}
	})
}

// keyHasher makes digests of records.
type keyHasher struct {
	db      *DB
	entry   crdt.Entry
	writers []crdt.Writer
}

// digest is the digest of a record; false if the record is hidden, or holds nothing but a transient quota of this node.
func (h *keyHasher) digest(rec record, now Moment) (uint64, bool) {
	if rec.expired(now.Wall) {
		return 0, false
	}
	e := &h.entry
	rec.unpack(e)
	e.Quota = e.Quota.Shared()
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
