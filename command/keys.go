package command

import (
	"github.com/quotadb/quota-db/engine"
)

// keyCommands are the commands on keys of any type.
func keyCommands() []*row {
	return inGroup([]*row{
		{name: "del", arity: -2, flags: write, keys: allKeys(removes), since: "1.0.0", tips: []string{multiShard, sumOfShards}, handler: del,
			usage: "key [key ...]", complexity: perKey, summary: "Delete keys"},
		{name: "unlink", arity: -2, flags: write | fast, keys: allKeys(removes), since: "4.0.0", tips: []string{multiShard, sumOfShards}, handler: del,
			usage: "key [key ...]", complexity: perKey, summary: "Delete keys, as DEL does"},
		{name: "exists", arity: -2, flags: readonly | fast, keys: allKeys(looksAt), since: "1.0.0", tips: []string{multiShard, sumOfShards}, handler: exists,
			usage: "key [key ...]", complexity: perKey, summary: "Count the keys that exist"},
		{name: "touch", arity: -2, flags: readonly | fast, keys: allKeys(looksAt), since: "3.2.1", tips: []string{multiShard, sumOfShards}, handler: exists,
			usage: "key [key ...]", complexity: perKey, summary: "Count the keys that exist, as EXISTS does"},
		{name: "type", arity: 2, flags: readonly | fast, keys: oneKey(looksAt), since: "1.0.0", handler: typeOf,
			usage: "key", complexity: constantTime, summary: "Get the type of a value"},
		{name: "randomkey", arity: 1, flags: readonly | wholeKeyspace, since: "1.0.0", tips: []string{allShards, noFixedOutput}, handler: randomKey,
			complexity: constantTime, summary: "Get a random key"},
	}, ofKeys, aclKeyspace)
}

// typeName is the type of a value in the reply of TYPE. For clients, counters and strings are the same type.
func typeName(v engine.Value) string {
	switch v.Type {
	case engine.None:
		return "none"
	case engine.Quota:
		return "quota"
	}
	return "string"
}

func typeOf(c *call) { c.simple(typeName(c.read(c.key))) }

// del is DEL and UNLINK, which do the same: there is no work that could be left to the background.
func del(c *call) {
	n := int64(0)
	for _, k := range c.keys {
		if c.tx.Delete(k) {
			n++
		}
	}
	c.integer(n)
}

// exists is EXISTS and TOUCH, which do the same: the server does not record when a key was used.
func exists(c *call) {
	n := int64(0)
	for _, k := range c.keys {
		if c.read(k).Type != engine.None {
			n++
		}
	}
	c.integer(n)
}

func randomKey(c *call) {
	name, ok := c.all().RandomKey(c.x.names[:0], c.server.random)
	c.x.keepNames(name)
	if !ok {
		c.null()
		return
	}
	c.bulkBytes(name)
}

func dbSize(c *call) {
	if c.x.inExec {
		c.integer(int64(c.all().Len()))
		return
	}
	c.integer(int64(c.server.DB.Len(c.now)))
}
