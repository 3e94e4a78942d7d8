package command

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/quotadb/quota-db/acl"
	"github.com/quotadb/quota-db/resp"
)

// aclCommands are ACL and its subcommands.
func aclCommands() []*row {
	const plain = noscript | loading | stale
	const ruling = admin | plain
	return inGroup([]*row{
		{name: "acl", arity: -2, since: "6.0.0",
			complexity: bySubcommand, summary: "Manage users and their rights", subs: []*row{
				{name: "cat", arity: -2, flags: plain, since: "6.0.0", handler: aclCat,
					usage: "[categoryname]", complexity: perCommand,
					summary: "List all categories, or the commands of one category"},
				{name: "deluser", arity: -3, flags: ruling, since: "6.0.0", handler: aclDelUser,
					usage: "username [username ...]", complexity: perClient,
					summary: "Delete users, and disconnect their clients"},
				{name: "dryrun", arity: -4, flags: ruling, since: "7.0.0", handler: aclDryRun,
					usage: "username command [arg [arg ...]]", complexity: perArgument,
					summary: "Check whether a user may run a command"},
				{name: "genpass", arity: -2, flags: plain, since: "6.0.0", handler: aclGenPass,
					usage: "[bits:integer]", complexity: constantTime,
					summary: "Generate a random password of a number of bits (default 256)"},
				{name: "getuser", arity: 3, flags: ruling, since: "6.0.0", handler: aclGetUser,
					usage: "username", complexity: "O(N) in the number of the user's rules",
					summary: "Show the rules of a user"},
				{name: "list", arity: 2, flags: ruling, since: "6.0.0", handler: aclList,
					complexity: "O(N) in the number of users",
					summary:    "List all users, each as a line of the ACL file"},
				{name: "load", arity: 2, flags: ruling | takesLong, since: "6.0.0", handler: aclLoad,
					complexity: "O(N) in the number of users",
					summary:    "Read the ACL file again: all of its users, or none if it has an error"},
				{name: "log", arity: -2, flags: ruling, since: "6.0.0", handler: aclLog,
					usage: "[count:integer | RESET]", complexity: "O(N) in the number of entries",
					summary: "List refused commands and logins, newest first"},
				{name: "save", arity: 2, flags: ruling | takesLong, since: "6.0.0", handler: aclSave,
					complexity: "O(N) in the number of users", summary: "Write the users to the ACL file"},
				{name: "setuser", arity: -3, flags: ruling, since: "6.0.0", secrets: secretsFrom(2), handler: aclSetUser,
					usage: "username [rule [rule ...]]", complexity: perArgument,
					summary: "Create or change a user by rules: all of them, or none if one has an error"},
				{name: "users", arity: 2, flags: ruling, since: "6.0.0", handler: aclUsers,
					complexity: "O(N) in the number of users", summary: "List the names of all users"},
				{name: "whoami", arity: 2, flags: plain, since: "6.0.0", handler: aclWhoAmI,
					complexity: constantTime, summary: "Show the user of this connection"},
				helpRow("6.0.0", 0),
			}},
	}, ofServer, 0)
}

func aclWhoAmI(c *call) { c.bulk(c.client.userName()) }

func aclUsers(c *call) { c.bulks(c.server.Users.Names()) }

func aclList(c *call) { c.bulks(c.server.Users.List()) }

// bulks replies with an array of texts.
func (c *call) bulks(texts []string) {
	c.array(len(texts))
	for _, text := range texts {
		c.bulk(text)
	}
}

func aclCat(c *call) {
	switch {
	case len(c.args) > 3:
		c.fail(wrongSubcommand(c.args))
		return
	case len(c.args) == 2:
		c.bulks(allCategories())
		return
	}
	name := strings.ToLower(string(c.args[2]))
	if !slices.Contains(allCategories(), name) {
		c.failf("ERR Unknown category '%s'", clip(c.args[2], shown))
		return
	}
	i := slices.Index(categoryNames(), name)
	var names []string
	for _, r := range c.server.table.rows {
		if i >= 0 && r.categories()&(1<<i) != 0 && r.handler != nil {
			names = append(names, r.full)
		}
	}
	c.bulks(names)
}

