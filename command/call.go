package command

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/manual"
	"github.com/quotadb/quota-db/resp"
)

// call is one command in execution: what its handler gets. It is the executor's and valid until the handler returns.
type call struct {
	server *Server
	x      *Executor
	client *Client
	row    *row
	now    engine.Moment
	args   [][]byte // the command's name included

	tx   engine.Tx    // of commands with keys
	key  engine.Key   // of commands with one key
	keys []engine.Key // of commands with several

	out []byte // replies; the handler appends one
}

func (c *call) ok() { c.out = append(c.out, "+OK\r\n"...) }

func (c *call) integer(n int64) { c.out = resp.AppendInt(c.out, n) }

// flag answers yes and no as Redis does in both protocols: 1 and 0.
func (c *call) flag(yes bool) {
	if yes {
		c.out = append(c.out, ":1\r\n"...)
	} else {
		c.out = append(c.out, ":0\r\n"...)
	}
}

func (c *call) null() { c.out = resp.AppendNull(c.out, c.client.Proto) }

func (c *call) bulk(text string) { c.out = resp.AppendBulkString(c.out, text) }

func (c *call) simple(text string) { c.out = resp.AppendSimple(c.out, text) }

func (c *call) array(n int) { c.out = resp.AppendArray(c.out, n) }

func (c *call) pairs(n int) { c.out = resp.AppendMap(c.out, n, c.client.Proto) }

// text answers text for people.
func (c *call) text(text string) { c.out = resp.AppendVerbatim(c.out, "txt", text, c.client.Proto) }

// toggle is a command whose last argument is ON or OFF.
func (c *call) toggle(field *atomic.Bool) {
	switch arg := c.args[len(c.args)-1]; {
	case is(arg, "on"):
		field.Store(true)
	case is(arg, "off"):
		field.Store(false)
	default:
		c.fail(errSyntax)
		return
	}
	c.ok()
}

// fail answers an error.
func (c *call) fail(text string) {
	c.x.counts.Failed(c.row.id)
	c.server.Stats.CountError(text)
	c.out = resp.AppendError(c.out, strings.Trim(text, "\r\n"))
}

func (c *call) failf(format string, args ...any) { c.fail(fmt.Sprintf(format, args...)) }

// value answers what a key holds.
func (c *call) value(v engine.Value) {
	switch v.Kind {
	case engine.None:
		c.null()
	case engine.String:
		c.out = resp.AppendBulk(c.out, v.Str)
	default:
		c.out = resp.AppendBulkInt(c.out, v.Int)
	}
}

// all gives access to all keys. Within a transaction it needs the flag wholeKeyspace.
func (c *call) all() engine.All {
	if c.x.inExec {
		return c.tx.All()
	}
	return c.server.DB.All(c.now)
}

// read looks a key up for a reader, who counts as a hit or a miss.
func (c *call) read(k engine.Key) engine.Value {
	v := c.tx.Get(k)
	c.count(v)
	return v
}

// count counts what a reader has looked up as a hit or a miss.
func (c *call) count(v engine.Value) {
	if v.Kind == engine.None {
		c.x.misses++
	} else {
		c.x.hits++
	}
}

// exists looks a key up for a writer.
func (c *call) exists(k engine.Key) bool { return c.tx.Get(k).Kind != engine.None }

// help answers the list of a container's subcommands.
func help(c *call) {
	container := c.server.table.find(c.args[0])
	lines := []string{strings.ToUpper(container.name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"}
	for _, sub := range container.subs {
		lines = append(lines, manual.Text(strings.ToUpper(sub.name), sub.arguments), "    "+sub.summary)
	}
	c.array(len(lines))
	for _, line := range lines {
		c.simple(line)
	}
}
