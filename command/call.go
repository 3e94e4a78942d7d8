package command

import (
	"strings"
	"sync/atomic"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/manual"
)

// call is one command in execution: what its handler gets. It is the executor's and valid until the handler returns.
// reply.go has the methods that answer.
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

	out  []byte // replies: the handler appends one
	tape *tape  // of the reply, for a caller inside the server; nil: bytes are wanted
}

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
	if v.Type == engine.None {
		c.x.misses++
	} else {
		c.x.hits++
	}
}

// exists looks a key up for a writer.
func (c *call) exists(k engine.Key) bool { return c.tx.Get(k).Type != engine.None }

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
