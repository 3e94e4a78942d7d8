package command

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
	c.docs(rows, manuals(), deprecations())
}

// docs answers a map from names to what is known. redis-cli ends itself where this is not of the types that Redis answers.
func (c *call) docs(rows []*row, manuals map[string]manual, deprecations map[string]deprecation) {
	c.pairs(len(rows))
	for _, r := range rows {
		text := manuals[r.full]
		arguments, err := parseUsage(text.usage)
		if err != nil {
			panic("command: " + err.Error()) // a test reads every line
		}
		advice, deprecated := deprecations[r.full]
		fields := 4
		if deprecated {
			fields += 3
		}
		if arguments != nil {
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
		c.pair("complexity", text.complexity)
		if deprecated {
			c.bulk("doc_flags")
			c.words([]string{"deprecated"}, "")
			c.pair("deprecated_since", advice.since)
			c.pair("replaced_by", advice.instead)
		}
		if arguments != nil {
			c.bulk("arguments")
			c.docArguments(arguments, r.keys)
		}
		if r.subs != nil {
			c.bulk("subcommands")
			c.docs(r.subs, manuals, deprecations)
		}
	}
}

// docArguments answers an array of maps.
func (c *call) docArguments(arguments []argument, keys keys) {
	c.array(len(arguments))
	for i, a := range arguments {
		if a.kind == "key" && keys.first == 0 {
			a.kind = "string" // it names no key of this server
		}
		flags := a.flags()
		isValue := a.parts == nil && a.kind != "pure-token"
		fields := 2
		for _, has := range []bool{isValue, a.kind == "key", a.token != "", flags != nil, a.parts != nil} {
			if has {
				fields++
			}
		}
		c.pairs(fields)
		c.pair("name", a.name)
		c.pair("type", a.kind)
		if isValue {
			c.pair("display_text", a.name)
		}
		if a.kind == "key" {
			c.bulk("key_spec_index")
			if i > 0 && keys.then != "" {
				c.integer(1) // the second of two that are used differently
			} else {
				c.integer(0)
			}
		}
		if a.token != "" {
			c.pair("token", a.token)
		}
		if flags != nil {
			c.bulk("flags")
			c.words(flags, "")
		}
		if a.parts != nil {
			c.bulk("arguments")
			c.docArguments(a.parts, keys)
		}
	}
}

// pair answers one field of a map.
func (c *call) pair(name, value string) {
	c.bulk(name)
	c.bulk(value)
}
