package command

import (
	"math"

	"github.com/quotadb/quota-db/resp"
)

// slowlogShown is how many entries SLOWLOG GET answers unless it is told.
const slowlogShown = 10

func slowlogCommands() []*row {
	const plain = admin | loading | stale
	const allNodes = "request_policy:all_nodes"
	return []*row{
		{name: "get", arity: -2, flags: plain, since: "2.2.12", tips: []string{allNodes, noFixedOutput}, handler: slowlogGet, summary: "The latest entries: 10, or a number of them, or -1 for all"},
		{name: "len", arity: 2, flags: plain, since: "2.2.12", tips: []string{allNodes, sumOfShards, noFixedOutput}, handler: slowlogLen, summary: "How many entries there are"},
		{name: "reset", arity: 2, flags: plain, since: "2.2.12", tips: []string{allNodes, allSucceeded}, handler: slowlogReset, summary: "Forget all entries"},
		{name: "help", arity: 2, flags: loading | stale, since: "6.2.0", handler: help, summary: "This list"},
	}
}

// slowlogGet answers id, unix time, microseconds, words, the client's address and its name of each entry.
func slowlogGet(c *call) {
	n := int64(slowlogShown)
	switch len(c.args) {
	case 2:
	case 3:
		var ok bool
		if n, ok = resp.ParseInt(c.args[2]); !ok || n < -1 {
			c.fail(errSlowlogCount)
			return
		}
	default:
		c.fail(wrongSubcommand(c.args))
		return
	}
	if n < 0 {
		n = math.MaxInt64
	}
	entries := c.server.slowlog.latest(n)
	c.array(len(entries))
	for i := range entries {
		e := &entries[i]
		c.array(6)
		c.integer(e.id)
		c.integer(e.at)
		c.integer(e.took.Microseconds())
		c.array(len(e.args))
		for _, arg := range e.args {
			c.bulk(arg)
		}
		c.bulk(e.address)
		c.bulk(e.name)
	}
}

func slowlogLen(c *call) { c.integer(int64(c.server.slowlog.len())) }

func slowlogReset(c *call) {
	c.server.slowlog.reset()
	c.ok()
}
