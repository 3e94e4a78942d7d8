package history

import (
	"fmt"
	"strings"
)

// Kind is the kind of an operation.
type Kind uint8

const (
	Get     Kind = iota
	Incr         // by Delta, which may be negative; the reply is the value after it
	Set          // to Value; clears the deadline or sets one, unless KeepTTL
	Del          //
	GetSet       // SET with GET: the reply is the value before
	GetDel       // the reply is the value before
	Expire       // at Deadline, or after TTL
	Persist      //
	TTL          // a read of the deadline
)

// An Op is one command of one client to one node.
type Op struct {
	Node     int
	Kind     Kind
	Key      string
	Delta    int64 // of Incr
	Value    int64 // of Set and GetSet
	Deadline int64 // of Expire, Set and GetSet, in unix ms; 0: none
	TTL      int64 // of the same, in ms from the moment of execution; 0: none
	KeepTTL  bool  // of Set and GetSet
}

// An ID names an operation of a history, in the order of their invocation.
type ID int

func (o Op) amount() int64 {
	if o.Kind == Incr {
		return o.Delta
	}
	return o.Value
}

type outcome uint8

const (
	pending outcome = iota // not ended; counts as unknown
	ok
	failed
	unknown
)

// A call is a recorded operation.
type call struct {
	key       int32
	node      int32
	kind      Kind
	outcome   outcome
	keepTTL   bool
	mayBeLost bool
	amount    int64 // delta or value
	reply     int64
	deadline  int64
	ttl       int64
	invoked   int
	returned  int   // 0: never
	early     int64 // lower bound of its node's clock at the invocation
	late      int64 // upper bound of its node's clock at the return
	top       int64 // upper bound of all nodes' clocks at the return
}

func (c *call) reads() bool {
	return c.kind == Get || c.kind == Incr || c.kind == GetSet || c.kind == GetDel
}

func (c *call) resets() bool {
	return c.kind == Set || c.kind == Del || c.kind == GetSet || c.kind == GetDel
}

// counts reports whether a value can contain the operation: an increment, or the value of a SET.
func (c *call) counts() bool { return c.kind == Incr || c.kind == Set || c.kind == GetSet }

func (c *call) writes() bool { return c.kind != Get && c.kind != TTL }

// bounds reports whether the operation gives the key a deadline.
func (c *call) bounds() bool { return c.deadline != 0 || c.ttl != 0 }

// times reports whether the operation changes the deadline, to one or to none.
func (c *call) times() bool {
	return c.kind == Expire || c.kind == Persist || c.resets() && !c.keepTTL
}

// describe returns the operation as one line: client, node, command, time, result.
func (h *History) describe(id ID) string {
	c := &h.calls[id]
	var b strings.Builder
	fmt.Fprintf(&b, "#%d node %d: ", id, c.node)
	switch c.kind {
	case Get:
		b.WriteString("GET")
	case Incr:
		fmt.Fprintf(&b, "INCRBY %d", c.amount)
	case Set:
		fmt.Fprintf(&b, "SET %d", c.amount)
	case Del:
		b.WriteString("DEL")
	case GetSet:
		fmt.Fprintf(&b, "SET %d GET", c.amount)
	case GetDel:
		b.WriteString("GETDEL")
	case Expire:
		b.WriteString("EXPIRE")
	case Persist:
		b.WriteString("PERSIST")
	case TTL:
		b.WriteString("TTL")
	}
	if c.deadline != 0 {
		fmt.Fprintf(&b, " at %d", c.deadline)
	}
	if c.ttl != 0 {
		fmt.Fprintf(&b, " in %d ms", c.ttl)
	}
	if c.keepTTL {
		b.WriteString(" KEEPTTL")
	}
	switch {
	case c.outcome == ok && (c.reads() || c.kind == TTL):
		fmt.Fprintf(&b, " -> %d (from %d to %d)", c.reply, c.invoked, c.returned)
	case c.outcome == ok:
		fmt.Fprintf(&b, " -> done (from %d to %d)", c.invoked, c.returned)
	case c.outcome == failed:
		fmt.Fprintf(&b, " -> failed (from %d to %d)", c.invoked, c.returned)
	default:
		fmt.Fprintf(&b, " -> unknown (from %d)", c.invoked)
	}
	return b.String()
}
