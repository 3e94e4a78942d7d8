// Package engine keeps the keys of one node in memory.
//
// Keys are spread over shards by a secret hash. Each shard has one lock, an index (one cache line per bucket), an arena
// of packed records (crdt.Entry in as few bytes as possible) and a timing wheel of the records that expire. Index pages
// and records lie outside the Go heap. A lookup misses the cache twice, once for the bucket and once for the record.
// DB.Warm lets the misses of a pipelined batch overlap.
//
// Reads and increments of plain counters work on the packed record in place. Every operation that changes the shape of
// an entry unpacks it, lets package crdt change it, and packs the result.
//
// Invariants: a record is in the index exactly once; a record with a deadline is in the wheel exactly once; a key past
// its deadline is absent for every caller, swept or not. Lock order: shards by number.
package engine

import (
	"errors"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/shares"
)

// Errors of writes. After an error the entry is as it was before.
var (
	ErrNotInteger = errors.New("engine: value is not an integer")
	ErrOverflow   = errors.New("engine: increment would overflow 64 bits")
	ErrQuota      = errors.New("engine: the key holds a quota")
	ErrWaiting    = errors.New("engine: the cluster is not founded yet")
	ErrValueSize  = errors.New("engine: value is too long")
)

// MaxShards bounds Options.Shards.
const MaxShards = 1 << 16

// Options of a DB.
type Options struct {
	Shards     int           // 1 to MaxShards
	Node       uint16        // this node's id, part of the stamps of its writes
	HashKey    [2]uint64     // secret of the hash; from a good random source, or fixed in a simulation
	TickMillis int64         // resolution of the sweep of expired keys; 0: 100 ms
	Life       uint64        // this node's life: unique to one history of its disk
	NewLife    func() uint64 // makes a new life when the numbers of the old one are used up; nil: RandomLife
	Start      uint64        // a number at or above all that this life has used on deleted keys: see lives
	Followed   bool          // the disk follows: changes are kept for Take
	// The node has or had peers: what merging needs is kept, and changes by clients are kept for TakeUnsent.
	Replicated bool
	// Replicated, but there is no peer at present: nobody calls TakeUnsent, and nothing is kept for it.
	Alone    bool
	Part     shares.Part // see DB.SetPart
	MaxBytes int64       // address space to reserve for records, in bytes; 0: as much as refs reach, about 32 GiB
}

// DB is all keys of one node. Methods are safe for concurrent use.
type DB struct {
	hash                           hasher
	node                           uint16
	shards                         []shard
	pool                           *pool
	sets                           sync.Pool // of *[]uint32: the shards that a LockAll holds
	writers                        writers
	newLife                        func() uint64
	backlog                        atomic.Int64 // bytes of encoded deletions that Take has not given yet
	joined                         joined
	digests                        digests
	diskRest, peersRest, sweepRest rest
	part                           atomic.Pointer[shares.Part]

	followed   bool
	replicated bool
	flushes    uint64 // how often all keys were flushed; any shard's lock protects reads, a write needs all of them
}

// Open makes an empty DB. Close gives its memory back.
func Open(o Options) (*DB, error) {
	if o.Shards < 1 || o.Shards > MaxShards {
		return nil, errors.New("engine: shards must be from 1 to 65536")
	}
	if o.TickMillis <= 0 {
		o.TickMillis = 100
	}
	if o.MaxBytes <= 0 || o.MaxBytes > maxPoolBytes {
		o.MaxBytes = maxPoolBytes
	}
	p, err := newPool(max(o.MaxBytes, minPoolBytes))
	if err != nil {
		return nil, err
	}
	db := &DB{hash: hasher{o.HashKey[0], o.HashKey[1]}, node: o.Node, shards: make([]shard, o.Shards), pool: p, followed: o.Followed, replicated: o.Replicated}
	db.SetPart(o.Part)
	if db.newLife = o.NewLife; db.newLife == nil {
		db.newLife = RandomLife
	}
	db.writers.index(crdt.Writer{Node: o.Node, Life: o.Life}) // primary
	db.joined = make(joined, (o.Shards+63)/64)
	db.sets.New = func() any { return new([]uint32) }
	for i := range db.shards {
		s := &db.shards[i]
		s.db = db
		s.index.pool, s.index.initial = p, initialBuckets(i, o.Shards)
		s.arena = arena{pool: p, head: noPage}
		s.wheel.tickMillis = o.TickMillis
		if o.Followed {
			s.changes.wanted |= toDisk
		}
		if o.Replicated && !o.Alone {
			s.changes.wanted |= toPeers
		}
		s.lives.start = o.Start
		s.sums.hasher.db = db
	}
	if o.Replicated {
		db.openDigests()
	}
	return db, nil
}

