package command

import (
	"strings"
	"sync/atomic"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/manual"
)

// call is one command that runs; its handler gets the call. It belongs to the executor, and is valid until the handler
// returns. The methods for replies are in reply.go.
type call struct {
	server *Server
	x      *Executor
	client *Client
	row    *row
	now    engine.Moment
	args   [][]byte // with the command's name

	tx   engine.Tx    // for commands with keys
	key  engine.Key   // for commands with one key
	keys []engine.Key // for commands with several keys

	out  []byte // replies: the handler appends one
	tape *tape  // takes the reply as values, for a caller inside the server; nil: the reply goes to out
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

// all gives access to all keys. Within a transaction the command must have the flag wholeKeyspace.
func (c *call) all() engine.All {
	if c.x.inExec {
		return c.tx.All()
	}
	return c.server.DB.All(c.now)
}

// read looks up a key for a reading command, and counts a hit or a miss.
func (c *call) read(k engine.Key) engine.Value {
	v := c.tx.Get(k)
	c.count(v)
	if v.Type == engine.Quota && c.server.Desk != nil {
		state, _ := c.tx.Quota(k)
		v.Int = c.remainingOf(k, state)
	}
	return v
}

// count counts a value that a reading command has looked up as a hit or a miss.
func (c *call) count(v engine.Value) {
	if v.Type == engine.None {
		c.x.misses++
	} else {
		c.x.hits++
	}
}

// exists looks up a key for a writing command, and counts no hit or miss.
func (c *call) exists(k engine.Key) bool { return c.tx.Get(k).Type != engine.None }

// help replies with the list of a container's subcommands.
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
