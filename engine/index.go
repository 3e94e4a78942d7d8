package engine

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

const (
	slotsPerBucket = 12
	bucketBytes    = 64
	bucketsPerPage = pageBytes / bucketBytes

	// A table grows by half when its buckets hold growLoad keys on average, and shrinks by a third below shrinkLoad.
	growLoad   = 9
	shrinkLoad = 3
	// movesPerWrite is how many buckets of the old table each insert or delete moves while a table is replaced:
	// enough that the next replacement is never due before this one is done.
	movesPerWrite = 2
)

// bucket is one cache line. Each of its slots has a tag (a byte of the hash, 0 for an empty slot) and a ref. The ref of
// an empty slot is 0 too: matches may name an empty slot, and an old ref there could name any memory. Writers hold the
// shard's lock. The fields are atomic because DB.Warm reads them without the lock, for hints only.
type bucket struct {
	low  atomic.Uint64 // tags of slots 0 to 7
	high atomic.Uint32 // tags of slots 8 to 11
	next uint32        // overflow bucket, 0 for none
	refs [slotsPerBucket]atomic.Uint32
}

const (
	lowBits   = 0x0101010101010101
	highBits  = 0x8080808080808080
	firstHigh = 8 // first slot whose tag is in high
)

// matches has the top bit of byte i set where byte i of tags is tag. Above a true match there may be false ones:
// callers compare the keys anyway.
func matches(tags uint64, tag uint8) uint64 {
	x := tags ^ lowBits*uint64(tag)
	return (x - lowBits) &^ x & highBits
}

// matches32 is matches for four tags.
func matches32(tags uint32, tag uint8) uint64 {
	return matches(uint64(tags)|0xffffffff<<32, tag) & 0x80808080
}

// emptySlot is a free slot of the bucket, -1 if it is full.
func (b *bucket) emptySlot() int {
	if m := matches(b.low.Load(), 0); m != 0 {
		return bits.TrailingZeros64(m) / 8
	}
	if m := matches32(b.high.Load(), 0); m != 0 {
		return firstHigh + bits.TrailingZeros64(m)/8
	}
	return -1
}

func (b *bucket) tag(slot int) uint8 {
	if slot < firstHigh {
		return uint8(b.low.Load() >> (8 * slot))
	}
	return uint8(b.high.Load() >> (8 * (slot - firstHigh)))
}

func (b *bucket) setTag(slot int, tag uint8) {
	if slot < firstHigh {
		shift := 8 * slot
		b.low.Store(b.low.Load()&^(0xff<<shift) | uint64(tag)<<shift)
		return
	}
	shift := 8 * (slot - firstHigh)
	b.high.Store(b.high.Load()&^(0xff<<shift) | uint32(tag)<<shift)
}

// table is an array of buckets in hash order: the key at position p of 2^64 belongs to bucket p*n>>64. Any n will do,
// so a table can be replaced by one that is half larger, from left to right: left of the frontier a key is in the new
// table, right of it in the old one, never in both. A table's chunks do not change once it is in use.
type table struct {
	n      uint64 // buckets
	chunks [][]bucket
	pages  []uint32 // the pages that chunks lie in; none for a small table, which is on the Go heap
}

// newTable makes n buckets; nil if the pool has no room for them. Pages hold garbage until clearTo has cleared them:
// see begin and moveBucket.
func newTable(p *pool, n uint64) *table {
	t := &table{n: n}
	if n < bucketsPerPage {
		t.chunks = [][]bucket{make([]bucket, n)}
		return t
	}
	for made := uint64(0); made < n; made += bucketsPerPage {
		page, ok := p.acquire()
		if !ok {
			t.release(p, 0)
			return nil
		}
		t.pages = append(t.pages, page)
		t.chunks = append(t.chunks, bucketsOf(p.page(page)))
	}
	return t
}

// bucketsOf looks at a page as buckets. Pages are aligned, and buckets hold no Go pointers.
func bucketsOf(page []byte) []bucket {
	return unsafe.Slice((*bucket)(unsafe.Pointer(unsafe.SliceData(page))), bucketsPerPage)
}

// release gives the table's pages from the first-th on back to the pool.
func (t *table) release(p *pool, first int) {
	for _, page := range t.pages[min(first, len(t.pages)):] {
		p.release(page)
	}
}

// home is the number of the bucket at a position.
func (t *table) home(position uint64) uint64 {
	hi, _ := bits.Mul64(position, t.n)
	return hi
}

// start is the first position of bucket i. i may be n: then done is true.
func (t *table) start(i uint64) (position uint64, done bool) {
	if i >= t.n {
		return 0, true
	}
	q, r := bits.Div64(i, 0, t.n)
	if r != 0 {
		q++
	}
	return q, false
}

func (t *table) bucket(i uint64) *bucket {
	return &t.chunks[i/bucketsPerPage][i%bucketsPerPage]
}

// index finds the records of one shard by position and tag.
type index struct {
	pool    *pool
	initial uint64                // buckets of the first table; no table is smaller
	current atomic.Pointer[table] // nil before the first key
	old     *table                // the table that current replaces, or nil
	moved   uint64                // buckets of old that have been moved: the frontier
	cleared uint64                // pages of current that are ready for use
	count   int                   // records

	overflow     [][]bucket // by number, from 1; pages of the pool
	overflowFree uint32     // head of the list of free ones, linked by next
	overflowPage []uint32
}