// allCategories are Redis's categories in Redis's order, also those that have no command here.
func allCategories() []string {
	return []string{"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
		"pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting"}
}

func aclSetUser(c *call) {
	rules := make([]string, len(c.args)-3)
	for i, arg := range c.args[3:] {
		rules[i] = string(arg)
	}
	if err := c.server.Users.Set(string(c.args[2]), rules...); err != nil {
		c.fail(aclError(err))
		return
	}
	c.client.order(c.server)
	c.ok()
}

func aclDelUser(c *call) {
	for _, name := range c.args[2:] {
		if isDefaultUser(name) {
			c.fail(errDefaultUser)
			return
		}
	}
	n := int64(0)
	c.client.order(c.server)
	for _, name := range c.args[2:] {
		u := c.server.Users.User(string(name))
		if u != nil && c.server.Users.Delete(u.Name) {
			c.endUser(u)
			n++
		}
	}
	c.integer(n)
}

func isDefaultUser(name []byte) bool { return string(name) == acl.DefaultUser }

func aclGetUser(c *call) {
	u := c.server.Users.User(string(c.args[2]))
	if u == nil {
		c.null()
		return
	}
	p := u.Permissions()
	c.pairs(6)
	c.bulk("flags")
	flags := p.Flags()
	c.set(len(flags))
	for _, flag := range flags {
		c.bulk(flag)
	}
	c.bulk("passwords")
	c.bulks(p.Passwords())
	c.aclSelector(p.Root())
	c.bulk("selectors")
	selectors := p.Selectors()
	c.array(len(selectors))
	for _, s := range selectors {
		c.pairs(3)
		c.aclSelector(s)
	}
}

// aclSelector replies with three pairs.
func (c *call) aclSelector(s acl.Selector) {
	for _, field := range [][2]string{{"commands", s.Commands}, {"keys", s.Keys}, {"channels", s.Channels}} {
		c.bulk(field[0])
		c.bulk(field[1])
	}
}

// aclGenPass is ACL GENPASS [bits].
func aclGenPass(c *call) {
	bits := int64(256)
	if len(c.args) > 3 {
		c.fail(wrongSubcommand(c.args))
		return
	}
	if len(c.args) == 3 {
		var ok bool
		if bits, ok = resp.ParseInt(c.args[2]); !ok {
			c.fail(errNotInteger)
			return
		}
		if bits <= 0 || bits > 4096 {
			c.fail(errGenPass)
			return
		}
	}
	digits := int(bits+3) / 4
	random := make([]byte, (digits+1)/2)
	_, _ = rand.Read(random) // never fails, by its documentation
	c.bulk(hex.EncodeToString(random)[:digits])
}

// aclDryRun is ACL DRYRUN user command [arg ...].
func aclDryRun(c *call) {
	u := c.server.Users.User(string(c.args[2]))
	if u == nil {
		c.failf("ERR User '%s' not found", clip(c.args[2], shown))
		return
	}
	args := c.args[3:]
	p := c.x.resolve(args)
	switch p.problem {
	case noCommand, noSubcommand:
		c.failf("ERR Command '%s' not found", clip(args[0], shown))
		return
	case badArity:
		c.fail(wrongArity(p.row))
		return
	}
	if p.row.flags&noAuth != 0 {
		c.ok()
		return
	}
	switch denial, key := c.x.check(u.Permissions(), p.row, args); denial {
	case acl.NoCommand:
		c.bulk("This user has no permissions to run the '" + p.row.full + "' command")
	case acl.NoKey:
		c.bulk("This user has no permissions to access the '" + string(c.x.needs[key].Name) + "' key")
	default:
		c.ok()
	}
}
