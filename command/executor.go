package command

import (
	"slices"
	"strings"

	"github.com/quotadb/quota-db/acl"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
	"github.com/quotadb/quota-db/stats"
)

const (
	// groupCommands is how many commands of a batch are prepared together: as many as DB.Warm accepts.
	groupCommands = 64
	// warmKeys is the largest number of keys of one command for which the cache is warmed. With more keys, the later
	// ones would evict the earlier ones.
	warmKeys = 1024
	// keptKeys is the largest buffer for one command's keys that an executor keeps.
	keptKeys = 4096
)

// ReplyBytes: a Run ends when it has this many bytes of replies.
const ReplyBytes = 256 << 10

// Executor runs batches of commands. It holds scratch memory and counters. One goroutine at a time uses it. It is never
// freed before its server, so make a few and use them again.
//
// INCR in a batch of 16 over 10,000 keys costs about 100 ns without allocation, two thirds of it in the engine
// (BenchmarkRunIncr16).
type Executor struct {
	// InRounds says that Settle is called before replies leave, and before more input is read from any client. Then one
	// reading of the clocks serves the fast commands of several clients. The reading is still later than the arrival of
	// each of these commands.
	InRounds bool

	server       *Server
	counts       *stats.Counts
	plan         [groupCommands]planned
	keys         [groupCommands]engine.Key // keys of the plan's commands with one key, in order
	hashed       int                       // number of keys in use
	took         int                       // commands of the last group that have run
	ran          int                       // commands of the last Run that ran
	call         call
	restrictions *acl.Permissions // of the client; nil: it may do everything
	needs        []acl.Key        // keys and rights of the command that was checked last
	union        []engine.Key     // all keys of a transaction
	inExec       bool             // EXEC holds its locks
	showing      bool             // commands are shown to the clients of MONITOR
	timing       timing
	read         reading
	foreseen     []engine.Key // of commands that will run soon
	always       bool         // durability always: replies to writes wait for a sync
	refusing     bool         // writes are refused because the disk fails
	unsafe       bool         // the replies of this Run must wait for a sync

	hits     int64
	misses   int64
	admitted int64  // commands that took tokens of a quota
	denied   int64  // commands that were refused tokens
	names    []byte // for SCAN and KEYS
}

// planned is a command that is about to run.
type planned struct {
	row     *row
	problem problem
}

// problem is the reason why a command is refused before it runs.
type problem uint8

const (
	none problem = iota
	noCommand
	noSubcommand
	badArity
	badKey
	noPermission
)

// NewExecutor returns a new executor, which counts for the statistics of the server.
func (s *Server) NewExecutor() *Executor {
	x := &Executor{server: s, counts: s.Stats.NewCounts()}
	x.timing = newTiming(s, x.counts)
	x.call = call{server: s, x: x}
	return x
}

// Run runs the commands in order and appends their replies to out. It stops at a command after or before which the
// client has to wait or ends, and when out has ReplyBytes. The turn says how many commands ran, and how the client
// continues. The reading of the clocks that a command uses is less than a millisecond old. One reading serves a group
// of fast commands; the reading at the end of a group is the first of the next group.
func (x *Executor) Run(c *Client, batch [][][]byte, out []byte) ([]byte, Turn) {
	given := len(batch)
	if !x.read.valid {
		x.read = reading{now: x.server.Now()}
	}
	x.call.client, x.call.out, x.call.now = c, out, x.read.now
	x.ran = 0
	if len(x.foreseen) > 0 {
		x.fetch()
	}
	x.timing.begin(x.call.now.Mono)
	x.always, x.refusing = x.server.Store.Always(), x.server.Store.Refusal() != nil
	if c.wait != 0 {
		c.resume(&x.call)
	}
	for len(batch) > 0 && c.goesOn() && len(x.call.out) < ReplyBytes {
		x.restrictions = c.restrictions()
		if c.special || x.server.attention.Load() != 0 {
			x.step(batch[:1])
		} else {
			x.runGroup(batch[:min(len(batch), groupCommands)])
		}
		clear(x.keys[:x.hashed]) // they point into the client's input, which must not be kept
		batch = batch[x.took:]
		x.endGroup(len(batch) == 0)
	}
	turn := Turn{Next: c.next(), Ran: int32(x.ran)}
	if turn.Next != Done || int(turn.Ran) < given || x.unsafe { // seldom
		turn = x.endTurn(c, turn, given)
	}
	c.see(x.call.now.Wall, x.timing.last)
	out = x.call.out
	x.forget()
	return out, turn
}

