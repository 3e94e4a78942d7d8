package command

import (
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// shutdown asks the process to stop. There is nothing to save, so the words for that make no difference. The client gets no
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

// cluster answers what a Redis answers that is not part of one of its clusters: clients ask, to find out.
func cluster(c *call) { c.fail(errNoCluster) }

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

// recordOverhead is about what a key takes beside its name and a string value, in bytes: numbers, stamps, deadline
// and its share of the index.
const recordOverhead = 48

// memoryUsage is MEMORY USAGE key [SAMPLES n], an estimate. The number of samples means nothing for our values.
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
	v := c.read(c.key)
	if v.Kind == engine.None {
		c.null()
		return
	}
	c.integer(int64(recordOverhead + len(c.key.Name) + len(v.Str)))
}
