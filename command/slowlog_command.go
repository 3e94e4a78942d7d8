package command

import (
	"math"

	"github.com/quotadb/quota-db/resp"
)

// slowlogCommands are SLOWLOG and its subcommands.
func slowlogCommands() []*row {
	const plain = admin | loading | stale
	const allNodes = "request_policy:all_nodes"
	return inGroup([]*row{
		{name: "slowlog", arity: -2, since: "2.2.12",
			complexity: bySubcommand, summary: "Inspect slow commands", subs: []*row{
				{name: "get", arity: -2, flags: plain, since: "2.2.12", tips: []string{allNodes, noFixedOutput}, handler: slowlogGet,
					usage: "[count:integer]", complexity: "O(N) in the number of entries",
					summary: "Get the latest entries: 10, or a number of them, or -1 for all"},
				{name: "len", arity: 2, flags: plain, since: "2.2.12", tips: []string{allNodes, sumOfShards, noFixedOutput}, handler: slowlogLen,
					complexity: constantTime, summary: "Count the entries"},
				{name: "reset", arity: 2, flags: plain, since: "2.2.12", tips: []string{allNodes, allSucceeded}, handler: slowlogReset,
					complexity: "O(N) in the number of entries", summary: "Delete all entries"},
				helpRow("6.2.0", 0),
			}},
	}, ofServer, 0)
}

// slowlogShown is how many entries SLOWLOG GET returns by default.
const slowlogShown = 10

// slowlogGet replies with id, unix time, microseconds, words, and the client's address and name of each entry.
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
	entries := c.server.Stats.Slow.Latest(n)
	c.array(len(entries))
	for i := range entries {
		e := &entries[i]
		c.array(6)
		c.integer(e.ID)
		c.integer(e.At)
		c.integer(e.Took.Microseconds())
		c.array(len(e.Args))
		for _, arg := range e.Args {
			c.bulk(arg)
		}
		c.bulk(e.Address)
		c.bulk(e.Name)
	}
}

func slowlogLen(c *call) { c.integer(int64(c.server.Stats.Slow.Len())) }

func slowlogReset(c *call) {
	c.server.Stats.Slow.Reset()
	c.ok()
}
