package command

import "github.com/quotadb/quota-db/manual"

// commandDocs is COMMAND DOCS. It leaves out commands that do not exist.
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

// docs replies with a map from names to descriptions. redis-cli aborts if the types differ from those of Redis.
func (c *call) docs(rows []*row) {
	c.pairs(len(rows))
	for _, r := range rows {
		fields, deprecated := 4, r.deprecated.since != ""
		if deprecated {
			fields += 3
		}
		if r.arguments != nil {
			fields++
		}
		if r.subs != nil {
			fields++
		}
		c.bulk(r.full)
		c.pairs(fields)
		c.pair("summary", r.summary)
		c.pair("since", r.since)
		c.pair("group", r.group)
		c.pair("complexity", r.complexity)
		if deprecated {
			c.bulk("doc_flags")
			c.words([]string{"deprecated"}, "")
			c.pair("deprecated_since", r.deprecated.since)
			c.pair("replaced_by", r.deprecated.instead)
		}
		if r.arguments != nil {
			c.bulk("arguments")
			c.docArguments(r.arguments, r.keys)
		}
		if r.subs != nil {
			c.bulk("subcommands")
			c.docs(r.subs)
		}
	}
}

// docArguments replies with an array of maps, one for each argument.
func (c *call) docArguments(arguments []manual.Argument, keys keys) {
	c.array(len(arguments))
	for i, a := range arguments {
		if a.Kind == manual.Key && keys.first == 0 {
			a.Kind = manual.String // the argument is no key of this server
		}
		flags := a.Flags()
		fields := 2
		for _, has := range []bool{a.IsValue(), a.Kind == manual.Key, a.Token != "", flags != nil, a.Parts != nil} {
			if has {
				fields++
			}
		}
		c.pairs(fields)
		c.pair("name", a.Name)
		c.pair("type", a.Kind)
		if a.IsValue() {
			c.pair("display_text", a.Name)
		}
		if a.Kind == manual.Key {
			c.bulk("key_spec_index")
			if i > 0 && keys.then != "" {
				c.integer(1) // the second of two keys that are used differently
			} else {
				c.integer(0)
			}
		}
		if a.Token != "" {
			c.pair("token", a.Token)
		}
		if flags != nil {
			c.bulk("flags")
			c.words(flags, "")
		}
		if a.Parts != nil {
			c.bulk("arguments")
			c.docArguments(a.Parts, keys)
		}
	}
}

// pair replies with one field of a map.
func (c *call) pair(name, value string) {
	c.bulk(name)
	c.bulk(value)
}
