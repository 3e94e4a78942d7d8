package command

import (
	"fmt"
	"strings"

	"github.com/quotadb/quota-db/resp"
)

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

// clientSetInfo takes what client libraries say of themselves.
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

// clientList is CLIENT LIST [TYPE type] [ID id ...]. All clients are of the type normal.
func clientList(c *call) {
	want := func(*Client) bool { return true }
	switch args := c.args[2:]; {
	case len(args) == 0:
	case len(args) == 2 && is(args[0], "type"):
		switch kind := args[1]; {
		case is(kind, "normal"):
		case is(kind, "master"), is(kind, "replica"), is(kind, "slave"), is(kind, "pubsub"):
			want = func(*Client) bool { return false }
		default:
			c.failf("ERR Unknown client type '%s'", clip(kind, len(kind)))
			return
		}
	case len(args) > 1 && is(args[0], "id"):
		ids := make(map[int64]bool, len(args)-1)
		for _, arg := range args[1:] {
			id, ok := resp.ParseInt(arg)
			if !ok {
				c.fail(errClientID)
				return
			}
			ids[id] = true
		}
		want = func(client *Client) bool { return ids[client.ID] }
	default:
		c.fail(errSyntax)
		return
	}
	var lines strings.Builder
	c.server.Clients.each(func(client *Client) {
		if want(client) {
			lines.WriteString(c.describe(client))
		}
	})
	c.text(lines.String())
}

// describe is a client's line, under Clients.mu. It has the fields that mean something here, in Redis's order.
func (c *call) describe(client *Client) string {
	seen, id := client.lastSeen()
	last := "NULL"
	if client == c.client {
		seen, last = c.now.Wall, c.row.full
	} else if seen > client.Created.UnixMilli() {
		last = c.server.table.rows[id].full
	}
	return fmt.Sprintf("id=%d addr=%s laddr=%s name=%s age=%d idle=%d flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 "+
		"cmd=%s user=default redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
		client.ID, client.RemoteAddr, client.LocalAddr, client.Name,
		max(0, c.now.Wall-client.Created.UnixMilli())/1000, max(0, c.now.Wall-seen)/1000,
		last, client.Proto, client.LibName, client.LibVersion)
}
