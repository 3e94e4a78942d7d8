package command

import (
	"time"

	"github.com/quotadb/quota-db/resp"
)

// clientFilter selects the clients of CLIENT LIST and CLIENT KILL. The zero filter selects all.
type clientFilter struct {
	ids                map[int64]bool
	remote, local      []byte
	normal, otherTypes bool // of TYPE: all clients are of the type normal
	user               []byte
	maxAge             time.Duration
	skipMe             bool
}

// parse reads pairs of a word and its value. problem is the error reply, or empty.
func (f *clientFilter) parse(c *call, args [][]byte) (problem string) {
	for ; len(args) > 0; args = args[2:] {
		if len(args) < 2 {
			return errSyntax
		}
		value := args[1]
		switch word := args[0]; {
		case is(word, "id"):
			id, ok := resp.ParseInt(value)
			if !ok || id <= 0 {
				return errKillID
			}
			f.ids = map[int64]bool{id: true}
		case is(word, "addr"):
			f.remote = value
		case is(word, "laddr"):
			f.local = value
		case is(word, "type"):
			if problem := f.parseType(value); problem != "" {
				return problem
			}
		case is(word, "user"):
			if c.server.Users.User(string(value)) == nil {
				return "ERR No such user '" + string(clip(value, shown)) + "'"
			}
			f.user = value
		case is(word, "maxage"):
			seconds, ok := resp.ParseInt(value)
			if !ok || seconds <= 0 {
				return errMaxAge
			}
			f.maxAge = time.Duration(min(seconds, 1<<32)) * time.Second
		case is(word, "skipme") && is(value, "yes"):
			f.skipMe = true
		case is(word, "skipme") && is(value, "no"):
			f.skipMe = false
		default:
			return errSyntax
		}
	}
	return ""
}

// parseType reads a type of clients.
func (f *clientFilter) parseType(name []byte) (problem string) {
	switch {
	case is(name, "normal"):
		f.normal = true
	case is(name, "master"), is(name, "replica"), is(name, "slave"), is(name, "pubsub"):
		f.otherTypes = true
	default:
		return "ERR Unknown client type '" + string(clip(name, shown)) + "'"
	}
	return ""
}

// parseIDs reads the ids after ID in CLIENT LIST.
func (f *clientFilter) parseIDs(args [][]byte) (problem string) {
	f.ids = make(map[int64]bool, len(args))
	for _, arg := range args {
		id, ok := resp.ParseInt(arg)
		if !ok {
			return errClientID
		}
		f.ids[id] = true
	}
	return ""
}

// match reports whether the filter selects a client. The caller holds Clients.mu.
func (f *clientFilter) match(c *call, client *Client) bool {
	switch {
	case f.ids != nil && !f.ids[client.ID],
		f.remote != nil && string(f.remote) != client.RemoteAddr,
		f.local != nil && string(f.local) != client.LocalAddr,
		f.otherTypes && !f.normal,
		f.user != nil && string(f.user) != client.userName(),
		f.maxAge > 0 && c.now.Wall-client.Created.UnixMilli() < f.maxAge.Milliseconds(),
		f.skipMe && client == c.client:
		return false
	}
	return true
}
