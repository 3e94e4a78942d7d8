package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// A handler answers with the methods of this file, and with no other. They append the bytes of the reply to call.out,
// for a client, or enter its values in call.tape, for a caller inside the server (Executor.Call). That is one
// comparison for each part of a reply; the benchmarks of Run do not show it.

// tape is a reply as it is entered: the values of containers follow them, and Value.Int is how many.
type tape struct {
	values []resp.Value
	bytes  int // about what they take
}

// tapeBytes is about what a value on a tape takes beside its text.
const tapeBytes = 64

func (t *tape) add(v resp.Value) {
	t.values = append(t.values, v)
	t.bytes += tapeBytes + len(v.Text)
}

// take takes the next value off the tape, with all that is in it.
func (t *tape) take() resp.Value {
	v := t.values[0]
	t.values = t.values[1:]
	switch v.Kind {
	case resp.KindArray, resp.KindSet, resp.KindMap:
		v.Items = make([]resp.Value, v.Int)
		for i := range v.Items {
			v.Items[i] = t.take()
		}
		v.Int = 0
	}
	return v
}

func (c *call) ok() {
	if c.tape != nil {
		c.simple("OK")
		return
	}
	c.out = append(c.out, "+OK\r\n"...)
}

func (c *call) integer(n int64) {
	if c.tape != nil {
		c.tape.add(resp.Value{Kind: resp.KindInteger, Int: n})
		return
	}
	c.out = resp.AppendInt(c.out, n)
}

// flag answers yes and no as Redis does in both protocols: 1 and 0.
func (c *call) flag(yes bool) {
	if yes {
		c.integer(1)
	} else {
		c.integer(0)
	}
}

func (c *call) double(f float64) {
	if c.tape != nil {
		c.tape.add(resp.Value{Kind: resp.KindDouble, Double: f})
		return
	}
	c.out = resp.AppendDouble(c.out, f, c.client.Proto)
}

func (c *call) null() {
	if c.tape != nil {
		c.tape.add(resp.Value{Kind: resp.KindNull})
		return
	}
	c.out = resp.AppendNull(c.out, c.client.Proto)
}

// nullArray answers null where an array was asked for.
func (c *call) nullArray() {
	if c.tape != nil {
		c.tape.add(resp.Value{Kind: resp.KindNullArray})
		return
	}
	c.out = resp.AppendNullArray(c.out, c.client.Proto)
}

func (c *call) bulk(text string) {
	if c.tape != nil {
		c.tape.add(resp.Value{Kind: resp.KindBulk, Text: text})
		return
	}
	c.out = resp.AppendBulkString(c.out, text)
}

// bulkBytes is bulk for bytes, which are copied.
func (c *call) bulkBytes(b []byte) {
	if c.tape != nil {
		c.bulk(string(b))
		return
	}
	c.out = resp.AppendBulk(c.out, b)
}

// bulkInt answers a number as a bulk string.
func (c *call) bulkInt(n int64) {
	if c.tape != nil {
		c.bulk(strconv.FormatInt(n, 10))
		return
	}
	c.out = resp.AppendBulkInt(c.out, n)
}

func (c *call) simple(text string) {
	if c.tape != nil {
		c.tape.add(resp.Value{Kind: resp.KindSimple, Text: text})
		return
	}
	c.out = resp.AppendSimple(c.out, text)
}

// text answers text for people.
func (c *call) text(text string) {
	if c.tape != nil {
		c.tape.add(resp.Value{Kind: resp.KindVerbatim, Text: text})
		return
	}
	c.out = resp.AppendVerbatim(c.out, "txt", text, c.client.Proto)
}

// array begins an array, whose n values follow.
func (c *call) array(n int) {
	if c.tape != nil {
		c.tape.add(resp.Value{Kind: resp.KindArray, Int: int64(n)})
		return
	}
	c.out = resp.AppendArray(c.out, n)
}

// set begins a set, whose n values follow.
func (c *call) set(n int) {
	if c.tape != nil {
		c.tape.add(resp.Value{Kind: resp.KindSet, Int: int64(n)})
		return
	}
	c.out = resp.AppendSet(c.out, n, c.client.Proto)
}

// pairs begins a map, whose n pairs follow, each key before its value.
func (c *call) pairs(n int) {
	if c.tape != nil {
		c.tape.add(resp.Value{Kind: resp.KindMap, Int: 2 * int64(n)})
		return
	}
	c.out = resp.AppendMap(c.out, n, c.client.Proto)
}

// error answers an error that is counted already.
func (c *call) error(text string) {
	if c.tape != nil {
		c.tape.add(resp.Value{Kind: resp.KindError, Text: text})
		return
	}
	c.out = resp.AppendError(c.out, text)
}

// fail answers an error.
func (c *call) fail(text string) {
	c.x.counts.Failed(c.row.id)
	c.server.Stats.CountError(text)
	c.error(strings.Trim(text, "\r\n"))
}

func (c *call) failf(format string, args ...any) { c.fail(fmt.Sprintf(format, args...)) }

// value answers what a key holds.
func (c *call) value(v engine.Value) {
	switch v.Type {
	case engine.None:
		c.null()
	case engine.String:
		c.bulkBytes(v.Str)
	default:
		c.bulkInt(v.Int)
	}
}

// mark is the end of the reply so far: cut takes back what was answered behind it.
func (c *call) mark() int {
	if c.tape != nil {
		return len(c.tape.values)
	}
	return len(c.out)
}

// cut takes back what was answered behind a mark.
func (c *call) cut(mark int) {
	if c.tape != nil {
		for _, v := range c.tape.values[mark:] {
			c.tape.bytes -= tapeBytes + len(v.Text)
		}
		c.tape.values = c.tape.values[:mark]
		return
	}
	c.out = c.out[:mark]
}

// size is about how many bytes of replies there are.
func (c *call) size() int {
	if c.tape != nil {
		return c.tape.bytes
	}
	return len(c.out)
}
