package command

import (
	"bytes"
	"slices"
	"strings"

	"github.com/quotadb/quota-db/glob"
)

// commandCommands are COMMAND and its subcommands.
func commandCommands() []*row {
	const plain = loading | stale
	unordered := []string{noFixedOrder}
	return inGroup([]*row{
		{name: "command", arity: -1, flags: loading | stale, acl: aclConnection, since: "2.8.13", tips: []string{noFixedOrder}, handler: commandAll,
			complexity: perCommand, summary: "Describe commands", subs: []*row{
				{name: "count", arity: 2, flags: plain, acl: aclConnection, since: "2.8.13", handler: commandCount,
					complexity: constantTime, summary: "Count the commands"},
				{name: "docs", arity: -2, flags: plain, acl: aclConnection, since: "7.0.0", tips: unordered, handler: commandDocs,
					usage: "[command-name [command-name ...]]", complexity: perCommand,
					summary: "Get the documentation of commands"},
				{name: "getkeys", arity: -4, flags: plain, acl: aclConnection, since: "2.8.13", handler: commandGetKeys,
					usage: "command [arg [arg ...]]", complexity: perArgument,
					summary: "Find the keys in a complete command"},
				{name: "getkeysandflags", arity: -4, flags: plain, acl: aclConnection, since: "7.0.0", handler: commandGetKeysAndFlags,
					usage: "command [arg [arg ...]]", complexity: perArgument,
					summary: "Find the keys in a complete command, and how the command uses them"},
				{name: "info", arity: -2, flags: plain, acl: aclConnection, since: "2.8.13", tips: unordered, handler: commandInfo,
					usage: "[command-name [command-name ...]]", complexity: perCommand,
					summary: "Get arity, flags, keys and categories of commands"},
				{name: "list", arity: -2, flags: plain, acl: aclConnection, since: "7.0.0", tips: unordered, handler: commandList,
					usage: "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]", complexity: perCommand,
					summary: "List the names of commands, optionally of one MODULE, ACLCAT or PATTERN"},
				helpRow("5.0.0", aclConnection),
			}},
	}, ofServer, 0)
}

// commandAll is COMMAND without arguments.
func commandAll(c *call) { c.describeRows(c.server.table.top) }

func commandCount(c *call) { c.integer(int64(len(c.server.table.top))) }

// commandInfo is COMMAND INFO: it describes some commands in the form of COMMAND; null for one that does not exist.
func commandInfo(c *call) {
	if len(c.args) == 2 {
		commandAll(c)
		return
	}
	rows := make([]*row, 0, len(c.args)-2)
	for _, name := range c.args[2:] {
		rows = append(rows, c.server.table.findFull(name))
	}
	c.describeRows(rows)
}

// commandList is COMMAND LIST [FILTERBY MODULE name|ACLCAT category|PATTERN pattern], subcommands included.
func commandList(c *call) {
	want := func(*row) bool { return true }
	if args := c.args[2:]; len(args) > 0 {
		if len(args) != 3 || !is(args[0], "filterby") {
			c.fail(errSyntax)
			return
		}
		switch value := args[2]; {
		case is(args[1], "module"):
			want = func(*row) bool { return false } // no command comes from a module
		case is(args[1], "aclcat"):
			i := slices.IndexFunc(categoryNames(), func(name string) bool { return is(value, name) })
			want = func(r *row) bool { return i >= 0 && r.categories()&(1<<i) != 0 }
		case is(args[1], "pattern"):
			pattern, budget := glob.Compile(bytes.ToLower(value)), glob.Unbounded() // the names of commands are short
			want = func(r *row) bool { return pattern.Match([]byte(r.full), &budget) }
		default:
			c.fail(errSyntax)
			return
		}
	}
	var names []string
	for _, r := range c.server.table.rows {
		if want(r) {
			names = append(names, r.full)
		}
	}
	c.array(len(names))
	for _, name := range names {
		c.bulk(name)
	}
}

// commandGetKeys replies with the keys of a complete command.
func commandGetKeys(c *call) {
	names, _ := c.keysOf(c.args[2:])
	if names == nil {
		return
	}
	c.array(len(names))
	for _, name := range names {
		c.bulkBytes(name)
	}
}

// commandGetKeysAndFlags replies with the keys of a complete command, and how it uses each of them.
func commandGetKeysAndFlags(c *call) {
	names, r := c.keysOf(c.args[2:])
	if names == nil {
		return
	}
	use := strings.Fields(r.keys.useIn(c.args[2:]))
	c.array(len(names))
	for i, name := range names {
		if i > 0 && r.keys.then != "" {
			use = strings.Fields(r.keys.then)
		}
		c.array(2)
		c.bulkBytes(name)
		c.words(use, "")
	}
}

// keysOf finds the keys of a complete command, and its row; r is nil after replying with an error.
func (c *call) keysOf(args [][]byte) (names [][]byte, r *row) {
	r = c.server.table.find(args[0])
	if r != nil && r.subs != nil {
		r = r.findSub(args[1]) // args[1] exists: see the arity of COMMAND GETKEYS
	}
	switch {
	case r == nil:
		c.fail(errInvalidCommand)
		return nil, nil
	case r.keys.first == 0:
		c.fail(errCommandNoKeys)
		return nil, nil
	case !r.accepts(len(args)):
		c.fail(errCommandArguments)
		return nil, nil
	}
	for i, end := r.keys.first, r.keys.end(len(args)); i < end; i += r.keys.step {
		names = append(names, args[i])
	}
	return names, r
}

// useIn is how a complete command uses its keys: SET also reads if it has the word GET.
func (k keys) useIn(args [][]byte) string {
	use, varies := strings.CutSuffix(k.use, " variable_flags")
	if varies && !slices.ContainsFunc(args[3:], func(arg []byte) bool { return is(arg, "get") }) {
		return overwrites
	}
	return use
}