// MakeRoom makes the index of an empty DB large enough for this number of keys, so that it need not grow while they are
// loaded. The caller calls loaded after the load: from then on the index may shrink to fit the keys.
func (db *DB) MakeRoom(keys int64) (loaded func()) {
	for i := range db.shards {
		x := &db.shards[i].index
		if n := uint64(keys) / uint64(len(db.shards)) / loadedLoad; n > x.initial {
			x.initial = n
			x.begin()
		}
	}
	return func() {
		for i := range db.shards {
			s := &db.shards[i]
			s.mu.Lock()
			s.index.initial = initialBuckets(i, len(db.shards))
			s.mu.Unlock()
		}
	}
}

// loadedLoad is how many keys a bucket has on average after a load: between shrinkLoad and growLoad.
const loadedLoad = 7

// initialBuckets is the size of a shard's first table. Tables grow by half; the shards begin at different sizes
// between two such steps, so that they do not all grow at the same time.
func initialBuckets(shard, shards int) uint64 {
	const least = 8
	return least + uint64(least/2*shard/shards)
}

// Close gives all memory back. Nothing may use the DB afterwards.
func (db *DB) Close() error { return db.pool.close() }

// Key is a key's name with its hash: DB.Key makes it, once per command.
type Key struct {
	Name []byte
	Hash uint64
}

// Key hashes a name.
func (db *DB) Key(name []byte) Key { return Key{name, db.hash.sum(name)} }

// shard is the shard that a hash belongs to. Shards divide the hash space in order.
func (db *DB) shard(hash uint64) *shard { return &db.shards[db.shardOf(hash)] }

func (db *DB) shardOf(hash uint64) uint64 {
	hi, _ := bits.Mul64(hash, uint64(len(db.shards)))
	return hi
}

// position is a hash's place within its shard's part of the hash space, spread over 64 bits.
func (db *DB) position(hash uint64) uint64 { return hash * uint64(len(db.shards)) }

// Lock locks the shard of one key and returns the transaction that may touch keys of that shard.
func (db *DB) Lock(k Key, now Moment) Tx {
	s := db.shard(k.Hash)
	waited := s.lock()
	return Tx{db: db, now: s.moment(now), one: s, waited: waited}
}

// LockAll locks the shards of all these keys, lowest first, so that no two LockAll wait for each other.
func (db *DB) LockAll(keys []Key, now Moment) Tx {
	set := db.sets.Get().(*[]uint32)
	held := (*set)[:0]
	for _, k := range keys {
		held = append(held, uint32(db.shardOf(k.Hash)))
	}
	slices.Sort(held)
	held = slices.Compact(held)
	waited := false
	for _, i := range held {
		s := &db.shards[i]
		waited = s.lock() || waited
		s.changes.fresh = false
		now = s.moment(now)
	}
	*set = held
	tx := Tx{db: db, now: now, many: set, waited: waited}
	tx.Renew(now)
	return tx
}

// Used is the memory of keys and index in bytes: whole pages without their holes. Resident memory can be a third
// larger, plus 2 MiB of idle pages.
func (db *DB) Used() int64 {
	return db.pool.used.Load() - db.pool.holes.Load() + db.pool.heap.Load()
}

// Full reports whether the address space for records is nearly used up: callers should then refuse writes that may need
// memory. A write that runs all the same still finds room, on the Go heap.
func (db *DB) Full() bool {
	limit := int64(len(db.pool.mem))
	return db.pool.used.Load() > limit-limit/64
}

// LockEvery locks all shards.
func (db *DB) LockEvery(now Moment) Tx {
	waited := false
	for i := range db.shards {
		s := &db.shards[i]
		waited = s.lock() || waited
		s.changes.fresh = false
		now = s.moment(now)
	}
	tx := Tx{db: db, now: now, every: true, waited: waited}
	tx.Renew(now)
	return tx
}

// Sweep deletes keys whose deadline has passed, at most budget in each shard under one hold of that shard's lock. It
// returns how many it deleted; done means that none is left for now.
func (db *DB) Sweep(now Moment, budget int) (deleted int, done bool) {
	done = true
	db.All(now).each(func(s *shard) {
		n, d := s.sweep(now, budget)
		deleted += n
		done = done && d
	})
	return deleted, done
}
