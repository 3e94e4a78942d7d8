package command

import (
	"bytes"
	"strconv"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// stringCommands are the commands on whole values. The handlers of SET and similar commands are in set.go.
func stringCommands() []*row {
	return inGroup([]*row{
		{name: "get", arity: 2, flags: readonly | fast, keys: oneKey(reads), since: "1.0.0", handler: get,
			usage: "key", complexity: constantTime, summary: "Get the value of a key"},
		{name: "set", arity: -3, flags: write | denyOOM, keys: oneKey("RW access update variable_flags"), since: "1.0.0", handler: set,
			usage: "key value [NX | XX] [GET] " + expiryWords + "KEEPTTL]", complexity: constantTime,
			summary: "Set a key's value, optionally with a TTL"},
		{name: "getset", arity: 3, flags: write | denyOOM | fast, keys: oneKey(changes), since: "1.0.0", handler: getSet,
			usage: "key value", complexity: constantTime, deprecated: deprecation{"6.2.0", "`SET` with `GET`"},
			summary: "Set a key's value and return the old value"},
		{name: "getdel", arity: 2, flags: write | fast, keys: oneKey(takes), since: "6.2.0", handler: getDel,
			usage: "key", complexity: constantTime, summary: "Get the value of a key and delete the key"},
		{name: "getex", arity: -2, flags: write | fast, keys: oneKey(changes), since: "6.2.0", handler: getEX,
			usage: "key " + expiryWords + "PERSIST]", complexity: constantTime,
			summary: "Get the value of a key, and optionally change its TTL"},
		{name: "setnx", arity: 3, flags: write | denyOOM | fast, keys: oneKey(inserts), since: "1.0.0", handler: setNX,
			usage: "key value", complexity: constantTime, summary: "Set a key's value if the key does not exist"},
		{name: "setex", arity: 4, flags: write | denyOOM, keys: oneKey(overwrites), since: "2.0.0", handler: setEX,
			usage: "key seconds:integer value", complexity: constantTime,
			summary: "Set a key's value with a TTL in seconds"},
		{name: "psetex", arity: 4, flags: write | denyOOM, keys: oneKey(overwrites), since: "2.6.0", handler: psetEX,
			usage: "key milliseconds:integer value", complexity: constantTime,
			summary: "Set a key's value with a TTL in milliseconds"},
		{name: "mget", arity: -2, flags: readonly | fast, keys: allKeys(reads), since: "1.0.0", tips: []string{multiShard}, handler: mget,
			usage: "key [key ...]", complexity: perKey, summary: "Get the values of several keys"},
		{name: "mset", arity: -3, flags: write | denyOOM, keys: pairKeys(overwrites), since: "1.0.1", tips: []string{multiShard, allSucceeded}, handler: mset,
			usage: "key value [key value ...]", complexity: perKey, summary: "Set the values of several keys at once"},
		{name: "msetnx", arity: -3, flags: write | denyOOM, keys: pairKeys(inserts), since: "1.0.1", tips: []string{multiShard, leastOfShards}, handler: msetNX,
			usage: "key value [key value ...]", complexity: perKey,
			summary: "Set the values of several keys if none of the keys exists"},
		{name: "strlen", arity: 2, flags: readonly | fast, keys: oneKey(looksAt), since: "2.2.0", handler: strlen,
			usage: "key", complexity: constantTime, summary: "Get the length of a value in bytes"},
	}, ofStrings, aclString)
}

// stored makes a value of a client's bytes. It is an integer if the bytes are the canonical text of one, so that a read
// returns exactly the same bytes; otherwise it is a string.
func stored(text []byte) engine.Value {
	if n, ok := resp.ParseInt(text); ok {
		return engine.Value{Type: engine.Integer, Int: n}
	}
	return engine.Value{Type: engine.String, Str: text}
}

// maxDigits is the largest number of bytes in the text of an integer.
const maxDigits = 20

// textOf is the text of a value; empty if there is no key. room holds the text of a number.
func textOf(v engine.Value, room *[maxDigits]byte) []byte {
	switch v.Type {
	case engine.None:
		return nil
	case engine.String:
		return v.Str
	}
	return strconv.AppendInt(room[:0], v.Int, 10)
}

// length is the number of bytes in the text of a value.
func length(v engine.Value) int {
	var room [maxDigits]byte
	return len(textOf(v, &room))
}

// get is GET. On a quota it first looks how many tokens other nodes have.
func get(c *call) {
	if c.server.Desk != nil && c.tx.Get(c.key).Type == engine.Quota {
		state, _ := c.tx.Quota(c.key)
		if c.look(state, func(c *call) { c.value(c.read(c.key)) }) {
			return
		}
	}
	c.value(c.read(c.key))
}

func strlen(c *call) { c.integer(int64(length(c.read(c.key)))) }

func getSet(c *call) {
	mark := c.mark()
	c.value(c.read(c.key))
	c.put(c.key, stored(c.args[2]), false, mark)
}

func getDel(c *call) {
	c.value(c.read(c.key))
	c.tx.Delete(c.key)
}

func setNX(c *call) {
	if c.exists(c.key) {
		c.flag(false)
		return
	}
	if c.put(c.key, stored(c.args[2]), false, c.mark()) {
		c.flag(true)
	}
}

// maxReplyBytes is the largest reply to one command. Without it a client could ask for one large value many times.
const maxReplyBytes = 1 << 30

func mget(c *call) {
	mark, before := c.mark(), c.size()
	c.array(len(c.keys))
	for _, k := range c.keys {
		if c.value(c.read(k)); c.size()-before > maxReplyBytes {
			c.cut(mark)
			c.fail(errReplySize)
			return
		}
	}
}

func mset(c *call) {
	if len(c.args)%2 == 0 {
		c.fail(wrongArity(c.row))
		return
	}
	if c.setPairs() {
		c.ok()
	}
}

func msetNX(c *call) {
	if len(c.args)%2 == 0 {
		c.fail(wrongArity(c.row))
		return
	}
	for _, k := range c.keys {
		if c.exists(k) {
			c.flag(false)
			return
		}
	}
	if c.setPairs() {
		c.flag(true)
	}
}

// setPairs sets each key to the argument after it. A value that the next pair replaces is not stored. After an error
// reply it returns false, and nothing is set.
func (c *call) setPairs() bool {
	for i := range c.keys {
		if len(c.args[2*i+2]) > engine.MaxValueBytes {
			c.fail(errStringSize)
			return false
		}
	}
	for i, k := range c.keys {
		if i+1 == len(c.keys) || !sameKey(k, c.keys[i+1]) {
			c.put(k, stored(c.args[2*i+2]), false, c.mark())
		}
	}
	return true
}

func sameKey(a, b engine.Key) bool { return a.Hash == b.Hash && bytes.Equal(a.Name, b.Name) }

// put stores a value. If the engine refuses the value, an error replaces the reply that began at mark. The reader of
// requests and hasRoom already refuse such values, but the engine decides.
func (c *call) put(k engine.Key, v engine.Value, keepDeadline bool, mark int) bool {
	if err := c.tx.Set(k, v, keepDeadline); err != nil {
		c.cut(mark)
		c.fail(engineError(err))
		return false
	}
	return true
}
