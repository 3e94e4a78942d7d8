// Package history records the operations of clients of several nodes and their replies, and checks that every reply is
// within the laws of a counter that all nodes write.
//
// It is stricter than a check of the final values. Each read, and also the reply of each increment, is compared with
// everything that its node had acknowledged or shown in the same run, and with everything that could have reached it.
// It uses only what clients observed, so it never reports a correct cluster.
//
// A key is checked in one of two ways. If the deltas of its increments and the values of its SETs are different powers
// of one base (Digit makes such numbers), a value names exactly the operations that it contains: contents.go.
// Otherwise, or if the key has more than maxWrites writes, only sums can be bounded, and little can be said about a key
// with resets or deadlines: bounds.go. Coverage tells how many keys were checked in which way.
package history

import (
	"math"
	"sync"
)

// A History is recorded; any number of goroutines may call its methods. The order of the calls is the order in real
// time: call Invoke before a request is sent, and Ok, Fail or Unknown after its reply was read.
type History struct {
	nodes int
	clock func(node int) (earliest, latest int64)

	mu     sync.Mutex // protects all below
	pos    int        // position of the last record; the first is 1
	top    int64      // the latest time that any node's clock may have shown so far
	keys   map[string]int32
	names  []string
	calls  []call
	events []event
}

// A Mark is a moment of a history. The zero Mark is before everything.
type Mark int

// A Disk describes the data with which a node starts, as the data of a node up to two moments: its own acknowledgements
// up to Acked, and everything that it had shown up to Shown. Shown may be earlier: writes of peers may be less durable
// than a reply that waited for the disk. The zero Disk is empty.
type Disk struct {
	Node  int
	Acked Mark
	Shown Mark
}

// DiskAt is the node's whole disk at the mark: after a clean stop, or of a backup or copy.
func DiskAt(node int, m Mark) Disk { return Disk{Node: node, Acked: m, Shown: m} }

type eventKind uint8

const (
	started eventKind = iota
	quiescent
	partitioned
)

// An event concerns nodes, and therefore every key.
type event struct {
	pos      int
	kind     eventKind
	node     int
	disk     Disk
	group    []int // by node: its group after a partition
	low, top int64 // at quiescence: every node's clock is between low and top
}

// New begins a history of nodes numbered from 0. A node is a place with which clients talk: if a copy of its disk is
// started as well, the copy is another node.
//
// clock returns bounds of the clock by which a node expires keys, in unix ms, at the time of the call; the node's clock
// never runs backwards. It is called with the history locked. It may be nil if no key has a deadline.
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

// Ok records the reply: for Get and Incr the value of the key (0 if there is none), for GetSet and GetDel its value
// before, for TTL milliseconds, -1 or -2. The replies of other operations are not used.
func (h *History) Ok(id ID, reply int64) { h.end(id, ok, reply) }

// Fail records that the operation certainly had no effect: an error, or an EXPIRE of a missing key.
func (h *History) Fail(id ID) { h.end(id, failed, 0) }

// Unknown records that the connection ended before the reply, so nobody knows whether the operation had an effect. An
// operation that never ends counts as unknown.
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

// MayBeLost records that the operation was acknowledged but may be lost by law L6. Operations that the node's disk
// lacks at a start need not be marked: Start knows them.
func (h *History) MayBeLost(id ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls[id].mayBeLost = true
}

// Mark names this moment. Call it also after setting a clock forward.
func (h *History) Mark() Mark {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick(0)
	return Mark(h.pos)
}

// Start records that the node is about to run again with this disk. Acknowledgements of its last run that the disk
// lacks may be lost, unless another node has them. A node that never returns starts with Disk{} and gets no more
// operations.
func (h *History) Start(node int, disk Disk) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick(node)
	h.events = append(h.events, event{pos: h.pos, kind: started, node: node, disk: disk})
}

// Partition records that from now on only nodes of one group can exchange; a node in no group is alone. Call it when
// the cut is complete and no message is under way, and call Heal before the cut ends.
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

// Quiescent records three facts: no operation is under way or can still take effect, all nodes run, and each has sent
// the others everything. Until the next write to a key, all nodes must show the same, with everything that is not lost.
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

// tick begins the next position and reads the clocks of all nodes: a node whose clock is ahead may end a window for the
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
