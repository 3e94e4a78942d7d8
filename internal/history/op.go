package history

import (
	"fmt"
	"strings"
)

// Kind is what an operation does.
type Kind uint8

const (
	Get     Kind = iota
	Incr         // by Delta, which may be negative; the reply is the value after it
	Set          // to Value; clears the deadline or sets one, unless KeepTTL
	Del          //
	GetSet       // SET with GET: the reply is the value before
	GetDel       // the reply is the value before
	Expire       // at Deadline, or TTL from the node's now
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
	Deadline int64 // of Expire, Set and GetSet: unix ms; 0: none
	TTL      int64 // the same, as ms from the moment it is carried out; 0: none
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
	pending outcome = iota // never ended: as unknown
	ok
	failed
	unknown
)

// A call is an operation as it was recorded.
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
	early     int64 // its node's clock was at least this when it was invoked
	late      int64 // and at most this when it had returned
	top       int64 // and no node's was above this
}

func (c *call) reads() bool {
	return c.kind == Get || c.kind == Incr || c.kind == GetSet || c.kind == GetDel
}

func (c *call) resets() bool {
	return c.kind == Set || c.kind == Del || c.kind == GetSet || c.kind == GetDel
}

// counts says whether the operation is part of a value: an increment, or what a SET has set.
func (c *call) counts() bool { return c.kind == Incr || c.kind == Set || c.kind == GetSet }

func (c *call) writes() bool { return c.kind != Get && c.kind != TTL }

// bounds says whether the operation gives the key a deadline.
func (c *call) bounds() bool { return c.deadline != 0 || c.ttl != 0 }

// times says whether the operation changes the deadline, to one or to none.
func (c *call) times() bool {
	return c.kind == Expire || c.kind == Persist || c.resets() && !c.keepTTL
}

// String is the operation as one line: who, what, where, when, how it ended.
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
