package command

import (
	"math"

	"github.com/quotadb/quota-db/resp"
)

// connectionCommands are the commands on the connection itself; AUTH is in login.go.
func connectionCommands() []*row {
	const early = noscript | loading | stale | fast | noAuth | allowBusy // these run before a login too
	return inGroup([]*row{
		{name: "ping", arity: -1, flags: fast, since: "1.0.0", tips: []string{allShards, allSucceeded}, handler: ping,
			usage: "[message]", complexity: constantTime, summary: "Return PONG, or the message"},
		{name: "echo", arity: 2, flags: loading | stale | fast, since: "1.0.0", handler: echo,
			usage: "message", complexity: constantTime, summary: "Return the message"},
		{name: "quit", arity: -1, flags: early | atOnce | connectionOnly, since: "1.0.0", handler: quit,
			complexity: constantTime, summary: "Close the connection"},
		{name: "reset", arity: 1, flags: early | atOnce | connectionOnly, since: "6.2.0", handler: reset,
			complexity: constantTime, summary: "Reset the connection to its first state"},
		{name: "auth", arity: -2, flags: early | connectionOnly, since: "1.0.0", secrets: secretsFrom(1), handler: auth,
			usage: "[username] password", complexity: constantTime, summary: "Log in"},
		{name: "hello", arity: -1, flags: early | connectionOnly, since: "6.0.0", secrets: helloSecrets, handler: hello,
			usage: "[protover:integer [AUTH username password] [SETNAME clientname]]", complexity: constantTime,
			summary: "Choose the protocol version, log in, name the connection"},
		{name: "select", arity: 2, flags: loading | stale | fast, since: "1.0.0", handler: selectDB,
			usage: "index:integer", complexity: constantTime, summary: "Select database 0, the only one"},
	}, ofConnection, aclConnection)
}

func ping(c *call) {
	switch len(c.args) {
	case 1:
		c.simple("PONG")
	case 2:
		c.bulkBytes(c.args[1])
	default:
		c.fail(wrongArity(c.row))
	}
}

func echo(c *call) { c.bulkBytes(c.args[1]) }

func quit(c *call) {
	c.client.end()
	c.ok()
}

// reset is RESET: it puts the client back into the state of a new one.
func reset(c *call) {
	c.server.endTransaction(c.client)
	c.server.leaveMonitors(c.client)
	if c.client.replies == replyOff {
		c.client.muted = false // CLIENT REPLY SKIP does not hide this reply, as in Redis
	}
	c.client.replies = replyAll
	c.client.attend()
	c.client.noEvict.Store(false)
	c.client.noTouch.Store(false)
	c.client.logout(c.server)
	c.server.Clients.change(func() { c.client.Proto, c.client.Name = 2, "" })
	c.simple("RESET")
}

// selectDB is SELECT. There is one database, so that a name is the same key on every node of a cluster.
func selectDB(c *call) {
	if c.isDB(c.args[1]) {
		c.ok()
	}
}

// isDB reports whether an argument is the number of the one database; false after replying with an error.
func (c *call) isDB(arg []byte) bool {
	n, ok := resp.ParseInt(arg)
	switch {
	case !ok:
		c.fail(errNotInteger)
	case n < math.MinInt32 || n > math.MaxInt32:
		c.failf("ERR value is out of range, value must between %d and %d", math.MinInt32, math.MaxInt32)
	case n != 0:
		c.fail(errDB)
	default:
		return true
	}
	return false
}

// timeOf is TIME: seconds and microseconds. The clock of a batch counts whole milliseconds.
func timeOf(c *call) {
	c.array(2)
	c.bulkInt(c.now.Wall / 1000)
	c.bulkInt(c.now.Wall % 1000 * 1000)
}

// hello is HELLO: it may set the protocol version, log in, and name the connection.
func hello(c *call) {
	proto := c.client.Proto
	if len(c.args) > 1 {
		n, ok := resp.ParseInt(c.args[1])
		switch {
		case !ok:
			c.fail(errProtocolInteger)
			return
		case n != 2 && n != 3:
			c.fail(errProtocol)
			return
		}
		proto = int(n)
		if !c.helloOptions(c.args[2:]) {
			return
		}
	}
	if c.client.NeedsLogin() {
		c.fail(errHelloNoAuth)
		return
	}
	c.server.Clients.change(func() { c.client.Proto = proto })
	c.pairs(7)
	c.bulk("server")
	c.bulk("redis")
	c.bulk("version")
	c.bulk(RedisVersion)
	c.bulk("proto")
	c.integer(int64(proto))
	c.bulk("id")
	c.integer(c.client.ID)
	c.bulk("mode")
	c.bulk("standalone")
	c.bulk("role")
	c.bulk("master")
	c.bulk("modules")
	c.array(0)
}

// helloOptions applies the options of HELLO; false after replying with an error.
func (c *call) helloOptions(args [][]byte) bool {
	for len(args) > 0 {
		switch {
		case is(args[0], "auth") && len(args) > 2:
			if !c.tryLogin(args[1], args[2]) {
				c.failLogin(args[1])
				return false
			}
			args = args[3:]
		case is(args[0], "setname") && len(args) > 1:
			if !c.setName(args[1]) {
				return false
			}
			args = args[2:]
		default:
			c.failf("ERR Syntax error in HELLO option '%s'", clip(args[0], len(args[0])))
			return false
		}
	}
	return true
}

// setName names the client; false after replying with an error.
func (c *call) setName(name []byte) bool {
	if !validName(name) {
		c.fail(errClientName)
		return false
	}
	c.server.Clients.change(func() { c.client.Name = string(name) })
	return true
}
