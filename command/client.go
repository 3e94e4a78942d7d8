package command

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Client is what the server knows of one connection. The goroutine that runs the client's commands owns it; it alone
// changes a field, and those that CLIENT LIST shows only under Clients.mu, so it may read them without.
type Client struct {
	ID         int64
	Proto      int // 2 or 3
	Name       string
	LibName    string
	LibVersion string
	RemoteAddr string
	LocalAddr  string
	Created    time.Time
	CloseAfter bool // the connection is to be closed once the replies have left; no further command runs

	// seen is the time of the last batch in unix milliseconds, above seenShift bits for the id of its last command's row.
	seen atomic.Int64
}

// seenShift leaves room for 65,536 rows, and for milliseconds until the year 6429.
const seenShift = 16

// see notes a batch and the row that ran last in it, nil if none did.
func (c *Client) see(now int64, r *row) {
	_, id := c.lastSeen()
	if r != nil {
		id = r.id
	}
	c.seen.Store(now<<seenShift | int64(id))
}

// lastSeen is the time of the last batch in unix milliseconds, and the id of its last row.
func (c *Client) lastSeen() (at int64, row int) {
	seen := c.seen.Load()
	return seen >> seenShift, int(seen & (1<<seenShift - 1))
}

// Clients is the clients that are connected.
type Clients struct {
	mu   sync.Mutex // protects the fields below, and writes to a Client's names and protocol
	byID map[int64]*Client
	last int64 // the newest id; ids are never used again
}

func newClients() *Clients { return &Clients{byID: make(map[int64]*Client)} }

// Len is how many clients are connected.
func (cs *Clients) Len() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.byID)
}

func (cs *Clients) connect(remote, local string, now int64) *Client {
	c := &Client{Proto: 2, RemoteAddr: remote, LocalAddr: local, Created: time.UnixMilli(now)}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.last++
	c.ID = cs.last
	c.seen.Store(now << seenShift)
	cs.byID[c.ID] = c
	return c
}

func (cs *Clients) disconnect(c *Client) {
	cs.mu.Lock()
	delete(cs.byID, c.ID)
	cs.mu.Unlock()
}

// change lets a client's own goroutine change what other goroutines read.
func (cs *Clients) change(fn func()) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	fn()
}

// each calls fn with every client, oldest first, under the lock.
func (cs *Clients) each(fn func(*Client)) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	ids := make([]int64, 0, len(cs.byID))
	for id := range cs.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		fn(cs.byID[id])
	}
}

// validName reports whether a client may have this name: printable ASCII without blanks, as Redis wants it.
func validName(name []byte) bool {
	return !slices.ContainsFunc(name, func(b byte) bool { return b < '!' || b > '~' })
}
