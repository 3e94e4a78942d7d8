package command

import (
	"slices"
	"strings"

	"github.com/quotadb/quota-db/acl"
)

// newUsers makes the users of a server, and the catalogue of its commands for their rules.
func (s *Server) newUsers() *acl.Users {
	c := &acl.Catalogue{Size: len(s.table.rows), Categories: categoryNames(), Foreign: s.isForeign}
	for _, r := range s.table.rows {
		c.Commands = append(c.Commands, acl.Command{ID: r.id, Name: r.full, Categories: uint64(r.categories())})
	}
	return acl.New(c)
}

// isForeign reports whether a rule may name a command or an @category of Redis that is not here.
func (s *Server) isForeign(name string) bool {
	if category, ok := strings.CutPrefix(name, "@"); ok {
		return slices.Contains(foreignCategories(), category)
	}
	return s.missing[name] != ""
}

// foreignCategories are those that no command of ours is in.
func foreignCategories() []string {
	return []string{"set", "sortedset", "list", "hash", "hyperloglog", "geo", "stream", "pubsub", "blocking", "scripting"}
}

// needOf is what a command that uses a key so needs to be allowed.
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

// login makes the client a user's, unless the user has been deleted meanwhile: then it reports false. Whoever deletes
// one marks it before looking, under the same lock, for its clients; so that no client stays a deleted user's.
func (c *Client) login(s *Server, u *acl.User) (done bool) {
	s.Clients.change(func() {
		if done = !u.Gone(); done {
			c.user, c.loggedIn = u, true
		}
	})
	return done
}

// logout makes the client as new: the default user's, logged in if that needs no password.
func (c *Client) logout(s *Server) {
	p := c.defaultUser.Permissions()
	s.Clients.change(func() { c.user, c.loggedIn = c.defaultUser, p.NoPass && p.Enabled })
}

// userName is whom the client is logged in as.
func (c *Client) userName() string { return c.user.Name }

// NeedsLogin reports whether the client may do nothing but log in.
func (c *Client) NeedsLogin() bool {
	if c.loggedIn {
		return false
	}
	p := c.defaultUser.Permissions()
	return !p.NoPass || !p.Enabled
}

// restrictions are what the client may not do; nil: it may do everything.
func (c *Client) restrictions() *acl.Permissions {
	p := c.user.Permissions()
	if p.Unrestricted() && (c.loggedIn || !c.NeedsLogin()) {
		return nil
	}
	return p
}

// isUnder reports whether the client's restrictions are still these.
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

// refusal says why the client may not run a command, and notes it in the access log.
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

// check says whether somebody with these permissions may run a command, whose keys are then in x.needs.
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

// nameWords is how many arguments name the command.
func nameWords(r *row) int { return 1 + strings.Count(r.full, "|") }

// IsOpen reports whether protected mode is on and nobody needs a password.
func (s *Server) IsOpen() bool {
	return s.Params.ProtectedMode.Load() && s.Users.Default().Permissions().NoPass
}
