package engine

import "encoding/binary"

const (
	// firstHuge is the first ref that names a record on the Go heap instead of one in a page.
	firstHuge ref = 0xff00_0000
	// maxPagedBytes is the largest record that goes into a page.
	maxPagedBytes = pageBytes / 4

	// pageHeaderBytes: live bytes, end of the records, index in arena.pages, 4 bytes each; then spare bytes, so that
	// records of 32 or 64 bytes lie in one cache line.
	pageHeaderBytes = 64
	noPage          = ^uint32(0)
)

// ref names a record of one shard: its address in the pool, counted in granules, or, from firstHuge on, an index into
// arena.huge. No record has ref 0.
type ref uint32

// arena keeps the records of one shard, one behind the other in pages. Freeing a record leaves a hole. Once holes make
// up a quarter of the pages, the shard moves the records of a sparse page to the end and gives the page back. So any
// mix of sizes wastes at most about a third of the live bytes, at any time.
//
// A page begins with its header. Its records follow without gaps, dead ones included, up to end.
type arena struct {
	pool  *pool
	pages []uint32 // pages owned
	head  uint32   // the page that grows, noPage before the first
	end   int      // first free byte in head
	live  int      // bytes of live records in pages
	hand  int      // where the next search for a sparse page starts

	huge     [][]byte // records too large for a page, by ref-firstHuge
	hugeFree []uint32
}

// at is the memory from the start of a record on. What lies behind the record belongs to other records.
func (a *arena) at(r ref) record {
	if r >= firstHuge {
		return a.huge[r-firstHuge]
	}
	return a.pool.mem[uint64(r)*granule:]
}

// alloc makes room for a record of size bytes, a multiple of the granule.
func (a *arena) alloc(size int) (ref, record) {
	if size > maxPagedBytes {
		return a.allocHuge(size)
	}
	if a.head == noPage || a.end+size > pageBytes-tailBytes {
		if !a.grow() {
			return a.allocHuge(size) // the address range is used up: the Go heap still has room
		}
	}
	at := int(a.head)<<pageShift + a.end
	a.end += size
	a.live += size
	a.addLive(a.head, size)
	return ref(at / granule), a.pool.mem[at:]
}

// grow makes a fresh page the head.
func (a *arena) grow() bool {
	page, ok := a.pool.acquire()
	if !ok {
		return false
	}
	a.seal()
	h := a.pool.page(page)
	clear(h[:pageHeaderBytes])
	binary.LittleEndian.PutUint32(h[8:], uint32(len(a.pages)))
	a.pages = append(a.pages, page)
	a.head, a.end = page, pageHeaderBytes
	return true
}

// seal writes down where the records of the head end, before another page becomes the head.
func (a *arena) seal() {
	if a.head == noPage {
		return
	}
	binary.LittleEndian.PutUint32(a.pool.page(a.head)[4:], uint32(a.end))
	if a.pageLive(a.head) == 0 {
		a.drop(a.head)
	}
}

// free frees a record of size bytes.
func (a *arena) free(r ref, size int) {
	if r >= firstHuge {
		a.huge[r-firstHuge] = nil
		a.hugeFree = append(a.hugeFree, uint32(r-firstHuge))
		a.pool.heap.Add(int64(-size))
		return
	}
	a.at(r).markDead(size)
	a.live -= size
	a.pool.holes.Add(int64(size))
	page := uint32(uint64(r) * granule >> pageShift)
	if a.addLive(page, -size) == 0 && page != a.head {
		a.drop(page)
	}
}

// drop gives a sealed page back to the pool.
func (a *arena) drop(page uint32) {
	h := a.pool.page(page)
	a.pool.holes.Add(-int64(a.sealedEnd(page) - pageHeaderBytes - a.pageLive(page)))
	i := binary.LittleEndian.Uint32(h[8:])
	last := a.pages[len(a.pages)-1]
	a.pages[i] = last
	binary.LittleEndian.PutUint32(a.pool.page(last)[8:], i)
	a.pages = a.pages[:len(a.pages)-1]
	a.pool.release(page)
}

// holes is how many bytes of the pages hold no live record.
func (a *arena) holes() int { return len(a.pages)*pageBytes - a.live }

// sparse returns a page worth emptying. It returns false if the holes are few; otherwise there must be such a page.
func (a *arena) sparse() (uint32, bool) {
	const spare = 2 * pageBytes // the head, and the ends of pages, into which no record fits
	if a.holes() <= len(a.pages)*pageBytes/4+spare {
		return 0, false
	}
	for range a.pages {
		a.hand++
		if a.hand >= len(a.pages) {
			a.hand = 0
		}
		if p := a.pages[a.hand]; p != a.head && a.pageLive(p) <= pageBytes*3/4 {
			return p, true
		}
	}
	return 0, false
}

// empty moves the live records of a page, which is not the head, to the end of the arena and gives the page back. It
// calls moved for each record, after the bytes are at the new place.
func (a *arena) empty(page uint32, moved func(from, to ref, rec record)) {
	base := int(page) << pageShift
	end := a.sealedEnd(page)
	for off := pageHeaderBytes; off < end; {
		rec := record(a.pool.mem[base+off:])
		size := rec.size()
		if !rec.isDead() {
			to, copied := a.alloc(size)
			copy(copied[:size], rec[:size])
			moved(ref((base+off)/granule), to, copied)
			a.live -= size
		}
		off += size
	}
	a.drop(page)
}

// each calls fn for every live record.
func (a *arena) each(fn func(record)) {
	for _, page := range a.pages {
		end := a.sealedEnd(page)
		if page == a.head {
			end = a.end
		}
		base := int(page) << pageShift
		for off := pageHeaderBytes; off < end; {
			rec := record(a.pool.mem[base+off:])
			if !rec.isDead() {
				fn(rec)
			}
			off += rec.size()
		}
	}
	for _, rec := range a.huge {
		if rec != nil {
			fn(rec)
		}
	}
}

// reset gives all memory back to the pool.
func (a *arena) reset() {
	a.seal()
	for len(a.pages) > 0 {
		a.drop(a.pages[0])
	}
	for _, rec := range a.huge {
		if rec != nil {
			a.pool.heap.Add(int64(-record(rec).size()))
		}
	}
	*a = arena{pool: a.pool, head: noPage}
}

func (a *arena) pageLive(page uint32) int {
	return int(binary.LittleEndian.Uint32(a.pool.page(page)))
}

// sealedEnd is where the records of a page end; the page is not the head.
func (a *arena) sealedEnd(page uint32) int {
	return int(binary.LittleEndian.Uint32(a.pool.page(page)[4:]))
}

func (a *arena) addLive(page uint32, n int) int {
	h := a.pool.page(page)
	live := int(binary.LittleEndian.Uint32(h)) + n
	binary.LittleEndian.PutUint32(h, uint32(live))
	return live
}

// allocHuge makes room for a record on the Go heap.
func (a *arena) allocHuge(size int) (ref, record) {
	buf := make([]byte, size+tailBytes)
	a.pool.heap.Add(int64(size))
	if n := len(a.hugeFree); n > 0 {
		i := a.hugeFree[n-1]
		a.hugeFree = a.hugeFree[:n-1]
		a.huge[i] = buf
		return firstHuge + ref(i), buf
	}
	a.huge = append(a.huge, buf)
	return firstHuge + ref(len(a.huge)-1), buf
}
