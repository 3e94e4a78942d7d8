package replica

import (
	"encoding/binary"
	"fmt"

	"github.com/quotadb/quota-db/engine"
)

// lead handles an answer.
func (s *Session) lead(kind byte, r *reader, now engine.Moment) error {
	x := &s.exchange
	if kind == kindBusy && x.stage == waiting {
		s.machine.busy = nil
		s.peer.stats.busy++
		s.exchange = exchange{tasks: x.tasks}
		s.nextExchange = now.Mono + int64(busyAgain)
		return r.end()
	}
	if kind == kindReady && x.stage == waiting {
		x.stage = comparing
		x.nodes = []node{{}}
		return r.end()
	}
	if x.stage != comparing || len(x.asked) == 0 || x.asked[0].answer != kind {
		return fmt.Errorf("%w: an answer out of turn", ErrProtocol)
	}
	about := x.asked[0].about
	x.settle(&x.asked[0].leaves, 0)
	x.asked = x.asked[1:]
	switch kind {
	case kindSums:
		return s.readSums(r, about, now)
	case kindKeys:
		return s.readKeys(r, about, now)
	}
	return r.end() // kindGiven
}

// readSums compares the sums of a node's children with this node's.
func (s *Session) readSums(r *reader, about node, now engine.Moment) error {
	n, err := r.node(engine.Levels - 1)
	if err != nil {
		return err
	}
	if n.level != about.level || n.index != about.index {
		return fmt.Errorf("%w: sums of another part of the hash space", ErrProtocol)
	}
	own := s.machine.DB.Sums(n.level, n.index)
	var theirs [engine.Fanout]uint64
	for i := range theirs {
		theirs[i] = r.u64()
	}
	if err := r.end(); err != nil {
		return err
	}
	x := &s.exchange
	for i := engine.Fanout - 1; i >= 0; i-- { // so that the first child is on top of the stack
		child := node{n.level + 1, n.index*engine.Fanout + i, own[i] == 0, theirs[i] == 0}
		if own[i] == theirs[i] || (child.empty || child.lacking) && s.isFutile(child.part(), standoff{ours: own[i], theirs: theirs[i]}, now) {
			x.settled += child.leaves()
			continue
		}
		x.nodes = append(x.nodes, child)
	}
	return nil
}

// visit asks about a node of the tree. If the other side has nothing there, it sends everything below the node instead.
func (s *Session) visit(n node) {
	switch {
	case n.lacking:
		t := n.whole()
		t.leaves = n.leaves()
		s.give(t)
	case n.empty:
		s.ask(kindFill, n.append(nil), question{kindGiven, n, n.leaves()})
	case n.level < engine.Levels:
		s.ask(kindAsk, n.append(nil), question{answer: kindSums, about: n})
	default:
		s.ask(kindList, binary.AppendUvarint(nil, uint64(n.index)), question{answer: kindKeys, about: n})
	}
}

// readKeys compares the keys of a leaf: it sends the keys that the other side lacks or has in another state, and asks
// for the keys that differ here.
func (s *Session) readKeys(r *reader, about node, now engine.Moment) error {
	leaf := r.uvarint()
	if r.err != nil || leaf != uint64(about.index) || len(r.rest)%16 != 0 {
		return fmt.Errorf("%w: keys", ErrProtocol)
	}
	theirs := make(map[uint64]uint64, len(r.rest)/16)
	var order []uint64
	for len(r.rest) > 0 {
		hash, digest := r.u64(), r.u64()
		if engine.Leaf(hash) != int(leaf) {
			return fmt.Errorf("%w: keys of another leaf", ErrProtocol)
		}
		if _, twice := theirs[hash]; !twice {
			order = append(order, hash)
		}
		theirs[hash] += digest // names with the same hash count together
	}
	ours := make(map[uint64]uint64)
	var mine []uint64
	s.machine.DB.LeafKeys(int(leaf), now, func(hash, digest uint64) {
		if _, twice := ours[hash]; !twice {
			mine = append(mine, hash)
		}
		ours[hash] += digest
	})
	differs := func(hash uint64) bool {
		a, b := ours[hash], theirs[hash]
		if a == b || s.isFutile(part{keyLevel, hash}, standoff{ours: a, theirs: b}, now) {
			ours[hash], theirs[hash] = 0, 0
			return false
		}
		return true
	}
	x := &s.exchange
	mine, order = keep(mine, differs), keep(order, differs)
	if x.wants = append(x.wants, order...); len(mine) > 0 {
		s.give(task{hashes: mine, leaves: 1})
		return nil
	}
	x.settled++
	return nil
}

// goOn asks the next questions, within the limits.
func (s *Session) goOn() {
	x := &s.exchange
	for len(x.asked) < askAhead && len(x.tasks) < askAhead && len(x.wants) > 0 {
		n := min(len(x.wants), wantAtOnce)
		var payload []byte
		for _, hash := range x.wants[:n] {
			payload = binary.LittleEndian.AppendUint64(payload, hash)
		}
		x.wants = x.wants[n:]
		s.ask(kindWant, payload, question{answer: kindGiven})
	}
	for len(x.asked) < askAhead && len(x.tasks) < askAhead && len(x.nodes) > 0 {
		n := x.nodes[len(x.nodes)-1]
		x.nodes = x.nodes[:len(x.nodes)-1]
		s.visit(n)
	}
}
