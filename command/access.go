package command

import (
	"slices"
	"strings"

	"github.com/quotadb/quota-db/acl"
)

// newUsers makes the users of a server. Their rules name commands of the catalogue, which it also makes.
func (s *Server) newUsers() *acl.Users {
	c := &acl.Catalogue{Size: len(s.table.rows), Categories: categoryNames(), Foreign: s.isForeign}
	for _, r := range s.table.rows {
		c.Commands = append(c.Commands, acl.Command{ID: r.id, Name: r.full, Categories: uint64(r.categories())})
	}
	return acl.New(c)
}

// isForeign reports whether name is a command or an @category of Redis that this server does not have. Rules may name
// it, without effect.
func (s *Server) isForeign(name string) bool {
	if category, ok := strings.CutPrefix(name, "@"); ok {
		return slices.Contains(foreignCategories(), category)
	}
	return s.missing[name] != ""
}

// foreignCategories are the categories of Redis that have no command here.
func foreignCategories() []string {
	return []string{"set", "sortedset", "list", "hash", "hyperloglog", "geo", "stream", "pubsub", "blocking", "scripting"}
}

// needOf is the right that a command needs for a key that it uses in this way.
func needOf(use string) (need acl.Need) {
	for _, word := range strings.Fields(use) {
		switch word {
		case "access":
			need |= acl.Read
		case "update", "insert", "delete":
			need |= acl.Write
		}
	}
	return need
}

// login logs the client in as a user. It returns false, and does nothing, if the user has been deleted meanwhile. A
// deletion marks the user first, and then looks for the user's clients under the same lock; so no client remains logged
// in as a deleted user.
func (c *Client) login(s *Server, u *acl.User) (done bool) {
	s.Clients.change(func() {
		if done = !u.Gone(); done {
			c.user, c.loggedIn = u, true
		}
	})
	return done
}

// logout puts the client back into the state of a new one: it has the default user, and is logged in if that user needs
// no password.
func (c *Client) logout(s *Server) {
	p := c.defaultUser.Permissions()
	s.Clients.change(func() { c.user, c.loggedIn = c.defaultUser, p.NoPass && p.Enabled })
}

// userName is the name of the client's user.
func (c *Client) userName() string { return c.user.Name }

// NeedsLogin reports whether the client may run only the commands for logging in.
func (c *Client) NeedsLogin() bool {
	if c.loggedIn {
		return false
	}
	p := c.defaultUser.Permissions()
	return !p.NoPass || !p.Enabled
}

// restrictions are the permissions to check for each command; nil: the client may do everything.
func (c *Client) restrictions() *acl.Permissions {
	p := c.user.Permissions()
	if p.Unrestricted() && (c.loggedIn || !c.NeedsLogin()) {
		return nil
	}
	return p
}

// isUnder reports whether p are still the client's restrictions.
func (c *Client) isUnder(p *acl.Permissions) bool { return c.restrictions() == p }

// mayRun reports whether the client may run a command.
func (x *Executor) mayRun(r *row, args [][]byte) bool {
	if x.restrictions == nil || r.flags&noAuth != 0 {
		return true
	}
	if x.call.client.NeedsLogin() {
		return false
	}
	denial, _ := x.check(x.restrictions, r, args)
	return denial == acl.Allowed
}

// refusal is the error for a command that the client may not run. It enters the refusal in the access log.
func (x *Executor) refusal(r *row, args [][]byte) string {
	c := &x.call
	if c.client.NeedsLogin() {
		return errNoAuth
	}
	switch denial, key := x.check(x.restrictions, r, args); denial {
	case acl.NoCommand:
		c.server.accessLog.add(c, deniedCommand, r.full, c.client.userName())
		if x.inExec {
			return errNoPermNow + "no permission to execute the command or subcommand"
		}
		return "NOPERM this user has no permissions to run the '" + r.full + "' command"
	default:
		c.server.accessLog.add(c, deniedKey, string(x.needs[key].Name), c.client.userName())
		if x.inExec {
			return errNoPermNow + "no permission to touch the specified keys"
		}
		return errNoPermKey
	}
}

// check checks the permissions for a command, and returns the index in x.needs of the denied key. It leaves the keys of
// the command in x.needs.
func (x *Executor) check(p *acl.Permissions, r *row, args [][]byte) (acl.Denial, int) {
	x.needs = x.needs[:0]
	k := r.keys
	for i, n := k.first, k.count(len(args)); n > 0; i, n = i+k.step, n-1 {
		need := r.need
		switch {
		case r.variable && !slices.ContainsFunc(args[3:], func(arg []byte) bool { return is(arg, "get") }):
			need = acl.Write // SET without GET
		case k.then != "" && i > k.first:
			need = r.needThen
		}
		x.needs = append(x.needs, acl.Key{Name: args[i], Need: need})
	}
	denial, key := p.Check(r.id, args[nameWords(r)-1:], x.needs)
	return denial, key
}

// nameWords is how many arguments are the command's name.
func nameWords(r *row) int { return 1 + strings.Count(r.full, "|") }

// IsOpen reports whether protected mode must refuse clients of other hosts: it is on, and the default user needs no
// password.
func (s *Server) IsOpen() bool {
	return s.Params.ProtectedMode.Load() && s.Users.Default().Permissions().NoPass
}
