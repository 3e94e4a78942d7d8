package engine

import (
	"errors"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	pageShift = 14
	pageBytes = 1 << pageShift // bytes; shards take memory from the pool in pages
	granule   = 8              // bytes; records start at multiples of it, and refs count in it

	// maxPoolBytes is the address space that refs can name, without the refs kept for huge records.
	maxPoolBytes = int64(firstHuge) * granule
	minPoolBytes = 64 << 20 // with less address space a DB does not open

	// maxIdlePages is how many freed pages keep their memory (2 MiB). The memory of further ones goes back to the
	// system.
	maxIdlePages = 128
)

var errNoAddressSpace = errors.New("engine: the system grants no address space for the counters, not even 64 MiB: raise or remove ulimit -v (the Go runtime takes 1 GB of addresses too), or vm.overcommit_memory")

// pool hands out pages of one large reserved range of addresses outside the Go heap: the garbage collector never looks
// at a counter, and an address is one addition away from a ref. Memory becomes resident when a page is first touched,
// in huge pages where the system has them.
type pool struct {
	mem   []byte       // the whole range; page n is mem[n<<pageShift:][:pageBytes]
	used  atomic.Int64 // bytes of pages handed out and not given back
	holes atomic.Int64 // bytes of holes in those pages, which freed records have left
	heap  atomic.Int64 // bytes of huge records, which lie on the Go heap

	mu   sync.Mutex
	next uint32   // first page never handed out
	free []uint32 // freed pages; the first maxIdlePages of them still have their memory
}

// newPool reserves limit bytes of addresses, or as much of them as the system grants.
func newPool(limit int64) (*pool, error) {
	for ; limit >= minPoolBytes; limit /= 2 {
		if mem, err := mapRange(int(limit)); err == nil {
			return &pool{mem: mem}, nil
		}
	}
	return nil, errNoAddressSpace
}

// close gives the range back. Nothing may touch a record afterwards.
func (p *pool) close() error {
	mem := p.mem
	p.mem = nil
	return unmapRange(mem)
}

// acquire returns a page with arbitrary content, false when the range is used up.
func (p *pool) acquire() (uint32, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		page := p.free[n-1]
		p.free = p.free[:n-1]
		p.used.Add(pageBytes)
		return page, true
	}
	if int64(p.next+1)<<pageShift > int64(len(p.mem)) {
		return 0, false
	}
	p.next++
	p.used.Add(pageBytes)
	return p.next - 1, true
}

// release takes a page back.
func (p *pool) release(page uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used.Add(-pageBytes)
	if len(p.free) >= maxIdlePages {
		forget(p.page(page))
	}
	p.free = append(p.free, page)
}

// base is where the range begins; ref r is r granules behind it.
func (p *pool) base() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(p.mem)) }

func (p *pool) page(n uint32) []byte {
	return p.mem[int(n)<<pageShift:][:pageBytes:pageBytes]
}
