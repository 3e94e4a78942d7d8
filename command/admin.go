package command

import (
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// serverCommands are the commands on the server as a whole.
func serverCommands() []*row {
	return inGroup([]*row{
		{name: "dbsize", arity: 1, flags: readonly | fast | wholeKeyspace, acl: aclKeyspace, since: "1.0.0", tips: []string{allShards, sumOfShards}, handler: dbSize,
			complexity: constantTime, summary: "Count the keys"},
		{name: "swapdb", arity: 3, flags: write | fast, acl: aclKeyspace | aclDangerous, since: "4.0.0", handler: swapDB,
			usage: "index1:integer index2:integer", complexity: constantTime,
			summary: "Swap database 0, the only one, with itself"},
		{name: "lolwut", arity: -1, flags: readonly | fast, since: "5.0.0", handler: lolwut,
			usage: "[VERSION version:integer]", complexity: constantTime, summary: "Show a picture and the version"},
		{name: "time", arity: 1, flags: loading | stale | fast, since: "2.6.0", tips: []string{noFixedOutput}, handler: timeOf,
			complexity: constantTime, summary: "Get the server's time: unix seconds, and microseconds"},
		{name: "shutdown", arity: -1, flags: admin | noscript | loading | stale | noMulti | allowBusy, since: "1.0.0", handler: shutdown,
			usage: "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]", complexity: constantTime, summary: "Stop the server"},
	}, ofServer, 0)
}

// objectCommands are OBJECT and its subcommands.
func objectCommands() []*row {
	return inGroup([]*row{
		{name: "object", arity: -2, group: ofKeys, since: "2.2.3",
			complexity: bySubcommand, summary: "Inspect how a key is stored", subs: []*row{
				{name: "encoding", arity: 3, flags: readonly, acl: aclKeyspace, keys: subKey(looksAt), since: "2.2.3", tips: []string{noFixedOutput}, handler: objectEncoding,
					usage: "key", complexity: constantTime, summary: "Get the encoding of a value: int, embstr or raw"},
				{name: "freq", arity: 3, flags: readonly, acl: aclKeyspace, keys: subKey(looksAt), since: "4.0.0", tips: []string{noFixedOutput}, handler: objectFreq,
					usage: "key", complexity: constantTime,
					summary: "Not supported: the server does not count how often a key is used"},
				{name: "idletime", arity: 3, flags: readonly, acl: aclKeyspace, keys: subKey(looksAt), since: "2.2.3", tips: []string{noFixedOutput}, handler: objectIdleTime,
					usage: "key", complexity: constantTime,
					summary: "Always 0: the server does not record when a key was used"},
				{name: "refcount", arity: 3, flags: readonly, acl: aclKeyspace, keys: subKey(looksAt), since: "2.2.3", tips: []string{noFixedOutput}, handler: objectRefCount,
					usage: "key", complexity: constantTime, summary: "Always 1: no two keys share a value"},
				helpRow("6.2.0", aclKeyspace),
			}},
	}, ofKeys, 0)
}

// shutdown asks the process to stop. Every stop keeps all data, so SAVE and NOSAVE make no difference. The client gets
// no reply: the connection ends.
func shutdown(c *call) {
	var save, nosave, abort, other bool
	for _, arg := range c.args[1:] {
		switch {
		case is(arg, "save"):
			save = true
		case is(arg, "nosave"):
			nosave = true
		case is(arg, "abort"):
			abort = true
		case is(arg, "now"), is(arg, "force"):
			other = true
		default:
			c.fail(errSyntax)
			return
		}
	}
	switch {
	case save && nosave, abort && (save || nosave || other):
		c.fail(errSyntax)
	case abort:
		c.fail(errNoShutdown) // a shutdown begins at once and cannot be aborted
	default:
		c.client.end()
		c.server.Stop()
	}
}

// maxEmbedded is the longest string that Redis calls embstr.
const maxEmbedded = 44

func objectEncoding(c *call) {
	switch v := c.read(c.key); {
	case v.Type == engine.None:
		c.null()
	case v.Type != engine.String:
		c.bulk("int")
	case len(v.Str) <= maxEmbedded:
		c.bulk("embstr")
	default:
		c.bulk("raw")
	}
}

// object looks up the key of an OBJECT subcommand. If there is none, it replies with null and returns false.
func (c *call) object() bool {
	if c.read(c.key).Type == engine.None {
		c.null()
		return false
	}
	return true
}

func objectFreq(c *call) {
	if c.object() {
		c.fail(errNoLFU)
	}
}

// objectIdleTime replies with 0: nothing is evicted, so the server does not record when a key was used.
func objectIdleTime(c *call) {
	if c.object() {
		c.integer(0)
	}
}

func objectRefCount(c *call) {
	if c.object() {
		c.integer(1)
	}
}

// memoryUsage is MEMORY USAGE key [SAMPLES n]. The number of samples has no effect: no value consists of elements.
func memoryUsage(c *call) {
	if args := c.args[3:]; len(args) > 0 {
		if len(args) != 2 || !is(args[0], "samples") {
			c.fail(errSyntax)
			return
		}
		n, ok := resp.ParseInt(args[1])
		if !ok {
			c.fail(errNotInteger)
			return
		}
		if n < 0 {
			c.fail(errSyntax)
			return
		}
	}
	if !c.exists(c.key) { // neither a hit nor a miss, as in Redis
		c.null()
		return
	}
	c.integer(int64(c.tx.Size(c.key)))
}
