package command

import (
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// typeName is what TYPE calls a value: counters and strings are one type to clients.
func typeName(v engine.Value) string {
	switch v.Kind {
	case engine.None:
		return "none"
	case engine.Quota:
		return "quota"
	}
	return "string"
}

func typeOf(c *call) { c.simple(typeName(c.read(c.key))) }

// del is DEL and UNLINK: nothing is freed later, so there is nothing to leave to the background.
func del(c *call) {
	n := int64(0)
	for _, k := range c.keys {
		if c.tx.Delete(k) {
			n++
		}
	}
	c.integer(n)
}

// exists is EXISTS and TOUCH: nothing is known of when a key was used, so there is nothing to touch.
func exists(c *call) {
	n := int64(0)
	for _, k := range c.keys {
		if c.read(k).Kind != engine.None {
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
	c.out = resp.AppendBulk(c.out, name)
}

func dbSize(c *call) {
	if c.x.inExec {
		c.integer(int64(c.all().Len()))
		return
	}
	c.integer(int64(c.server.DB.Len(c.now)))
}
