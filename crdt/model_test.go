package crdt

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
)

// rules says how a node of the model changes and merges entries: our rules, or a variant with a planted bug.
type rules struct {
	merge  func(local, remote *Entry, now int64)
	close  func(*Entry)
	begin  func(e *Entry, now int64)
	travel func(*Entry)             // changes a state that is sent
	sweep  func(e *Entry, c stamps) // sweeps an entry past its deadline
	start  bool                     // whether dropped numbers are remembered
}

type stamps func() Stamp

const noHorizon = 1 << 40

func ourRules() rules {
	return rules{
		merge:  func(local, remote *Entry, now int64) { local.Merge(remote, now, noHorizon) },
		close:  (*Entry).Close,
		begin:  (*Entry).Begin,
		travel: func(*Entry) {},
		sweep:  func(*Entry, stamps) {},
		start:  true,
	}
}

// step is one event of a history.
type step struct {
	what string
	node int
	from int // give: the sender
	arg  int // milliseconds for setex, expire and tick; give: which of the sender's states, -1 for its present one
}

func (s step) String() string {
	switch s.what {
	case "tick":
		return fmt.Sprintf("tick %d", s.arg)
	case "give":
		return fmt.Sprintf("%d gives its state %d to %d", s.from, s.arg, s.node)
	}
	return fmt.Sprintf("%d %s %d", s.node, s.what, s.arg)
}

func history(steps []step) string {
	lines := make([]string, len(steps))
	for i, s := range steps {
		lines[i] = "\t" + s.String()
	}
	return strings.Join(lines, "\n")
}

// item is an increment or a base that was written, with what the laws need to know of its fate.
type item struct {
	node   int
	number uint64    // for an increment: its row's P
	base   Stamp     // for a base: its stamp
	birth  int64     // when the content that it became part of was begun, by its node's clock
	under  uint64    // all deadlines under which it was seen anywhere, as bits of model.deadlines
	over   uint64    // the deadline that its node knew, and left behind when it began that content
	hidden [3]uint64 // by node: the deadlines that hid it there, until the node forgets it
	reset  bool      // a SET or DEL saw it; for a base also: wrote over it
}

// deadlineWrite is a write to a deadline register.
type deadlineWrite struct {
	Deadline
	birth  int64 // when the content was begun for which the node wrote the deadline, by its clock
	base   Stamp // of that content
	direct bool  // by EXPIRE or PERSIST; otherwise by a SET or by a new beginning of the key
}

// sent is a state that a node once had.
type sent struct {
	state Entry
	birth int64
	read  []int
	hash  uint64
}

func newSent(n *replica) sent {
	v := sent{state: cloneEntry(&n.Entry), birth: n.birth, read: slices.Clone(n.read)}
	b := hashEntry(nil, &v.state)
	b = appendInts(b, v.birth)
	for _, r := range v.read {
		b = appendInts(b, int64(r))
	}
	v.hash = maphash.Bytes(seed, b)
	return v
}

type replica struct {
	Entry
	clock    Clock
	offset   int64 // offset of its wall clock, ms
	start    uint64
	birth    int64
	over     uint64
	versions []sent
	dropped  int   // how many versions it had when it last dropped the key
	read     []int // how many versions of each other node it has been given, the last included
}

// model is a cluster with one key.
type model struct {
	rules
	nodes     []replica
	now       int64
	slack     int64 // largest difference between clocks
	items     []item
	deadlines []deadlineWrite
	resets    []Stamp // SET and DEL
	lastWrite int64   // latest time by its node's clock of a write that may close
}

func newModel(r rules, offsets ...int64) *model {
	m := &model{rules: r, now: 100, slack: slices.Max(offsets) - slices.Min(offsets)}
	for _, o := range offsets {
		m.nodes = append(m.nodes, replica{offset: o, read: make([]int, len(offsets))})
	}
	return m
}

func cloneEntry(e *Entry) Entry {
	c := *e
	c.Rows = slices.Clone(e.Rows)
	return c
}

func (m *model) clone() *model {
	c := *m
	c.nodes = slices.Clone(m.nodes)
	for i := range c.nodes {
		n := &c.nodes[i]
		n.Entry = cloneEntry(&n.Entry)
		n.versions = slices.Clip(n.versions)
		n.read = slices.Clone(n.read)
	}
	c.items = slices.Clone(m.items)
	c.deadlines = slices.Clip(m.deadlines)
	c.resets = slices.Clip(m.resets)
	return &c
}

// seed is the seed of the hashes by which the search recognises a state.
var seed = maphash.MakeSeed()

