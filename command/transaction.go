package command

import (
	"slices"

	"github.com/quotadb/quota-db/engine"
)

// transactionCommands are the commands of transactions.
func transactionCommands() []*row {
	const plain = noscript | loading | stale | allowBusy | fast
	return inGroup([]*row{
		{name: "multi", arity: 1, flags: plain | atOnce | connectionOnly, since: "1.2.0", handler: multi,
			complexity: constantTime, summary: "Start a transaction: queue the commands that follow until EXEC"},
		{name: "exec", arity: 1, flags: noscript | loading | stale | skipSlowlog | atOnce | unseen | commits | connectionOnly, since: "1.2.0", handler: execQueue,
			complexity: "Depends on the commands of the transaction",
			summary:    "Run the queued commands as one transaction"},
		{name: "discard", arity: 1, flags: plain | atOnce | connectionOnly, since: "2.0.0", handler: discard,
			complexity: "O(N) in the number of queued commands", summary: "Discard the queued commands"},
		{name: "watch", arity: -2, flags: plain | atOnce | connectionOnly, keys: allKeys(looksAt), since: "2.2.0", handler: watch,
			usage: "key [key ...]", complexity: perKey,
			summary: "Watch keys: EXEC does nothing if one of them changes before it"},
		{name: "unwatch", arity: 1, flags: plain | connectionOnly, since: "2.2.0", handler: unwatch,
			complexity: constantTime, summary: "Stop watching all keys"},
	}, ofTransaction, aclTransaction)
}

const (
	// maxWatches is how many keys one client may watch.
	maxWatches = 1 << 16
	// watchBytes is the approximate memory of a watch, without the key's name.
	watchBytes = 192
	// queuedBytes is the approximate memory of a queued command without its arguments, argBytes that of an argument
	// without its text.
	queuedBytes = 48
	argBytes    = 24
)

// transaction is the state of a client after WATCH or MULTI.
type transaction struct {
	open    bool // after MULTI: commands are queued
	aborted bool // a command could not be queued, so EXEC must fail
	queue   []queued
	bytes   int                      // approximate memory of the queue and the watches
	watches map[string]*engine.Watch // by name
}

// queued is a command that waits for EXEC. It owns its arguments.
type queued struct {
	row  *row
	args [][]byte
}

// isOpen reports whether the client is between MULTI and EXEC.
func (c *Client) isOpen() bool { return c.transaction != nil && c.transaction.open }

// begun is the client's transaction; a new one if there is none.
func (c *Client) begun() *transaction {
	if c.transaction == nil {
		c.transaction = new(transaction)
	}
	return c.transaction
}

// QueuedBytes is the approximate memory in bytes of the client's watches and queued commands.
func (c *Client) QueuedBytes() int {
	if c.transaction == nil {
		return 0
	}
	return c.transaction.bytes
}

func multi(c *call) {
	if c.client.isOpen() {
		c.fail(errNestedMulti)
		return
	}
	c.client.begun().open = true
	c.client.attend()
	c.client.multi.Store(0)
	c.ok()
}

func discard(c *call) {
	if !c.client.isOpen() {
		c.fail(errDiscardWithoutMulti)
		return
	}
	c.server.endTransaction(c.client)
	c.ok()
}

// watch is WATCH. For a key that is already watched, the earlier watch stays. After an error, the keys before the wrong
// one stay watched.
func watch(c *call) {
	t := c.client.begun()
	if t.open {
		c.fail(errWatchInMulti)
		return
	}
	if t.watches == nil {
		t.watches = make(map[string]*engine.Watch)
	}
	for _, k := range c.keys {
		if t.watches[string(k.Name)] != nil {
			continue
		}
		if len(t.watches) == maxWatches {
			c.fail(errWatches)
			return
		}
		bytes := watchBytes + len(k.Name)
		if t.bytes+bytes > c.server.Limits().MaxBufferedBytes {
			c.fail(errWatchSize)
			return
		}
		w := c.tx.Watch(k)
		t.watches[w.Name] = w
		t.bytes += bytes
		c.client.watching.Store(int32(len(t.watches)))
	}
	c.ok()
}

// unwatch is UNWATCH. Within a transaction it has nothing to do: EXEC has ended all watches before its first command.
func unwatch(c *call) {
	if t := c.client.transaction; t != nil && !t.open {
		c.server.endTransaction(c.client)
	}
	c.ok()
}

// endTransaction discards a client's transaction and ends its watches.
func (s *Server) endTransaction(client *Client) {
	t := client.transaction
	if t == nil {
		return
	}
	if len(t.watches) > 0 {
		tx := s.DB.LockAll(t.watchedKeys(nil), engine.Moment{})
		t.unwatch(&tx)
		tx.Unlock()
	}
	client.transaction = nil
	client.multi.Store(noMultiCount)
	client.watching.Store(0)
	client.attend()
}

// watchedKeys appends the watched keys to keys.
func (t *transaction) watchedKeys(keys []engine.Key) []engine.Key {
	for _, w := range t.watches {
		keys = append(keys, w.Key)
	}
	return keys
}

