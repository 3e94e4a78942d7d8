package command

import (
	"bytes"
	"slices"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// renameCommands are the commands that rename, copy or move keys.
func renameCommands() []*row {
	return inGroup([]*row{
		{name: "rename", arity: 3, flags: write, keys: fromTo(takes, "OW update"), since: "1.0.0", handler: rename,
			usage: "key newkey:key", complexity: constantTime, summary: "Rename a key"},
		{name: "renamenx", arity: 3, flags: write | fast, keys: fromTo(takes, inserts), since: "1.0.0", handler: renameNX,
			usage: "key newkey:key", complexity: constantTime, summary: "Rename a key if the new name is free"},
		{name: "copy", arity: -3, flags: write | denyOOM, keys: fromTo(reads, "OW update"), since: "6.2.0", handler: copyKey,
			usage: "source:key destination:key [DB destination-db:integer] [REPLACE]", complexity: constantTime,
			summary: "Copy a key's value and TTL to another key"},
		{name: "move", arity: 3, flags: write | fast, keys: oneKey(changes), since: "1.0.0", handler: move,
			usage: "key db:integer", complexity: constantTime, summary: "Not supported: there is one database"},
	}, ofKeys, aclKeyspace)
}

func rename(c *call) {
	if c.moveKey(true) {
		c.ok()
	}
}

func renameNX(c *call) {
	if c.moveKey(false) {
		c.flag(true)
	}
}

// moveKey moves value and deadline of the first key to the second key, and deletes the first. Without replace, it
// replies with 0 if the second key exists. It returns false if it has replied.
func (c *call) moveKey(replace bool) bool {
	v := c.tx.Get(c.keys[0])
	switch {
	case v.Type == engine.None:
		c.fail(errNoKey)
	case v.Type == engine.Quota:
		c.fail(errQuotaMove)
	case !replace && c.exists(c.keys[1]):
		c.flag(false)
	case bytes.Equal(c.args[1], c.args[2]):
		return true
	case c.give(v):
		c.tx.Delete(c.keys[0])
		return true
	}
	return false
}

// give gives the second key the value v of the first key; false after replying with an error.
func (c *call) give(v engine.Value) bool {
	v.Str = slices.Clone(v.Str) // its bytes may be overwritten by the write of the second key
	return c.put(c.keys[1], v, false, c.mark())
}

// copyKey is COPY source destination [DB 0] [REPLACE].
func copyKey(c *call) {
	replace := false
	for args := c.args[3:]; len(args) > 0; args = args[1:] {
		switch {
		case is(args[0], "replace"):
			replace = true
		case is(args[0], "db") && len(args) > 1:
			if !c.isDB(args[1]) {
				return
			}
			args = args[1:]
		default:
			c.fail(errSyntax)
			return
		}
	}
	if bytes.Equal(c.args[1], c.args[2]) {
		c.fail(errSameObject)
		return
	}
	v := c.read(c.keys[0])
	switch {
	case v.Type == engine.Quota:
		c.fail(errQuotaMove)
	case v.Type == engine.None, !replace && c.exists(c.keys[1]):
		c.flag(false)
	case c.give(v):
		c.flag(true)
	}
}

// move is MOVE key db. There is no other database, so it replies with an error.
func move(c *call) {
	if c.isDB(c.args[2]) {
		c.fail(errSameObject)
	}
}

// swapDB is SWAPDB, of the one database with itself.
func swapDB(c *call) {
	for i, text := range []string{errFirstDB, errSecondDB} {
		if n, ok := resp.ParseInt(c.args[1+i]); !ok || n != int64(int32(n)) {
			c.fail(text)
			return
		}
	}
	if c.isDB(c.args[1]) && c.isDB(c.args[2]) {
		c.ok()
	}
}
