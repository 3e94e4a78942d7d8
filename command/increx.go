package command

import (
	"math"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// increxOptions are the options of INCREX.
type increxOptions struct {
	by, low, high      int64
	byGiven            bool
	saturate           bool
	onlyNew, onlyThere bool // Valkey's NX and XX

	form    expiry
	time    []byte // when form is not noExpiry
	persist bool
	enx     bool // only a key without a deadline gets one
}

// increx is INCREX key [BYINT n] [LBOUND l] [UBOUND u] [SATURATE] [EX s|PX ms|EXAT s|PXAT ms|PERSIST] [ENX], and Valkey's
// NX and XX. It answers the new value and what was added.
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
	case v.Kind == engine.Quota:
		c.fail(errQuota)
	case v.Kind == engine.String:
		c.fail(errNotInteger)
	case o.onlyNew && v.Kind != engine.None, o.onlyThere && v.Kind == engine.None:
		c.null()
	default:
		c.increx(&o, v, at)
	}
}

// increx counts within the bounds and sees to the deadline.
func (c *call) increx(o *increxOptions, v engine.Value, at int64) {
	next, within := o.next(v.Int)
	if !within {
		c.increxReply(v.Int, 0)
		return
	}
	applied := next - v.Int
	if (applied >= 0) != (next >= v.Int) { // from one end of the integers to the other
		c.fail(errOverflow)
		return
	}
	if _, err := c.tx.Add(c.key, applied); err != nil {
		c.fail(engineError(err))
		return
	}
	switch {
	case o.persist:
		c.tx.SetDeadline(c.key, 0)
	case o.form != noExpiry && (!o.enx || v.Deadline == 0):
		c.expire(at)
	}
	c.increxReply(next, applied)
}

func (c *call) increxReply(value, applied int64) {
	c.array(2)
	c.integer(value)
	c.integer(applied)
}

// next is the value after the increment; within says whether it is in the bounds, or was brought there.
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

// parse reads the options; false after answering an error.
func (o *increxOptions) parse(c *call) bool {
	args := c.args[2:]
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case is(arg, "saturate"):
			o.saturate = true
		case is(arg, "enx"):
			o.enx = true
		case is(arg, "nx") && !o.onlyThere:
			o.onlyNew = true
		case is(arg, "xx") && !o.onlyNew:
			o.onlyThere = true
		case is(arg, "persist") && o.form == noExpiry:
			o.persist = true
		case is(arg, "byfloat"):
			c.fail(errFloat)
			return false
		case i+1 == len(args):
			c.fail(errSyntax)
			return false
		default:
			i++
			if !o.valued(c, arg, args[i]) {
				return false
			}
		}
	}
	switch {
	case o.low > o.high:
		c.fail(errBounds)
		return false
	case o.enx && o.form == noExpiry:
		c.fail(errSyntax)
		return false
	}
	return true
}

// valued reads an option with a value; false after answering an error.
func (o *increxOptions) valued(c *call, word, value []byte) bool {
	if form := expiryWord(word); form != noExpiry {
		if o.form != noExpiry || o.persist {
			c.fail(errSyntax)
			return false
		}
		o.form, o.time = form, value
		return true
	}
	var dst *int64
	switch {
	case is(word, "byint") && !o.byGiven:
		dst, o.byGiven = &o.by, true
	case is(word, "lbound"):
		dst = &o.low
	case is(word, "ubound"):
		dst = &o.high
	default:
		c.fail(errSyntax)
		return false
	}
	n, ok := resp.ParseInt(value)
	if !ok {
		c.fail(errNotInteger)
		return false
	}
	*dst = n
	return true
}
