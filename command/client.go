package command

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/acl"
)

// Client is the state of one client connection. The goroutine that runs the client's commands owns it. Only the owner
// changes fields. It changes fields that CLIENT LIST shows under Clients.mu, and so it may read them without that lock.
// Any goroutine may use fields that are atomic or have a lock of their own.
type Client struct {
	ID         int64
	Proto      int // 2 or 3
	Name       string
	LibName    string
	LibVersion string
	RemoteAddr string
	LocalAddr  string
	Created    time.Time

	// Input and Output are the bytes of commands that wait to run, and of replies that wait to be sent. The connection
	// sets them.
	Input, Output atomic.Int64

	user        *acl.User // never nil
	loggedIn    bool      // if false, the default user may still need no password: see NeedsLogin
	defaultUser *acl.User

	special     bool // each command runs through Executor.step
	transaction *transaction
	replies     replyMode
	muted       bool // the command that runs has no reply

	// How the client continues: see turn.go.
	ends    bool   // its connection is closed after the replies
	wait    int64  // until when it waits, nanoseconds of engine.Moment.Mono; 0: it does not wait
	late    late   // gives the reply at the end of the wait; nil: the command that waits runs again
	ordered bool   // a command of this Run has given an order to all clients
	abandon func() // called if the client disconnects while it waits; may be nil

	connection Connection
	waits      atomic.Bool // wait is not 0; for other goroutines
	killed     atomic.Bool
	monitors   atomic.Bool
	noEvict    atomic.Bool
	noTouch    atomic.Bool
	silent     atomic.Bool  // CLIENT REPLY drops the client's replies, and the lines of MONITOR
	multi      atomic.Int32 // number of queued commands; noMultiCount outside of a transaction
	watching   atomic.Int32 // number of watched keys
	outbox     outbox

	// seen is the time of the last batch in unix milliseconds, shifted left by seenShift bits. These bits are the id of
	// the last row that ran, plus 1; 0 if none has run.
	seen atomic.Int64
}

// Connection is the requests of a client to its connection. Any goroutine may call them.
type Connection struct {
	Rouse func() // serve the client again soon: call TakePushed and Run
	Close func() // close the connection soon
}

// noMultiCount is the field multi of CLIENT LIST for a client without a transaction.
const noMultiCount = -1

// seenShift leaves room for 65,535 rows, and for times until the year 6429.
const seenShift = 16

// attend sets special and silent after a change of the transaction or of CLIENT REPLY.
func (c *Client) attend() {
	c.special = c.isOpen() || c.replies != replyAll
	c.silent.Store(c.muted || c.replies != replyAll)
}

// rouse makes the connection serve the client again.
func (c *Client) rouse() {
	if c.connection.Rouse != nil {
		c.connection.Rouse()
	}
}

// rouser is rouse as a function that outlives the client.
func (c *Client) rouser() func() {
	if c.connection.Rouse != nil {
		return c.connection.Rouse
	}
	return func() {}
}

// kill ends the client: none of its next commands begins. It returns false if the client was killed before.
func (c *Client) kill() bool {
	if c.killed.Swap(true) {
		return false
	}
	if c.connection.Close != nil {
		c.connection.Close()
	}
	return true
}

// see records the time of a batch, and the last row that ran in it; nil: none did.
func (c *Client) see(now int64, r *row) {
	ran := c.seen.Load() & (1<<seenShift - 1)
	if r != nil {
		ran = int64(r.id) + 1
	}
	c.seen.Store(now<<seenShift | ran)
}

// lastSeen is the time of the last batch in unix milliseconds, and the id of the last row that ran; -1: none has.
func (c *Client) lastSeen() (at int64, row int) {
	seen := c.seen.Load()
	return seen >> seenShift, int(seen&(1<<seenShift-1)) - 1
}

// Clients are all connected clients.
type Clients struct {
	mu   sync.Mutex // protects the fields below, and writes to a Client's names and protocol
	byID map[int64]*Client
	last int64 // the newest id; no id is used twice
}

func newClients() *Clients { return &Clients{byID: make(map[int64]*Client)} }

// Len is the number of connected clients.
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

// Waiting is the number of clients that wait: for the end of a pause, a snapshot, a sync, or another late reply.
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

// change runs fn under the lock. A client's own goroutine changes with it the fields that other goroutines read.
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

// validName reports whether a client may have this name: printable ASCII without blanks, as in Redis.
func validName(name []byte) bool {
	return !slices.ContainsFunc(name, func(b byte) bool { return b < '!' || b > '~' })
}