// runGroup runs a group of commands of a client that is not special. It stops at a command that changes that.
func (x *Executor) runGroup(group [][][]byte) {
	x.prepare(group)
	x.execute(group)
	x.ran += x.took
}

// ProtocolError replies with an error for input that is no command.
func (x *Executor) ProtocolError(out []byte, text string) []byte {
	x.call.out = out
	x.server.Stats.CountError("ERR " + text)
	x.counts.RefusedUnknown()
	out, x.call.out = resp.AppendError(x.call.out, "ERR "+text), nil
	return out
}

// Received counts bytes from clients of the executor's goroutine.
func (x *Executor) Received(bytes int) { x.counts.Received(bytes) }

// Sent counts bytes of replies to clients of the executor's goroutine.
func (x *Executor) Sent(bytes int) { x.counts.Sent(bytes) }

// prepare finds the rows of a group of commands, hashes their keys, and warms the cache for the keys.
func (x *Executor) prepare(group [][][]byte) {
	db, n := x.server.DB, 0
	for i, args := range group {
		p := x.resolve(args)
		if x.restrictions != nil && p.problem == none && !x.mayRun(p.row, args) {
			p.problem = noPermission
		}
		if p.problem == none && p.row.lock == lockOne {
			name := args[p.row.keys.first]
			if len(name) > engine.MaxKeyBytes {
				p.problem = badKey
			} else {
				x.keys[n] = db.Key(name)
				n++
			}
		}
		x.plan[i] = p
	}
	if x.hashed = n; n > 1 {
		db.Warm(x.keys[:n])
	}
}

// resolve finds the row of a command and checks the number of its arguments.
func (x *Executor) resolve(args [][]byte) planned {
	r := x.server.table.find(args[0])
	if r == nil {
		return planned{nil, noCommand}
	}
	if r.subs != nil && len(args) > 1 {
		sub := r.findSub(args[1])
		if sub == nil {
			return planned{r, noSubcommand}
		}
		r = sub
	}
	if !r.accepts(len(args)) {
		return planned{r, badArity}
	}
	return planned{r, none}
}

// execute runs a prepared group of commands.
func (x *Executor) execute(group [][][]byte) {
	c, n := &x.call, 0
	x.took = 0
	for i, args := range group {
		if len(c.out) >= ReplyBytes {
			return
		}
		x.took++
		p := x.plan[i]
		c.args, c.row = args, p.row
		if p.problem != none {
			if x.refuse(p, args); c.client.ends {
				return
			}
			continue
		}
		if p.row.lock == lockOne {
			c.key = x.keys[n]
			n++
		}
		if p.row.flags&denyOOM != 0 && x.server.isFull() {
			x.reject(p.row, errOOM)
			continue
		}
		if (x.always || x.refusing) && p.row.flags&write != 0 {
			if x.refusing {
				x.reject(p.row, x.server.misconfigured())
				continue
			}
			x.unsafe = true
		}
		x.note(p.row, args)
		switch p.row.lock {
		case lockNone:
			if x.showing {
				x.show()
			}
			p.row.handler(c)
			if !c.client.goesOn() || c.client.special || !c.client.isUnder(x.restrictions) {
				return
			}
		case lockOne:
			c.tx = x.server.DB.Lock(c.key, c.now)
			x.setMoment()
			if x.showing {
				x.show()
			}
			p.row.handler(c)
			c.tx.Unlock()
			x.unsafe = x.unsafe || c.tx.Unsafe()
			if c.tx.Bulky() {
				x.flush()
			}
			if c.client.wait != 0 { // for tokens of other nodes
				return
			}
		case lockMany:
			x.runMany()
		}
	}
}

