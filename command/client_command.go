package command

import (
	"fmt"
	"strings"

	"github.com/quotadb/quota-db/resp"
)

// clientCommands are CLIENT and its subcommands.
func clientCommands() []*row {
	const plain = noscript | loading | stale
	const ruling = admin | plain
	return inGroup([]*row{
		{name: "client", arity: -2, group: ofConnection, since: "2.4.0",
			complexity: bySubcommand, summary: "Manage client connections", subs: []*row{
				{name: "caching", arity: 3, flags: plain, acl: aclConnection, since: "6.0.0", handler: clientCaching,
					usage: "<YES | NO>", complexity: constantTime,
					summary: "Not supported: there is no client side caching"},
				{name: "getredir", arity: 2, flags: plain, acl: aclConnection, since: "6.0.0", handler: clientGetRedir,
					complexity: constantTime, summary: "Always -1: there is no client side caching"},
				{name: "getname", arity: 2, flags: plain, acl: aclConnection, since: "2.6.9", handler: clientGetName,
					complexity: constantTime, summary: "Get the name of this connection"},
				{name: "id", arity: 2, flags: plain, acl: aclConnection, since: "5.0.0", handler: clientID,
					complexity: constantTime, summary: "Get the id of this connection"},
				{name: "info", arity: 2, flags: plain, acl: aclConnection, since: "6.2.0", tips: []string{noFixedOutput}, handler: clientInfo,
					complexity: constantTime, summary: "Show this connection, as CLIENT LIST does"},
				{name: "list", arity: -2, flags: admin | plain, acl: aclConnection, since: "2.4.0", tips: []string{noFixedOutput}, handler: clientList,
					usage:      "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id:integer [client-id ...]]",
					complexity: perClient, summary: "List all connections, or those with a TYPE or an ID"},
				{name: "kill", arity: -3, flags: ruling, acl: aclConnection, since: "2.4.0", handler: clientKill,
					usage:      "<ip:port | [ID client-id:integer] [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [USER username] [ADDR ip:port] [LADDR ip:port] [MAXAGE seconds:integer] [SKIPME yes/no]>",
					complexity: perClient,
					summary:    "Close the connection of an address, or those that match ID, TYPE, USER, ADDR, LADDR, SKIPME, MAXAGE"},
				{name: "no-evict", arity: 3, flags: ruling, acl: aclConnection, since: "7.0.0", handler: clientNoEvict,
					usage: "<ON | OFF>", complexity: constantTime,
					summary: "Accepted without effect: no client is ever evicted"},
				{name: "no-touch", arity: 3, flags: plain, acl: aclConnection, since: "7.2.0", handler: clientNoTouch,
					usage: "<ON | OFF>", complexity: constantTime,
					summary: "Accepted without effect: the server does not record when a key was used"},
				{name: "pause", arity: -3, flags: ruling, acl: aclConnection, since: "2.9.50", handler: clientPause,
					usage: "timeout:integer [WRITE | ALL]", complexity: constantTime,
					summary: "Stop all commands, or only WRITE commands, for a number of milliseconds"},
				{name: "reply", arity: 3, flags: plain | atOnce | connectionOnly, acl: aclConnection, since: "3.2.0", handler: clientReply,
					usage: "<ON | OFF | SKIP>", complexity: constantTime,
					summary: "Turn replies to this connection ON or OFF, or SKIP the next one"},
				{name: "setinfo", arity: 4, flags: plain, acl: aclConnection, since: "7.2.0", tips: []string{"request_policy:all_nodes", allSucceeded}, handler: clientSetInfo,
					usage: "<LIB-NAME libname | LIB-VER libver>", complexity: constantTime,
					summary: "Set the name (LIB-NAME) or version (LIB-VER) of the client's library"},
				{name: "setname", arity: 3, flags: plain, acl: aclConnection, since: "2.6.9", handler: clientSetName,
					usage: "connection-name", complexity: constantTime, summary: "Set the name of this connection"},
				{name: "tracking", arity: -3, flags: plain, acl: aclConnection, since: "6.0.0", handler: clientTracking,
					usage:      "<ON | OFF> [REDIRECT client-id:integer] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
					complexity: constantTime,
					summary:    "OFF is accepted, ON is not supported: there is no client side caching"},
				{name: "trackinginfo", arity: 2, flags: plain, acl: aclConnection, since: "6.2.0", handler: clientTrackingInfo,
					complexity: constantTime, summary: "Show that tracking is off"},
				{name: "unblock", arity: -3, flags: ruling, acl: aclConnection, since: "5.0.0", handler: clientUnblock,
					usage: "client-id:integer [TIMEOUT | ERROR]", complexity: constantTime,
					summary: "Always 0: no client ever blocks"},
				{name: "unpause", arity: 2, flags: ruling | endsPause, acl: aclConnection, since: "6.2.0", handler: clientUnpause,
					complexity: perClient, summary: "End CLIENT PAUSE"},
				helpRow("5.0.0", aclConnection),
			}},
	}, ofConnection, 0)
}

func clientID(c *call) { c.integer(c.client.ID) }

func clientSetName(c *call) {
	if c.setName(c.args[2]) {
		c.ok()
	}
}

func clientGetName(c *call) {
	if c.client.Name == "" {
		c.null()
		return
	}
	c.bulk(c.client.Name)
}

