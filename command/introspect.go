package command

import (
	"slices"

	"github.com/quotadb/quota-db/resp"
)

// commandAll is COMMAND without arguments.
func commandAll(c *call) { c.describeRows(c.server.table.top) }

func commandCount(c *call) { c.integer(int64(len(c.server.table.top))) }

// commandInfo answers what COMMAND does, for some commands; null for one that does not exist.
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
			want = func(*row) bool { return false } // none comes from a module
		case is(args[1], "aclcat"):
			i := slices.IndexFunc(categoryNames(), func(name string) bool { return is(value, name) })
			want = func(r *row) bool { return i >= 0 && r.categories()&(1<<i) != 0 }
		case is(args[1], "pattern"):
			want = func(r *row) bool { return globMatch(value, []byte(r.full)) }
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

// commandDocs answers what is known of the commands in words; nothing of one that does not exist.
func commandDocs(c *call) {
	rows := c.server.table.top
	if len(c.args) > 2 {
		rows = nil
		for _, name := range c.args[2:] {
			if r := c.server.table.findFull(name); r != nil {
				rows = append(rows, r)
			}
		}
	}
	c.docs(rows)
}

// docs answers a map from names to what is known.
func (c *call) docs(rows []*row) {
	c.pairs(len(rows))
	for _, r := range rows {
		c.bulk(r.full)
		fields := 3
		if r.subs != nil {
			fields++
		}
		c.pairs(fields)
		c.bulk("summary")
		c.bulk(r.summary)
		c.bulk("since")
		c.bulk(r.since)
		c.bulk("group")
		c.bulk(r.group)
		if r.subs != nil {
			c.bulk("subcommands")
			c.docs(r.subs)
		}
	}
}

// commandGetKeys answers the keys of a whole command.
func commandGetKeys(c *call) {
	args := c.args[2:]
	r := c.server.table.find(args[0])
	if r != nil && r.subs != nil {
		r = r.findSub(args[1]) // there is one: the arity of COMMAND GETKEYS wants it
	}
	switch {
	case r == nil:
		c.fail(errInvalidCommand)
		return
	case r.keys.first == 0:
		c.fail(errCommandNoKeys)
		return
	case !r.accepts(len(args)):
		c.fail(errCommandArguments)
		return
	}
	var names [][]byte
	for i, end := r.keys.first, r.keys.end(len(args)); i < end; i += r.keys.step {
		names = append(names, args[i])
	}
	c.array(len(names))
	for _, name := range names {
		c.out = resp.AppendBulk(c.out, name)
	}
}
