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
	mark := len(c.out)
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
	if c.put(c.key, stored(c.args[2]), false, len(c.out)) {
		c.flag(true)
	}
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

// setPairs sets each key to the argument behind it; false, with nothing set, after answering an error.
func (c *call) setPairs() bool {
	for i := range c.keys {
		if len(c.args[2*i+2]) > engine.MaxValueBytes {
			c.fail(errStringSize)
			return false
		}
	}
	for i, k := range c.keys {
		c.put(k, stored(c.args[2*i+2]), false, len(c.out))
	}
	return true
}

// put stores a value. If the engine refuses it, an error takes the place of the reply that began at mark. The reader of requests
// and hasRoom let no such value through: the engine has the last word all the same.
func (c *call) put(k engine.Key, v engine.Value, keepDeadline bool, mark int) bool {
	if err := c.tx.Set(k, v, keepDeadline); err != nil {
		c.out = c.out[:mark]
		c.fail(engineError(err))
		return false
	}
	return true
}
