package command

import "strings"

// describeRows replies with an array of rows in the form of COMMAND; null for a row that is nil.
func (c *call) describeRows(rows []*row) {
	c.array(len(rows))
	for _, r := range rows {
		if r == nil {
			c.null()
		} else {
			c.describeRow(r)
		}
	}
}

// describeRow replies with ten fields: name, arity, flags, first key, last key, step, categories, tips, keys,
// subcommands.
func (c *call) describeRow(r *row) {
	c.array(10)
	c.bulk(r.full)
	c.integer(int64(r.arity))
	c.words(namesOf(uint32(r.flags), flagNames()), "")
	c.integer(int64(r.keys.first))
	c.integer(int64(r.keys.last))
	c.integer(int64(r.keys.step))
	c.words(namesOf(uint32(r.categories()), categoryNames()), "@")
	c.set(len(r.tips))
	for _, tip := range r.tips {
		c.bulk(tip)
	}
	c.describeKeys(r.keys)
	c.set(len(r.subs))
	for _, sub := range r.subs {
		c.describeRow(sub)
	}
}

// describeKeys replies with the ranges of the keys: one range, or two if the second key is used differently.
func (c *call) describeKeys(k keys) {
	if k.first == 0 {
		c.set(0)
		return
	}
	last := k.last
	if last > 0 {
		last -= k.first // in this reply, last counts from the first key
	}
	if k.then == "" {
		c.set(1)
		c.describeRange(k.use, k.first, last, k.step)
		return
	}
	c.set(2)
	c.describeRange(k.use, k.first, 0, k.step)
	c.describeRange(k.then, k.last, 0, k.step)
}

// describeRange replies with one range of keys that are used in the same way: the position of the first key, and the
// last key counted from there.
func (c *call) describeRange(use string, first, last, step int) {
	c.pairs(3)
	c.bulk("flags")
	c.words(strings.Fields(use), "")
	c.bulk("begin_search")
	c.pairs(2)
	c.bulk("type")
	c.bulk("index")
	c.bulk("spec")
	c.pairs(1)
	c.bulk("index")
	c.integer(int64(first))
	c.bulk("find_keys")
	c.pairs(2)
	c.bulk("type")
	c.bulk("range")
	c.bulk("spec")
	c.pairs(3)
	c.bulk("lastkey")
	c.integer(int64(last))
	c.bulk("keystep")
	c.integer(int64(step))
	c.bulk("limit")
	c.integer(0)
}

// words replies with a set of simple strings, each with the prefix.
func (c *call) words(words []string, prefix string) {
	c.set(len(words))
	for _, word := range words {
		c.simple(prefix + word)
	}
}

// namesOf are the names of the bits that are set.
func namesOf(bits uint32, names []string) []string {
	var set []string
	for i, name := range names {
		if bits&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	return set
}
