package engine

import (
	"sync"

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
// without this node's own transient quotas. Each shard keeps the sums of its keys: see sums. The tree has what the last
// RefreshDigests has found there.
type digests struct {
	refreshing sync.Mutex // only one refresh runs; order: before shards

	mu   sync.Mutex       // protects tree; nothing is locked under it
	tree [Levels][]uint64 // nil: no sums are kept
}

func (db *DB) openDigests() {
	for level, n := 0, Fanout; level < Levels; level, n = level+1, n*Fanout {
		db.digests.tree[level] = make([]uint64, n)
	}
	for i := range db.shards {
		db.shards[i].sums.open(db.hashesOf(i))
	}
}

// hashesOf is the first and the last hash of a shard.
func (db *DB) hashesOf(shard int) (first, last uint64) {
	if shard > 0 {
		first, _ = db.nextHash(uint64(shard), 0, false)
	}
	last = allHashes
	if shard+1 < len(db.shards) {
		last, _ = db.nextHash(uint64(shard+1), 0, false)
		last--
	}
	return first, last
}

// RefreshDigests brings the tree up to date. It takes some 200 ns for each key that clients of this node have changed
// since the last refresh, and 150 ns for each key of a shard of which more than an eighth have. It locks a shard for
// one bucket or for some keys at a time.
func (db *DB) RefreshDigests(now Moment) {
	d := &db.digests
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	var changed []leafChange
	for i := range db.shards {
		changed = db.shards[i].refresh(i, now, changed[:0])
		d.publish(changed)
	}
}

// leafChange is by how much the sum of a leaf has changed.
type leafChange struct {
	leaf int
	more uint64
}

// publish adds changes to the leaves, and to all nodes of the tree above them.
func (d *digests) publish(changes []leafChange) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range changes {
		for level, i := Levels-1, c.leaf; level >= 0; level, i = level-1, i/Fanout {
			d.tree[level][i] += c.more
		}
	}
}

// Sums are the sums of the children of a node of the tree, as of the last RefreshDigests. Level 0 has only the root,
// level Levels-1 the parents of the leaves. A sum is 0 where there is no key.
func (db *DB) Sums(level, index int) (sums [Fanout]uint64) {
	d := &db.digests
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(sums[:], d.tree[level][index*Fanout:])
	return sums
}

// Digest is the sum over all keys. Two nodes that store the same have the same digest, with any shards and hash
// secrets.
func (db *DB) Digest(now Moment) uint64 {
	if !db.replicated {
		return db.SumAll(now)
	}
	db.RefreshDigests(now)
	sum := uint64(0)
	for _, v := range db.Sums(0, 0) {
		sum += v
	}
	return sum
}

// SumAll is Digest, computed from all keys. It takes 150 ns for each of them.
func (db *DB) SumAll(now Moment) uint64 {
	h, sum := keyHasher{db: db}, uint64(0)
	db.visit(0, allHashes, func(_ *shard, rec record, _ uint64) {
		if digest, ok := h.digest(rec, now); ok {
			sum += digest
		}
	})
	return sum
}

// leafRange is the first and the last hash of a leaf.
func leafRange(i int) (first, last uint64) {
	first = uint64(i) << leafShift
	return first, first | (1<<leafShift - 1)
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
	db    *DB
	entry crdt.Entry
}

// digest is the digest of a record; false if the record is hidden, or holds nothing but a transient quota of this node.
func (h *keyHasher) digest(rec record, now Moment) (uint64, bool) {
	if rec.expired(now.Wall) {
		return 0, false
	}
	return h.any(rec)
}

// any is the digest of a record, hidden or not; false if it holds nothing but a transient quota of this node.
func (h *keyHasher) any(rec record) (uint64, bool) {
	e := &h.entry
	rec.unpack(e)
	e.Quota = e.Quota.Shared()
	if isNothing(e) {
		return 0, false
	}
	return crdt.Digest(rec.key(), e, h.db.writers.all()), true
}
