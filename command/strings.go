package command

import (
	"strconv"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// stored is what a client's bytes are as a value: an integer if they are its canonical text, so that they can be given back byte for
// byte, otherwise a string.
func stored(text []byte) engine.Value {
	if n, ok := resp.ParseInt(text); ok {
		return engine.Value{Kind: engine.Integer, Int: n}
	}
	return engine.Value{Kind: engine.String, Str: text}
}

// maxDigits is how many bytes the text of an integer has at most.
const maxDigits = 20

// textOf is the bytes of a value, none if there is no key. Those of a number are put into room.
func textOf(v engine.Value, room *[maxDigits]byte) []byte {
	switch v.Kind {
	case engine.None:
		return nil
	case engine.String:
		return v.Str
	}
	return strconv.AppendInt(room[:0], v.Int, 10)
}

// length is how many bytes the text of a value has.
func length(v engine.Value) int {
	var room [maxDigits]byte
	return len(textOf(v, &room))
}

func get(c *call) { c.value(c.read(c.key)) }

func strlen(c *call) { c.integer(int64(length(c.read(c.key)))) }

func getSet(c *call) {
	c.value(c.tx.Get(c.key))
	c.tx.Set(c.key, stored(c.args[2]), false)
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
	c.tx.Set(c.key, stored(c.args[2]), false)
	c.flag(true)
}

// maxReplyBytes is how long the reply to one command may become: a client could ask for one large value many times.
const maxReplyBytes = 1 << 30

func mget(c *call) {
	before := len(c.out)
	c.array(len(c.keys))
	for _, k := range c.keys {
		if c.value(c.read(k)); len(c.out)-before > maxReplyBytes {
			c.out = c.out[:before]
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
	c.setPairs()
	c.ok()
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
	c.setPairs()
	c.flag(true)
}

// setPairs sets each key to the argument behind it.
func (c *call) setPairs() {
	for i, k := range c.keys {
		c.tx.Set(k, stored(c.args[2*i+2]), false)
	}
}
