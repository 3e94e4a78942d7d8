// Package history records what clients of several nodes did and were answered, and says whether every answer is within
// the laws of a counter that all nodes write.
//
// It is stricter than a look at the final values: each read, and the reply of an increment is one, is compared with
// what its node had acknowledged or shown in the same run, and with what could have reached it. It trusts only what
// clients saw, so it never reports what a correct cluster can do.
//
// A key is checked in one of two ways. If the deltas of its increments and the values of its SETs are different powers
// of one base (Digit makes such numbers), a value names exactly the operations that it contains: contents.go. Else, and
// where a key has more than maxWrites writes, only sums can be bounded, and of a key with resets or deadlines hardly
// that: bounds.go. Coverage tells how many keys were checked in which way.
package history

import (
	"math"
	"sync"
)

// A History is recorded by any number of goroutines. The order of the calls is the real-time order: Invoke before a
// request is sent, Ok and the like after its reply has been read.
type History struct {
	nodes int
	clock func(node int) (earliest, latest int64)

	mu     sync.Mutex // protects all below
	pos    int        // of the last thing recorded; the first is at 1
	top    int64      // the latest that any node's clock may have shown yet
	keys   map[string]int32
	names  []string
	calls  []call
	events []event
}

// A Mark is a moment of a history. The zero Mark is before everything.
type Mark int

// A Disk says what a node starts with, as the acknowledgements and reads of a node up to two moments: its own
// acknowledgements up to Acked, and all that it had shown up to Shown (which may be earlier: what came from peers may
// be less durable than a reply that waited for the disk). The zero Disk holds nothing.
type Disk struct {
	Node  int
	Acked Mark
	Shown Mark
}

// DiskAt is the whole disk of the node as it was at the mark: after a clean stop, of a backup, of a copy.
func DiskAt(node int, m Mark) Disk { return Disk{Node: node, Acked: m, Shown: m} }

type eventKind uint8

const (
	started eventKind = iota
	quiescent
	partitioned
)

// An event concerns nodes, and so every key.
type event struct {
	pos      int
	kind     eventKind
	node     int
	disk     Disk
	group    []int // of each node, after a partition
	low, top int64 // at quiescence: no node's clock is below low or above top
}

// New begins a history of nodes numbered from 0. A node is a place that clients talk to: a copy of its disk that is
// started beside it is another one.
//
// clock bounds the clock by which a node expires keys, in unix ms, as it is at the time of the call; the clock itself
// never runs backwards. It is called with the history locked. nil if no key has a deadline.
func New(nodes int, clock func(node int) (earliest, latest int64)) *History {
	return &History{nodes: nodes, clock: clock, keys: map[string]int32{}, top: math.MinInt64}
}

// Invoke records that a client is about to send the operation.
func (h *History) Invoke(op Op) ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	if op.Node < 0 || op.Node >= h.nodes {
		panic("history: no such node")
	}
	if (op.Deadline != 0 || op.TTL != 0) && h.clock == nil {
		panic("history: a deadline needs a clock")
	}
	key, known := h.keys[op.Key]
	if !known {
		key = int32(len(h.names))
		h.keys[op.Key] = key
		h.names = append(h.names, op.Key)
	}
	earliest, _ := h.tick(op.Node)
	h.calls = append(h.calls, call{
		key: key, node: int32(op.Node), kind: op.Kind, keepTTL: op.KeepTTL, amount: op.amount(),
		deadline: op.Deadline, ttl: op.TTL, invoked: h.pos, early: earliest, late: math.MaxInt64, top: math.MaxInt64,
	})
	return ID(len(h.calls) - 1)
}

// Ok records the reply: the value of the key for Get and Incr (0 if there is none), its value before for GetSet and
// GetDel, milliseconds, -1 or -2 for TTL. Of others it is not looked at.
func (h *History) Ok(id ID, reply int64) { h.end(id, ok, reply) }

// Fail records that the operation certainly did nothing: an error, or an EXPIRE that found no key.
func (h *History) Fail(id ID) { h.end(id, failed, 0) }

// Unknown records that nobody will know whether it was done: the connection died first. So counts what never ends.
func (h *History) Unknown(id ID) { h.end(id, unknown, 0) }

func (h *History) end(id ID, o outcome, reply int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := &h.calls[id]
	if c.returned != 0 {
		panic("history: an operation ends twice")
	}
	_, latest := h.tick(int(c.node))
	c.outcome, c.reply, c.returned = o, reply, h.pos
	if o == ok {
		c.late, c.top = latest, h.top
	}
}

// MayBeLost records that the operation, although acknowledged, may be missing by L6. What a node's disk lacks when it
// starts need not be marked: Start sees that.
func (h *History) MayBeLost(id ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls[id].mayBeLost = true
}

// Mark names this moment. Call it also after a clock has been set forward.
func (h *History) Mark() Mark {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick(0)
	return Mark(h.pos)
}

// Start records that the node is about to run again with this disk; what its last run acknowledged and the disk lacks
// may be lost, unless another node holds it. A node that is gone for good starts with Disk{}, and is not asked any
// more.
func (h *History) Start(node int, disk Disk) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick(node)
	h.events = append(h.events, event{pos: h.pos, kind: started, node: node, disk: disk})
}

// Partition records that from now on only nodes of one group can exchange; a node in no group is alone. Call it when
// the cut is complete and nothing is under way, and Heal before it is mended.
func (h *History) Partition(groups ...[]int) {
	of := make([]int, h.nodes)
	for i := range of {
		of[i] = -1 - i
	}
	for g, nodes := range groups {
		for _, n := range nodes {
			of[n] = g
		}
	}
	h.regroup(of)
}

// Heal records that all nodes can exchange again.
func (h *History) Heal() { h.regroup(make([]int, h.nodes)) }

func (h *History) regroup(of []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick(0)
	h.events = append(h.events, event{pos: h.pos, kind: partitioned, group: of})
}

// Quiescent records that no operation is under way or can still take effect, that all nodes run, and that each has told
// the others all it has. Until the next write to a key all nodes show the same, and all that is not lost.
func (h *History) Quiescent() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick(0)
	e := event{pos: h.pos, kind: quiescent, top: h.top, low: math.MaxInt64}
	if h.clock != nil {
		for n := range h.nodes {
			earliest, _ := h.clock(n)
			e.low = min(e.low, earliest)
		}
	}
	h.events = append(h.events, e)
}

// tick begins the next position and reads the clocks, all of them: a node that is ahead may end a window for the
// others.
func (h *History) tick(node int) (earliest, latest int64) {
	h.pos++
	if h.clock == nil {
		return 0, 0
	}
	for n := range h.nodes {
		_, l := h.clock(n)
		h.top = max(h.top, l)
	}
	return h.clock(node)
}