// runMany runs a command with several keys.
func (x *Executor) runMany() {
	c, db := &x.call, x.server.DB
	if !c.row.keys.fit(c.args) {
		c.fail(errKeySize)
		return
	}
	c.keys = c.row.keys.appendTo(c.keys[:0], db, c.args)
	x.warm(c.keys)
	c.tx = db.LockAll(c.keys, c.now)
	x.setMoment()
	if x.showing {
		x.show()
	}
	c.row.handler(c)
	c.tx.Unlock()
	x.unsafe = x.unsafe || c.tx.Unsafe()
	if c.tx.Bulky() || len(c.keys) > groupCommands {
		x.flush()
	}
	clear(c.keys)
}

// setMoment sets the time of the command that runs next: the time of its engine transaction, or a new reading of the
// clock if the command has waited for its locks.
func (x *Executor) setMoment() {
	c := &x.call
	if c.tx.Waited() {
		c.tx.Renew(x.server.Now())
	}
	c.now = c.tx.Now()
}

// warm warms the cache for the first warmKeys keys.
func (x *Executor) warm(keys []engine.Key) {
	for some := range slices.Chunk(keys[:min(len(keys), warmKeys)], groupCommands) {
		x.server.DB.Warm(some)
	}
}

// refuse replies with the error for a command that cannot run.
func (x *Executor) refuse(p planned, args [][]byte) {
	switch p.problem {
	case noCommand:
		if is(args[0], "post") || is(args[0], "host:") {
			x.hangUp()
			return
		}
		x.reject(nil, x.server.unknown(args))
	case noSubcommand:
		x.reject(nil, unknownSubcommand(p.row, args[1]))
	case badArity:
		x.reject(p.row, wrongArity(p.row))
	case badKey:
		x.reject(p.row, errKeySize)
	case noPermission:
		x.reject(p.row, x.refusal(p.row, args))
	}
}

// hangUp disconnects a client that speaks HTTP. Most likely a web page has made a browser send commands to this server,
// as lines of the body of a request. The client gets no reply, as in Redis.
func (x *Executor) hangUp() {
	client := x.call.client
	x.server.Log.Warn("client disconnected: it speaks HTTP; a web page may attack this server through a browser", "address", client.RemoteAddr)
	client.end()
}

// reject replies with an error for a command that did not run, and counts it.
func (x *Executor) reject(r *row, text string) {
	if r != nil {
		x.counts.Refused(r.id)
	} else {
		x.counts.RefusedUnknown()
	}
	if client := x.call.client; client.isOpen() {
		client.transaction.aborted = true
	}
	if r != nil && r.flags&commits != 0 {
		x.server.endTransaction(x.call.client)
		text = errExecAbortFor + strings.TrimPrefix(text, "ERR ")
	}
	x.server.Stats.CountError(text)
	x.call.error(text)
}

// isFull reports whether the keys take more than maxmemory, or nearly all memory that the engine can use.
func (s *Server) isFull() bool {
	limit := s.Params.MaxMemory.Load()
	return limit > 0 && s.DB.Used() > limit || s.DB.Full()
}

// note counts the command that runs next, and begins to time it.
func (x *Executor) note(r *row, args [][]byte) {
	t := &x.timing
	if r == t.again { // as in most pipelines
		t.times[r.id]++
		t.ran++
		return
	}
	if t.endsAt(r) {
		x.flush()
	}
	t.add(x.call.client, r, args)
}

// flush ends the timing of the group that has run, and adds its counts to the shared counters. If there was a group, it
// reads the clock, and read is true. The next commands use that reading, except within a transaction, which has one
// time.
func (x *Executor) flush() (read bool) {
	now, read := x.timing.end()
	if read {
		x.read.now, x.read.ran = now, 0
		if !x.inExec {
			x.call.now = now
		}
	}
	if x.hits|x.misses|x.admitted|x.denied != 0 {
		x.counts.Looked(x.hits, x.misses)
		x.counts.Limited(x.admitted, x.denied)
		x.hits, x.misses, x.admitted, x.denied = 0, 0, 0, 0
	}
	return read
}

// forget drops references to the client's memory, and large buffers.
func (x *Executor) forget() {
	c := &x.call
	c.out, c.client, c.args, c.key = nil, nil, nil, engine.Key{}
	clear(x.needs)
	x.restrictions = nil
	if cap(c.keys) > keptKeys {
		c.keys = nil
	}
}
