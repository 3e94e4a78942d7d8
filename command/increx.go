package command

import (
	"math"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// increxCommands is INCREX.
func increxCommands() []*row {
	return inGroup([]*row{
		{name: "increx", arity: -2, flags: write | denyOOM | fast, keys: oneKey(changes), since: "8.8.0", handler: increx,
			usage:      "key [BYINT increment:integer] [LBOUND lower-bound:integer] [UBOUND upper-bound:integer] [SATURATE] " + expiryWords + "PERSIST] [ENX] [NX | XX]",
			complexity: constantTime, summary: "Add to a counter within bounds, optionally with a TTL"},
	}, ofStrings, aclString)
}

// increxOptions are the options of INCREX.
type increxOptions struct {
	by, low, high                int64
	byGiven, lowGiven, highGiven bool
	saturate                     bool
	onlyNew, onlyThere           bool // Valkey's NX and XX

	form    expiry
	time    []byte // if form is not noExpiry
	persist bool
	enx     bool // only a key without a deadline gets one
}

// increx is INCREX key [BYINT n] [LBOUND l] [UBOUND u] [SATURATE] [EX s|PX ms|EXAT s|PXAT ms|PERSIST] [ENX], and
// Valkey's NX and XX. It replies with the new value and the number that was added. If nothing was added: the present
// value, and 0.
func increx(c *call) {
	o := increxOptions{by: 1, low: math.MinInt64, high: math.MaxInt64}
	if !o.parse(c) {
		return
	}
	at := int64(0)
	if o.form != noExpiry {
		var ok bool
		if at, ok = c.deadline(o.form, o.time); !ok {
			return
		}
	}
	v := c.tx.Get(c.key)
	switch {
	case v.Type == engine.Quota:
		c.fail(errQuota)
	case v.Type == engine.String:
		c.fail(errNotInteger)
	case o.onlyNew && v.Type != engine.None:
		c.increxReply(v.Int, 0)
	case o.onlyThere && v.Type == engine.None:
		c.array(2)
		c.null()
		c.integer(0)
	default:
		c.increx(&o, v, at)
	}
}

// increx adds within the bounds and sets the deadline.
func (c *call) increx(o *increxOptions, v engine.Value, at int64) {
	next, within := o.next(v.Int)
	if !within {
		c.increxReply(v.Int, 0)
		return
	}
	applied := next - v.Int
	if (applied >= 0) != (next >= v.Int) { // the step does not fit in 64 bits
		c.fail(errApplied)
		return
	}
	value, err := c.tx.Add(c.key, applied)
	for o.saturate && err == nil && value != next {
		// The counts of all nodes together are outside 64 bits, so that v was only the nearest value inside.
		value, err = c.tx.Add(c.key, next-value)
	}
	if err != nil {
		c.fail(engineError(err))
		return
	}
	switch {
	case o.persist:
		c.tx.SetDeadline(c.key, 0)
	case o.form != noExpiry && (!o.enx || v.Deadline == 0):
		c.expire(at)
	}
	c.increxReply(value, applied)
}

func (c *call) increxReply(value, applied int64) {
	c.array(2)
	c.integer(value)
	c.integer(applied)
}

// next is the value after the increment; within says that it is inside the bounds, with SATURATE always.
func (o *increxOptions) next(value int64) (next int64, within bool) {
	sum := value + o.by
	over := o.by > 0 && sum < value
	under := o.by < 0 && sum > value
	switch {
	case over || !under && sum > o.high:
		return o.high, o.saturate
	case under || sum < o.low:
		return o.low, o.saturate
	}
	return sum, true
}

// parse reads the options; false after replying with an error. An option that is given twice is a syntax error.
func (o *increxOptions) parse(c *call) bool {
	args := c.args[2:]
	for i := 0; i < len(args); i++ {
		if o.word(args[i]) {
			continue
		}
		problem := errSyntax
		switch {
		case is(args[i], "byfloat"):
			problem = errFloat
		case i+1 < len(args):
			i++
			problem = o.valued(args[i-1], args[i])
		}
		if problem != "" {
			c.fail(problem)
			return false
		}
	}
	problem := ""
	switch {
	case o.enx && o.persist:
		problem = errSyntax
	case o.enx && o.form == noExpiry:
		problem = errENX
	case o.low > o.high:
		problem = errBounds
	}
	if problem != "" {
		c.fail(problem)
	}
	return problem == ""
}

// word reads an option without a value; false if arg is not one.
func (o *increxOptions) word(arg []byte) bool {
	switch {
	case is(arg, "saturate") && !o.saturate:
		o.saturate = true
	case is(arg, "enx") && !o.enx:
		o.enx = true
	case is(arg, "nx") && !o.onlyThere && !o.onlyNew:
		o.onlyNew = true
	case is(arg, "xx") && !o.onlyThere && !o.onlyNew:
		o.onlyThere = true
	case is(arg, "persist") && !o.persist && o.form == noExpiry:
		o.persist = true
	default:
		return false
	}
	return true
}

// valued reads an option with a value. It returns the error reply, or an empty text.
func (o *increxOptions) valued(word, value []byte) string {
	if form := expiryWord(word); form != noExpiry {
		if o.form != noExpiry || o.persist {
			return errSyntax
		}
		o.form, o.time = form, value
		return ""
	}
	switch {
	case is(word, "byint") && !o.byGiven:
		o.byGiven = true
		return integerOption(&o.by, "Increment", value)
	case is(word, "lbound") && !o.lowGiven:
		o.lowGiven = true
		return integerOption(&o.low, "LBOUND", value)
	case is(word, "ubound") && !o.highGiven:
		o.highGiven = true
		return integerOption(&o.high, "UBOUND", value)
	}
	return errSyntax
}

// integerOption reads the integer of an option. problem is the error reply, which names the option, or empty.
func integerOption(into *int64, name string, value []byte) (problem string) {
	n, ok := resp.ParseInt(value)
	if !ok {
		return "ERR " + name + " is not an integer or out of range"
	}
	*into = n
	return ""
}