// unwatch ends all watches. tx holds their shards.
func (t *transaction) unwatch(tx *engine.Tx) {
	for _, w := range t.watches {
		tx.Unwatch(w)
	}
	t.watches = nil
}

// changed reports whether a watched key has changed. tx holds their shards.
func (t *transaction) changed(tx *engine.Tx) bool {
	for _, w := range t.watches {
		if tx.Changed(w) {
			return true
		}
	}
	return false
}

// queue keeps a command for EXEC.
func (x *Executor) queue(r *row, args [][]byte) {
	t := x.call.client.transaction
	bytes := queuedBytes
	for _, arg := range args {
		bytes += argBytes + len(arg)
	}
	switch {
	case r.flags&(noMulti|takesLong) != 0:
		x.reject(r, errNotInMulti)
	case !r.keys.fit(args):
		x.reject(r, errKeySize)
	case x.server.isFull():
		x.reject(r, errOOM)
	case x.refusing && r.flags&write != 0:
		x.reject(r, x.server.misconfigured())
	case t.bytes+bytes > x.server.Limits().MaxBufferedBytes:
		x.reject(r, errTransactionSize)
	default:
		t.bytes += bytes
		t.queue = append(t.queue, queued{r, ownArgs(args)})
		x.call.client.multi.Store(int32(len(t.queue)))
		x.call.simple("QUEUED")
	}
}

// ownArgs copies arguments into one piece of memory.
func ownArgs(args [][]byte) [][]byte {
	size := 0
	for _, arg := range args {
		size += len(arg)
	}
	text, own := make([]byte, 0, size), make([][]byte, len(args))
	for i, arg := range args {
		start := len(text)
		text = append(text, arg...)
		own[i] = text[start:len(text):len(text)]
	}
	return own
}

// execQueue is EXEC.
func execQueue(c *call) {
	if !c.client.isOpen() {
		c.fail(errExecWithoutMulti)
		c.server.monitors.feed(c)
		return
	}
	t := c.client.transaction
	defer c.server.endTransaction(c.client)
	problem := ""
	switch {
	case t.aborted:
		problem = errExecAbort
	case t.has(denyOOM) && c.server.isFull():
		problem = errExecAbortFor + errOOM
	case c.x.refusing && t.has(write):
		problem = errExecAbortFor + c.server.misconfigured()
	default:
		c.x.commit(t)
		return
	}
	c.fail(problem)
	c.server.monitors.feed(c)
}

// has reports whether a queued command has a flag.
func (t *transaction) has(f flags) bool {
	return slices.ContainsFunc(t.queue, func(q queued) bool { return q.row.flags&f != 0 })
}

// commit runs a transaction's commands. Meanwhile it holds all shards of their keys and of the watched keys.
func (x *Executor) commit(t *transaction) {
	c, db := &x.call, x.server.DB
	keys := t.watchedKeys(x.union[:0])
	watched := len(keys)
	for _, q := range t.queue {
		keys = q.row.keys.appendTo(keys, db, q.args)
	}
	x.warm(keys)
	if t.has(wholeKeyspace) {
		c.tx = db.LockEvery(c.now)
	} else {
		c.tx = db.LockAll(keys, c.now)
	}
	x.setMoment()
	changed := t.changed(&c.tx)
	if t.unwatch(&c.tx); changed {
		c.nullArray()
	} else {
		x.runQueue(t.queue, keys[watched:])
	}
	x.server.monitors.feed(c)
	c.tx.Unlock()
	x.unsafe = x.unsafe || c.tx.Unsafe() || x.always && t.has(write)
	clear(keys)
	if x.union = keys[:0]; cap(keys) > keptKeys {
		x.union = nil
	}
}

// runQueue runs queued commands; keys are their keys, in the same order.
func (x *Executor) runQueue(queue []queued, keys []engine.Key) {
	c, outer := &x.call, x.call
	x.inExec = true
	c.array(len(queue))
	start := c.size()
	for _, q := range queue {
		c.row, c.args = q.row, q.args
		n := q.row.keys.count(len(q.args))
		c.keys, keys = keys[:n], keys[n:]
		if n > 0 {
			c.key = c.keys[0]
		}
		x.runQueued(start)
	}
	x.inExec = false
	c.row, c.args, c.key, c.keys = outer.row, outer.args, outer.key, outer.keys
}

// runQueued runs the command of x.call; its reply is a part of the reply that began at start.
func (x *Executor) runQueued(start int) {
	c := &x.call
	mark := c.mark()
	// They may have changed: by a login in the queue, or by ACL SETUSER while EXEC waited.
	x.restrictions = c.client.restrictions()
	if !x.mayRun(c.row, c.args) {
		c.fail(x.refusal(c.row, c.args))
		return
	}
	x.note(c.row, c.args)
	x.show()
	c.row.handler(c)
	if c.size()-start > maxReplyBytes { // the command has run, and the transaction continues
		c.cut(mark)
		c.error(errReplySize)
	}
}
