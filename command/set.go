package command

import (
	"math"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// expiry is the form of a deadline in a command.
type expiry uint8

const (
	noExpiry      expiry = iota
	seconds              // from now: EX, EXPIRE
	millis               // from now: PX, PEXPIRE
	secondsAt            // since 1970: EXAT, EXPIREAT
	millisAt             // since 1970: PXAT, PEXPIREAT
	millisPerUnit = 1000 // of the forms in seconds
)

// expiryWord is the form of an option of SET and GETEX.
func expiryWord(word []byte) expiry {
	switch {
	case is(word, "ex"):
		return seconds
	case is(word, "px"):
		return millis
	case is(word, "exat"):
		return secondsAt
	case is(word, "pxat"):
		return millisAt
	}
	return noExpiry
}

func (e expiry) inSeconds() bool { return e == seconds || e == secondsAt }
func (e expiry) relative() bool  { return e == seconds || e == millis }

// setOptions are the options of SET and GETEX.
type setOptions struct {
	nx, xx, get, keepTTL, persist bool
	form                          expiry
	time                          []byte // if form is not noExpiry
}

// parseSetOptions reads the options of SET or, with getex, of GETEX; false for a syntax error.
func parseSetOptions(args [][]byte, getex bool) (o setOptions, ok bool) {
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case !getex && is(arg, "nx") && !o.xx:
			o.nx = true
		case !getex && is(arg, "xx") && !o.nx:
			o.xx = true
		case !getex && is(arg, "get"):
			o.get = true
		case !getex && is(arg, "keepttl") && o.form == noExpiry:
			o.keepTTL = true
		case getex && is(arg, "persist") && o.form == noExpiry:
			o.persist = true
		default:
			form := expiryWord(arg)
			if form == noExpiry || i+1 == len(args) || o.keepTTL || o.persist || o.form != noExpiry && o.form != form {
				return o, false
			}
			i++
			o.form, o.time = form, args[i]
		}
	}
	return o, true
}

// deadline converts a time into unix milliseconds; false after replying with an error.
func (c *call) deadline(form expiry, time []byte) (at int64, ok bool) {
	n, ok := resp.ParseInt(time)
	if !ok {
		c.fail(errNotInteger)
		return 0, false
	}
	if n <= 0 || form.inSeconds() && n > math.MaxInt64/millisPerUnit {
		c.fail(invalidExpire(c.row))
		return 0, false
	}
	if form.inSeconds() {
		n *= millisPerUnit
	}
	if form.relative() {
		if n > math.MaxInt64-c.now.Wall {
			c.fail(invalidExpire(c.row))
			return 0, false
		}
		n += c.now.Wall
	}
	if !c.server.Config.EnableTTL {
		c.fail(errNoTTL)
		return 0, false
	}
	return n, true
}

// store gives the key a value and a deadline; 0 means no deadline. A deadline in the past deletes the key. If the value
// is refused, an error replaces the reply that began at mark.
func (c *call) store(v engine.Value, at int64, mark int) bool {
	ended := at != 0 && at <= c.now.Wall
	if !ended {
		v.Deadline = at
	}
	if !c.put(c.key, v, false, mark) {
		return false
	}
	if ended {
		c.tx.Delete(c.key) // WATCH notices both changes
	}
	return true
}

func set(c *call) {
	if len(c.args) == 3 {
		if c.put(c.key, stored(c.args[2]), false, c.mark()) {
			c.ok()
		}
		return
	}
	o, ok := parseSetOptions(c.args[3:], false)
	if !ok {
		c.fail(errSyntax)
		return
	}
	at := int64(0)
	if o.form != noExpiry {
		if at, ok = c.deadline(o.form, o.time); !ok {
			return
		}
	}
	c.setWith(o, at)
}

// setWith is SET with valid options.
func (c *call) setWith(o setOptions, at int64) {
	mark := c.mark()
	if o.nx || o.xx || o.get {
		old := c.tx.Get(c.key)
		if o.get {
			c.count(old)
			c.value(old)
		}
		if exists := old.Type != engine.None; o.nx && exists || o.xx && !exists {
			if !o.get {
				c.null()
			}
			return
		}
	}
	v, done := stored(c.args[2]), false
	if o.keepTTL {
		done = c.put(c.key, v, true, mark)
	} else {
		done = c.store(v, at, mark)
	}
	if done && !o.get {
		c.ok()
	}
}

func setEX(c *call)  { c.setFor(seconds) }
func psetEX(c *call) { c.setFor(millis) }

// setFor is SETEX and PSETEX.
func (c *call) setFor(form expiry) {
	at, ok := c.deadline(form, c.args[2])
	if !ok {
		return
	}
	if c.store(stored(c.args[3]), at, c.mark()) {
		c.ok()
	}
}

func getEX(c *call) {
	o, ok := parseSetOptions(c.args[2:], true)
	if !ok {
		c.fail(errSyntax)
		return
	}
	v := c.read(c.key)
	if v.Type == engine.None {
		c.null()
		return
	}
	if o.form == noExpiry {
		c.value(v)
		if o.persist && v.Deadline != 0 {
			c.tx.SetDeadline(c.key, 0)
		}
		return
	}
	at, ok := c.deadline(o.form, o.time)
	if !ok {
		return
	}
	c.value(v)
	c.expire(at)
}

// expire sets the key's deadline; if that has passed, it deletes the key at once.
func (c *call) expire(at int64) {
	if at <= c.now.Wall {
		c.tx.Delete(c.key)
	} else {
		c.tx.SetDeadline(c.key, at)
	}
}