func appendInts(b []byte, numbers ...int64) []byte {
	for _, n := range numbers {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func hashStamp(b []byte, s Stamp) []byte { return appendInts(b, int64(s.Time), int64(s.Node)) }

func hashEntry(b []byte, e *Entry) []byte {
	b = appendInts(b, int64(len(e.Rows)))
	for _, r := range e.Rows {
		b = appendInts(b, int64(r.Writer), int64(r.P), int64(r.N), int64(r.FP), int64(r.FN))
	}
	b = hashStamp(appendInts(b, int64(e.Base.Kind), e.Base.Int), e.Base.Stamp)
	return appendInts(hashStamp(appendInts(b, e.Deadline.At), e.Deadline.Stamp), e.Since)
}

// hash differs for different states of the cluster, and of all that the laws look at.
func (m *model) hash(b []byte) uint64 {
	b = appendInts(b, m.now, m.lastWrite)
	for i := range m.nodes {
		n := &m.nodes[i]
		b = appendInts(hashEntry(b, &n.Entry), int64(n.clock.last), int64(n.start), n.birth, int64(n.over), int64(n.dropped), int64(len(n.versions)))
		for _, v := range n.versions {
			b = binary.LittleEndian.AppendUint64(b, v.hash)
		}
		for _, r := range n.read {
			b = appendInts(b, int64(r))
		}
	}
	for _, x := range m.items {
		b = hashStamp(appendInts(b, int64(x.node), int64(x.number), x.birth, int64(x.under), int64(x.over), int64(x.hidden[0]), int64(x.hidden[1]), int64(x.hidden[2])), x.base)
		b = strconv.AppendBool(b, x.reset)
	}
	for _, d := range m.deadlines {
		b = strconv.AppendBool(hashStamp(hashStamp(appendInts(b, d.At, d.birth), d.Stamp), d.base), d.direct)
	}
	for _, s := range m.resets {
		b = hashStamp(b, s)
	}
	return maphash.Bytes(seed, b)
}

// do runs one step. It reports whether the step was possible and changed anything.
func (m *model) do(s step) bool {
	if s.what == "tick" {
		m.now += int64(s.arg)
		for i := range m.nodes {
			m.watch(i)
		}
		return true
	}
	n := &m.nodes[s.node]
	var changed bool
	switch s.what {
	case "give":
		changed = m.give(s)
	case "drop":
		changed = m.drop(s.node)
	case "sweep":
		if changed = n.Expired(m.wall(s.node)); changed {
			m.sweep(&n.Entry, func() Stamp { return m.stamp(s.node) })
		}
	default:
		changed = m.write(s)
	}
	if changed {
		m.watch(s.node)
		if s.what != "drop" {
			n.versions = append(n.versions, newSent(n))
		}
	}
	return changed
}

func (m *model) wall(node int) int64  { return m.now + m.nodes[node].offset }
func (m *model) stamp(node int) Stamp { return m.nodes[node].clock.Next(m.wall(node), uint16(node)) }

// write runs a client's command, as package engine does.
func (m *model) write(s step) bool {
	n, now := &m.nodes[s.node], m.wall(s.node)
	gone := !n.Exists() || n.Expired(now)
	switch s.what {
	case "expire", "persist", "del":
		if gone || s.what == "persist" && n.Deadline.At == 0 {
			return false
		}
	}
	if gone {
		n.over |= m.bit(n.Deadline)
	}
	if n.Expired(now) {
		m.close(&n.Entry)
	}
	m.lastWrite = max(m.lastWrite, now)
	switch s.what {
	case "inc":
		if gone {
			if n.Deadline.At != 0 {
				m.noteDeadline(n, Deadline{Stamp: n.Deadline.Stamp.Half()}, now, false)
			}
			m.begin(&n.Entry, now)
			n.birth = now
		}
		m.increment(s.node)
	case "set", "setex", "setkeep":
		m.set(s, gone)
	case "del":
		stamp := m.stamp(s.node)
		m.noteReset(s.node, stamp)
		n.Delete(stamp)
		n.birth = 0
	case "expire", "persist":
		n.Deadline = Deadline{Stamp: m.stamp(s.node)}
		if s.what == "expire" {
			n.Deadline.At = now + int64(s.arg)
		}
		m.noteDeadline(n, n.Deadline, n.birth, true)
	default:
		panic("no such step: " + s.what)
	}
	return true
}

func (m *model) increment(node int) {
	n := &m.nodes[node]
	r := n.Row(uint32(node))
	if r == nil {
		n.Rows = append(n.Rows, Row{Writer: uint32(node), P: n.start, N: n.start, FP: n.start, FN: n.start})
		r = &n.Rows[len(n.Rows)-1]
	}
	r.Add(1)
	m.items = append(m.items, item{node: node, number: r.P, birth: n.birth, over: n.over})
}

func (m *model) set(s step, gone bool) {
	n, now := &m.nodes[s.node], m.wall(s.node)
	stamp := m.stamp(s.node)
	m.noteReset(s.node, stamp)
	n.Set(Base{Kind: Integer, Int: 1000, Stamp: stamp})
	if s.what != "setkeep" || gone {
		n.Deadline = Deadline{Stamp: stamp.OfReset()}
		if s.what == "setex" {
			n.Deadline.At = now + int64(s.arg)
		}
		m.noteDeadline(n, n.Deadline, now, false)
	}
	n.birth = now
	late := slices.ContainsFunc(m.resets, stamp.Less)
	m.items = append(m.items, item{node: s.node, base: stamp, birth: now, over: n.over, reset: late})
}

// give merges a state of one node into another.
func (m *model) give(s step) bool {
	n, from := &m.nodes[s.node], &m.nodes[s.from]
	version := s.arg
	if version < 0 {
		version = len(from.versions) - 1
	}
	if version < 0 || version >= len(from.versions) {
		return false
	}
	v := from.versions[version]
	if v.read[s.node] < n.dropped {
		return false // refused: the positions show that the sender did not know yet what was dropped
	}
	remote := cloneEntry(&v.state)
	m.travel(&remote)
	before := cloneEntry(&n.Entry)
	n.clock.Observe(remote.Latest())
	m.merge(&n.Entry, &remote, m.wall(s.node))
	n.birth = max(n.birth, v.birth)
	news := version+1 > n.read[s.from]
	n.read[s.from] = max(n.read[s.from], version+1)
	return news || !equal(&before, &n.Entry)
}

// drop forgets an expired entry which every other node has been given, once no clock can be before its deadline.
func (m *model) drop(node int) bool {
	n := &m.nodes[node]
	if !n.Expired(m.wall(node)-m.slack) || len(n.versions) == 0 {
		return false
	}
	for i := range m.nodes {
		if i != node && m.nodes[i].read[node] < len(n.versions) {
			return false
		}
	}
	if r := n.Row(uint32(node)); r != nil && m.start {
		n.start = max(n.start, r.P, r.N)
	}
	n.over |= m.bit(n.Deadline)
	n.dropped = len(n.versions)
	for i := range m.items {
		m.items[i].hidden[node] = 0
	}
	n.Entry, n.birth = Entry{}, 0
	return true
}

func (m *model) noteDeadline(n *replica, d Deadline, birth int64, direct bool) {
	m.deadlines = append(m.deadlines, deadlineWrite{d, birth, n.Base.Stamp, direct})
}

// bit is the bit of a deadline among all that were written, 0 for none.
func (m *model) bit(d Deadline) uint64 {
	if d.At == 0 {
		return 0
	}
	return 1 << slices.IndexFunc(m.deadlines, func(w deadlineWrite) bool { return w.Deadline == d })
}

// noteReset records that a SET or DEL at stamp removes what is visible at a node.
func (m *model) noteReset(node int, stamp Stamp) {
	m.resets = append(m.resets, stamp)
	for i := range m.items {
		x := &m.items[i]
		x.reset = x.reset || x.in(&m.nodes[node].Entry) || x.base != Stamp{} && x.base.Less(stamp)
	}
}

// in reports whether the item is part of e, visible or hidden.
func (x *item) in(e *Entry) bool {
	if x.base != (Stamp{}) {
		return e.Base.Stamp == x.base
	}
	r := e.Row(uint32(x.node))
	return r != nil && r.FP < x.number && x.number <= r.P
}

// watch notes for all items under which deadline they stand at a node.
func (m *model) watch(node int) {
	n := &m.nodes[node]
	if n.Deadline.At == 0 {
		return
	}
	at := m.bit(n.Deadline)
	for i := range m.items {
		if x := &m.items[i]; x.in(&n.Entry) {
			x.under |= at
			if n.Expired(m.wall(node)) {
				x.hidden[node] |= at
			}
		}
	}
}

// equal reports whether two states are equal; the order of rows does not matter.
func equal(a, b *Entry) bool {
	if a.Base.compare(&b.Base) != 0 || a.Deadline != b.Deadline || a.Quota != b.Quota || a.Since != b.Since || len(a.Rows) != len(b.Rows) {
		return false
	}
	for i := range a.Rows {
		r := b.Row(a.Rows[i].Writer)
		if r == nil || *r != a.Rows[i] {
			return false
		}
	}
	return true
}