// clientSetInfo is CLIENT SETINFO: client libraries send their name and version.
func clientSetInfo(c *call) {
	name, value := c.args[2], c.args[3]
	var field *string
	switch {
	case is(name, "lib-name"):
		field = &c.client.LibName
	case is(name, "lib-ver"):
		field = &c.client.LibVersion
	default:
		c.failf("ERR Unrecognized option '%s'", clip(name, len(name)))
		return
	}
	if !validName(value) {
		c.failf("ERR %s cannot contain spaces, newlines or special characters.", strings.ToLower(string(name)))
		return
	}
	c.server.Clients.change(func() { *field = string(value) })
	c.ok()
}

func clientInfo(c *call) {
	var line string
	c.server.Clients.change(func() { line = c.describe(c.client) })
	c.text(line)
}

// clientList is CLIENT LIST [ID id ...], or CLIENT LIST with the filters of CLIENT KILL.
func clientList(c *call) {
	var f clientFilter
	var problem string
	if args := c.args[2:]; len(args) > 1 && is(args[0], "id") {
		problem = f.parseIDs(args[1:])
	} else {
		problem = f.parse(c, args)
	}
	if problem != "" {
		c.fail(problem)
		return
	}
	var lines strings.Builder
	c.server.Clients.each(func(client *Client) {
		if f.match(c, client) {
			lines.WriteString(c.describe(client))
		}
	})
	c.text(lines.String())
}

// describe is the line of a client in CLIENT LIST. The caller holds Clients.mu. The line has the fields that mean
// something here, in Redis's order. It also has the other fields that redis-py needs to read the line.
func (c *call) describe(client *Client) string {
	seen, id := client.lastSeen()
	last := "NULL"
	if client == c.client {
		seen, last = c.now.Wall, c.row.full
	} else if id >= 0 {
		last = c.server.table.rows[id].full
	}
	input, output := client.Input.Load(), client.Output.Load()
	return fmt.Sprintf("id=%d addr=%s laddr=%s name=%s age=%d idle=%d flags=%s db=0 sub=0 psub=0 ssub=0 multi=%d watch=%d "+
		"qbuf=%d qbuf-free=0 argv-mem=0 obl=0 oll=0 omem=%d tot-mem=%d cmd=%s user=%s redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
		client.ID, client.RemoteAddr, client.LocalAddr, client.Name,
		max(0, c.now.Wall-client.Created.UnixMilli())/1000, max(0, c.now.Wall-seen)/1000, client.flags(),
		client.multi.Load(), client.watching.Load(), input, output, input+output,
		last, client.userName(), client.Proto, client.LibName, client.LibVersion)
}

// flags are a client's properties as letters, in Redis's order; N for none.
func (c *Client) flags() string {
	var letters []byte
	for _, flag := range []struct {
		set    bool
		letter byte
	}{
		{c.monitors.Load(), 'O'},
		{c.multi.Load() != noMultiCount, 'x'},
		{c.waits.Load(), 'b'},
		{c.killed.Load(), 'A'},
		{strings.HasPrefix(c.LocalAddr, "/"), 'U'},
		{c.noEvict.Load(), 'e'},
		{c.noTouch.Load(), 'T'},
	} {
		if flag.set {
			letters = append(letters, flag.letter)
		}
	}
	if letters == nil {
		return "N"
	}
	return string(letters)
}

// clientKill is CLIENT KILL address, or CLIENT KILL with filters; then the default of SKIPME is yes.
func clientKill(c *call) {
	f := clientFilter{skipMe: true}
	single := len(c.args) == 3
	if single {
		f = clientFilter{remote: c.args[2]}
	} else if problem := f.parse(c, c.args[2:]); problem != "" {
		c.fail(problem)
		return
	}
	killed := int64(0)
	c.client.order(c.server)
	c.server.Clients.each(func(client *Client) {
		switch {
		case !f.match(c, client):
			return
		case client == c.client:
			client.end() // after the reply
		case !client.kill():
			return
		}
		killed++
	})
	switch {
	case !single:
		c.integer(killed)
	case killed == 0:
		c.fail(errNoClient)
	default:
		c.ok()
	}
}

// clientNoEvict is CLIENT NO-EVICT. It only sets a flag that CLIENT LIST shows.
func clientNoEvict(c *call) { c.toggle(&c.client.noEvict) }

// clientNoTouch is CLIENT NO-TOUCH. It only sets a flag that CLIENT LIST shows.
func clientNoTouch(c *call) { c.toggle(&c.client.noTouch) }

// clientUnblock is CLIENT UNBLOCK. It replies with 0: no command blocks.
func clientUnblock(c *call) {
	switch args := c.args[3:]; {
	case len(args) > 1:
		c.fail(wrongSubcommand(c.args))
		return
	case len(args) == 1 && !is(args[0], "timeout") && !is(args[0], "error"):
		c.fail(errUnblockReason)
		return
	}
	if _, ok := resp.ParseInt(c.args[2]); !ok {
		c.fail(errNotInteger)
		return
	}
	c.flag(false)
}

// clientTracking is CLIENT TRACKING, which can only be turned off.
func clientTracking(c *call) {
	switch {
	case is(c.args[2], "off"):
		c.ok()
	case is(c.args[2], "on"):
		c.fail(errNoTracking)
	default:
		c.fail(errSyntax)
	}
}

func clientTrackingInfo(c *call) {
	c.pairs(3)
	c.bulk("flags")
	c.set(1)
	c.bulk("off")
	c.bulk("redirect")
	c.integer(-1)
	c.bulk("prefixes")
	c.array(0)
}

func clientGetRedir(c *call) { c.integer(-1) }

func clientCaching(c *call) { c.fail(errTracking) }