// at is the bucket for the keys of a position. The index must not be empty.
func (x *index) at(position uint64) *bucket {
	if x.old != nil {
		if i := x.old.home(position); i >= x.moved {
			return x.old.bucket(i)
		}
	}
	t := x.current.Load()
	return t.bucket(t.home(position))
}

// next is the bucket's overflow bucket, nil if there is none.
func (x *index) next(b *bucket) *bucket {
	if b.next == 0 {
		return nil
	}
	return x.over(b.next)
}

func (x *index) over(n uint32) *bucket {
	return &x.overflow[(n-1)/bucketsPerPage][(n-1)%bucketsPerPage]
}

// tagOf is the tag of a hash: the lowest bits, which influence positions least.
func tagOf(hash uint64) uint8 {
	if t := uint8(hash); t != 0 {
		return t
	}
	return 1
}

// put adds r into the chain of b.
func (x *index) put(b *bucket, tag uint8, r ref) {
	for {
		if slot := b.emptySlot(); slot >= 0 {
			b.refs[slot].Store(uint32(r))
			b.setTag(slot, tag)
			return
		}
		if b.next == 0 {
			n := x.newOverflow()
			b.next = n
		}
		b = x.over(b.next)
	}
}

func (x *index) newOverflow() uint32 {
	if x.overflowFree == 0 {
		x.growOverflow()
	}
	n := x.overflowFree
	b := x.over(n)
	x.overflowFree = b.next
	b.next = 0
	return n
}

// growOverflow adds a page of overflow buckets, or some on the Go heap when the pool has none left.
func (x *index) growOverflow() {
	var chunk []bucket
	if page, ok := x.pool.acquire(); ok {
		clear(x.pool.page(page))
		x.overflowPage = append(x.overflowPage, page)
		chunk = bucketsOf(x.pool.page(page))
	} else {
		chunk = make([]bucket, bucketsPerPage)
	}
	first := uint32(len(x.overflow)*bucketsPerPage) + 1
	x.overflow = append(x.overflow, chunk)
	for i := range chunk {
		chunk[i].next = x.overflowFree
		x.overflowFree = first + uint32(i)
	}
}

// freeChain empties b and gives its overflow buckets back.
func (x *index) freeChain(b *bucket) {
	for n := b.next; n != 0; {
		o := x.over(n)
		after := o.next
		o.clear()
		o.next = x.overflowFree
		x.overflowFree = n
		n = after
	}
	b.low.Store(0) // the table of b is given back, so only the tags count, for DB.Warm
	b.high.Store(0)
	b.next = 0
}

// clear empties every slot.
func (b *bucket) clear() {
	b.low.Store(0)
	b.high.Store(0)
	for slot := range b.refs {
		b.refs[slot].Store(0)
	}
}

// reset gives all memory back to the pool.
func (x *index) reset() {
	if x.old != nil {
		x.old.release(x.pool, int(x.moved/bucketsPerPage))
	}
	if t := x.current.Load(); t != nil {
		t.release(x.pool, 0)
	}
	for _, page := range x.overflowPage {
		x.pool.release(page)
	}
	x.current.Store(nil)
	x.old, x.moved, x.cleared, x.count = nil, 0, 0, 0
	x.overflow, x.overflowPage, x.overflowFree = nil, nil, 0
}

// resizeIfDue begins to replace a table that has become too full or too empty. The first key makes the first table.
func (x *index) resizeIfDue() {
	t := x.current.Load()
	if t == nil {
		x.begin()
		return
	}
	if x.old != nil {
		return
	}
	n := t.n
	switch load := uint64(x.count); {
	case load > growLoad*n:
		n += (n + 1) / 2
	case load < shrinkLoad*n && n > x.initial:
		n = max(n-n/3, x.initial)
	default:
		return
	}
	if larger := newTable(x.pool, n); larger != nil { // no room for a larger table: the chains grow instead
		x.old, x.moved, x.cleared = t, 0, 0
		x.current.Store(larger)
	}
}

// begin makes the first table. If the pool has no room, it makes one of moderate size on the Go heap, which grows as
// others do.
func (x *index) begin() {
	t := newTable(x.pool, x.initial)
	if t == nil {
		t = newTable(x.pool, bucketsPerPage-1)
	}
	x.cleared = 0
	x.current.Store(t)
	x.clearTo(t.n)
}

// clearTo makes the buckets of current up to number i usable: a page at a time, because clearing a large table
// at once would be a stall.
func (x *index) clearTo(i uint64) {
	t := x.current.Load()
	for ; x.cleared*bucketsPerPage <= i && x.cleared < uint64(len(t.pages)); x.cleared++ {
		clear(x.pool.page(t.pages[x.cleared]))
	}
}

// lastMoved is the last position of the bucket at the frontier: once that is moved, current serves up to there.
func (x *index) lastMoved() uint64 {
	if next, end := x.old.start(x.moved + 1); !end {
		return next - 1
	}
	return 1<<64 - 1
}

// advance notes that the bucket at the frontier has been moved.
func (x *index) advance() {
	x.moved++
	if done := x.moved / bucketsPerPage; x.moved%bucketsPerPage == 0 && len(x.old.pages) > 0 {
		x.pool.release(x.old.pages[done-1])
	}
	if x.moved == x.old.n {
		x.old.release(x.pool, int(x.moved/bucketsPerPage))
		x.old, x.moved = nil, 0
	}
}
