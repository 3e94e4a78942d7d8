package command

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/acl"
)

// Client is what the server knows of one connection. The goroutine that runs the client's commands owns it; it alone
// changes a field, and those that CLIENT LIST shows only under Clients.mu, so it may read them without. What is atomic
// or has a lock of its own may be used by anyone.
type Client struct {
	ID         int64
	Proto      int // 2 or 3
	Name       string
	LibName    string
	LibVersion string
	RemoteAddr string
	LocalAddr  string
	Created    time.Time

	// Input and Output are the bytes that wait to be run and to be sent, as the connection sees them.
	Input, Output atomic.Int64

	user        *acl.User // never nil
	loggedIn    bool      // or the default user needs no password: see NeedsLogin
	defaultUser *acl.User

	special     bool // commands are looked at one by one: see Executor.step
	transaction *transaction
	replies     replyMode
	muted       bool // the command that runs has no reply

	// How the client goes on: see turn.go.
	ends    bool  // it is closed after the replies
	wait    int64 // when it goes on, nanoseconds of engine.Moment.Mono; 0: at once
	late    late  // what gives the reply then; nil: the command that waits runs again
	ordered bool  // a reply of this Run tells of an order to all clients

	connection Connection
	waits      atomic.Bool // wait is not 0
	killed     atomic.Bool
	monitors   atomic.Bool
	noEvict    atomic.Bool
	noTouch    atomic.Bool
	silent     atomic.Bool  // CLIENT REPLY keeps replies from the client, and what MONITOR would show it
	multi      atomic.Int32 // commands that are queued; noMultiCount outside of a transaction
	watching   atomic.Int32 // keys
	outbox     outbox

	// seen is the time of the last batch in unix milliseconds, above seenShift bits for the row that ran last: its id
	// and 1, or 0 as long as none has run.
	seen atomic.Int64
}

// Connection is what a client can ask of the connection that it belongs to, from any goroutine.
type Connection struct {
	Rouse func() // have it come back to the client soon: with TakePushed, and Run
	Close func() // have it close soon
}

// noMultiCount is what CLIENT LIST shows of a client without a transaction.
const noMultiCount = -1

// seenShift leaves room for 65,535 rows, and for milliseconds until the year 6429.
const seenShift = 16

// attend says whether the executor must look at each of the client's commands, and whether MONITOR has to be silent.
func (c *Client) attend() {
	c.special = c.isOpen() || c.replies != replyAll
	c.silent.Store(c.muted || c.replies != replyAll)
}

// rouse has the connection come back to the client.
func (c *Client) rouse() {
	if c.connection.Rouse != nil {
		c.connection.Rouse()
	}
}

// kill ends the client: no further command of it begins. It is false when the client has been killed before.
func (c *Client) kill() bool {
	if c.killed.Swap(true) {
		return false
	}
	if c.connection.Close != nil {
		c.connection.Close()
	}
	return true
}

// see notes a batch and the row that ran last in it, nil if none did.
func (c *Client) see(now int64, r *row) {
	ran := c.seen.Load() & (1<<seenShift - 1)
	if r != nil {
		ran = int64(r.id) + 1
	}
	c.seen.Store(now<<seenShift | ran)
}

// lastSeen is the time of the last batch in unix milliseconds, and the id of the row that ran last, -1 if none has.
func (c *Client) lastSeen() (at int64, row int) {
	seen := c.seen.Load()
	return seen >> seenShift, int(seen&(1<<seenShift-1)) - 1
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

func (cs *Clients) connect(remote, local string, connection Connection, u *acl.User, now int64) *Client {
	c := &Client{user: u, defaultUser: u, Proto: 2, RemoteAddr: remote, LocalAddr: local, Created: time.UnixMilli(now), connection: connection}
	c.multi.Store(noMultiCount)
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

// Waiting is how many clients wait for something before they go on: the end of a pause, a snapshot, a sync, a late
// reply.
func (cs *Clients) Waiting() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	n := 0
	for _, c := range cs.byID {
		if c.waits.Load() {
			n++
		}
	}
	return n
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
