package command

import (
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// shutdown asks the process to stop. Any stop keeps everything, so the words about saving make no difference. The client gets no
// reply; the end of the connection is the answer.
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
		c.fail(errNoShutdown) // it cannot be called back: it begins at once
	default:
		c.client.CloseAfter = true
		c.server.Stop()
	}
}

// maxEmbedded is the longest string that Redis calls embstr.
const maxEmbedded = 44

func objectEncoding(c *call) {
	switch v := c.read(c.key); {
	case v.Kind == engine.None:
		c.null()
	case v.Kind != engine.String:
		c.bulk("int")
	case len(v.Str) <= maxEmbedded:
		c.bulk("embstr")
	default:
		c.bulk("raw")
	}
}

// object looks the key up for a question about how it is kept; false after answering that there is none.
func (c *call) object() bool {
	if c.read(c.key).Kind == engine.None {
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

// objectIdleTime says that the key is in use: nothing is evicted, so it is not noted when a key was used.
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

// memoryUsage is MEMORY USAGE key [SAMPLES n]. The number of samples means nothing for our values.
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
	if !c.exists(c.key) { // counted neither as a hit nor as a miss, as in Redis
		c.null()
		return
	}
	c.integer(int64(c.tx.Size(c.key)))
}
