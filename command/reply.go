package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// Handlers reply only with the methods of this file. The methods append the bytes of the reply to call.out, for a
// client, or its values to call.tape, for a caller inside the server (Executor.Call). That costs one comparison for
// each part of a reply; the benchmarks of Run do not show it.

// tape is a reply as a list of values. After a container, whose Value.Int is the number of its elements, the elements
// follow.
type tape struct {
	values []resp.Value
	bytes  int // approximate memory of the values
}

// tapeBytes is the approximate memory of a value on a tape, without its text.
const tapeBytes = 64

func (t *tape) add(v resp.Value) {
	t.values = append(t.values, v)
	t.bytes += tapeBytes + len(v.Text)
}

// take takes the next value off the tape, with its elements.
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

// flag replies with 1 for yes and 0 for no, as Redis does in both protocols.
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

// nullArray replies with null in place of an array.
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

// bulkBytes is bulk for bytes, which it copies.
func (c *call) bulkBytes(b []byte) {
	if c.tape != nil {
		c.bulk(string(b))
		return
	}
	c.out = resp.AppendBulk(c.out, b)
}

// bulkInt replies with a number as a bulk string.
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

// text replies with text for people.
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

// error replies with an error that is counted already.
func (c *call) error(text string) {
	if c.tape != nil {
		c.tape.add(resp.Value{Kind: resp.KindError, Text: text})
		return
	}
	c.out = resp.AppendError(c.out, text)
}

// fail replies with an error.
func (c *call) fail(text string) {
	c.x.counts.Failed(c.row.id)
	c.server.Stats.CountError(text)
	c.error(strings.Trim(text, "\r\n"))
}

func (c *call) failf(format string, args ...any) { c.fail(fmt.Sprintf(format, args...)) }

// value replies with the value of a key.
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

// mark is the end of the reply so far; cut can remove everything after it.
func (c *call) mark() int {
	if c.tape != nil {
		return len(c.tape.values)
	}
	return len(c.out)
}

// cut removes the part of the reply after a mark.
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

// size is the approximate number of bytes of the replies.
func (c *call) size() int {
	if c.tape != nil {
		return c.tape.bytes
	}
	return len(c.out)
}
