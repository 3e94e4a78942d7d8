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
	CloseAfter bool // the connection is to be closed once the replies have left; no further command runs

	// Input and Output are the bytes that wait to be run and to be sent, as the connection sees them.
	Input, Output atomic.Int64

	user        *acl.User // never nil
	loggedIn    bool      // or the default user needs no password: see NeedsLogin
	defaultUser *acl.User

	special     bool // commands are looked at one by one: see Executor.step
	transaction *transaction
	replies     replyMode
	muted       bool   // the command that runs has no reply
	wait        int64  // when the client goes on, nanoseconds of engine.Moment.Mono; 0: at once
	now         int64  // of the last Run, on the same clock
	late        late   // what gives the reply then; nil: the command runs again
	fence       bool   // the replies of the last Runs tell of an order to all clients
	unsafe      uint64 // the group that is to be safe before the replies of the last Runs leave; 0: they may

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

// goesOn reports whether the client's next command may run.
func (c *Client) goesOn() bool { return !c.CloseAfter && c.wait == 0 && !c.fence && !c.killed.Load() }

// waitUntil makes the client wait.
func (c *Client) waitUntil(moment int64) {
	c.wait = moment
	c.waits.Store(true)
}

// late gives a reply that was not there at once; done is false as long as it is not there. over says that the time to
// wait has ended.
type late func(dst []byte, over bool) (out []byte, done bool)

// answerLate makes the client wait for the reply, until that moment, and with all that follows. It is asked for
// whenever the connection is roused. If CLIENT REPLY keeps the reply from the client, the wait is the same.
func (c *Client) answerLate(moment int64, reply late) {
	c.late = reply
	if c.muted {
		c.late = func(dst []byte, over bool) ([]byte, bool) {
			out, done := reply(dst, over)
			return out[:len(dst)], done
		}
	}
	c.waitUntil(moment)
}

// resume ends the client's wait. If it was not over, the command that it was for asks for it again, or the late reply.
func (c *Client) resume(x *call) {
	c.now, c.fence = x.now.Mono, false
	if c.wait == 0 {
		return
	}
	if c.late != nil {
		var done bool
		if x.out, done = c.late(x.out, c.now >= c.wait); !done {
			return
		}
	}
	c.endWait()
}

// endWait has the client's commands run again.
func (c *Client) endWait() {
	c.late, c.wait = nil, 0
	c.waits.Store(false)
}

// TakeUnsafe is the group of Server.Store that has to be safe before the replies of the Runs since the last call may
// leave; 0: they may leave at once.
func (c *Client) TakeUnsafe() uint64 {
	group := c.unsafe
	c.unsafe = 0
	return group
}

// Wait is how long the client's commands must wait after a Run; 0: they need not. Then, or when the client's connection
// is roused, Run is to be called again, with the commands that did not run, if any.
func (c *Client) Wait() time.Duration {
	if c.wait == 0 {
		return 0
	}
	return max(1, time.Duration(c.wait-c.now))
}

// AwaitsReply reports whether a command that ran has its reply still to come. Otherwise a client that waits has
// commands that did not run.
func (c *Client) AwaitsReply() bool { return c.late != nil }

// Hurry ends the time that the client waits for a reply, as when the server shuts down. It is false when that does not
// help: the client does not wait for a reply, or has been hurried already. Else Run is to be called again.
func (c *Client) Hurry() bool {
	if c.late == nil || c.wait == hurried {
		return false
	}
	c.wait = hurried
	return true
}

// hurried is a moment that has passed, for Client.wait.
const hurried = 1

// IsPatient reports whether the client is right to send nothing: it waits for a reply or the end of a pause, or watches
// what others do. Any goroutine may ask.
func (c *Client) IsPatient() bool { return c.waits.Load() || c.monitors.Load() }

// order notes that the client has given an order to all clients.
func (c *Client) order(s *Server) { c.fence = s.Fences }

// IsFenced reports what TakeFence will. Until it has been called no further command of the client is to run.
func (c *Client) IsFenced() bool { return c.fence }

// TakeFence reports whether the replies of the Runs since the last call tell of an order to all clients, such as CLIENT
// PAUSE: they may leave when every goroutine that runs commands has ended what it was about. A FLUSHALL beside them has
// then ended what it was about, which this call waits for, some 256 keys: so it is not for a caller that holds a lock
// of keys, and the order itself, which in a transaction has one, does not wait.
func (c *Client) TakeFence(s *Server) bool {
	fence := c.fence
	if c.fence = false; fence {
		s.flushes.pass()
	}
	return fence
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
