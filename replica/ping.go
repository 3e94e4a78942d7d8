package replica

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// What a Ping says besides that its sender lives: pairs of one of these and a number, none or several. Releases that
// know none of them, or not one of them, pass over it.
const (
	saysSettled = 1 + iota // so many leaves are settled in the comparison that its sender leads
	saysStop               // its sender stops
	saysHeld               // its sender holds registers back that it was sent, since their stamps are far ahead of its clock
)

// settledEvery is how often a leader says how far it has come.
const settledEvery = progressEvery / 2

// appendPing appends a Ping if there is something to say in one, or if the peer has to hear something.
func (s *Session) appendPing(dst []byte, wanted bool, now engine.Moment) []byte {
	var says []byte
	say := func(what, number uint64) { says = binary.AppendUvarint(binary.AppendUvarint(says, what), number) }
	x := &s.exchange
	if s.leads && x.stage == comparing && x.settled != x.toldOf && now.Mono-x.toldAt >= int64(settledEvery) {
		x.toldOf, x.toldAt = x.settled, now.Mono
		say(saysSettled, uint64(x.settled))
	}
	if s.machine.stopping && !s.stopsSaid {
		s.stopsSaid = true
		say(saysStop, 1)
	}
	if s.heldDue {
		s.heldDue = false
		say(saysHeld, s.peer.stats.held)
	}
	if len(says) == 0 && !wanted {
		return dst
	}
	return appendFrame(dst, kindPing, func(b []byte) []byte { return append(b, says...) })
}

// readPing takes what a Ping says.
func (s *Session) readPing(r *reader, now engine.Moment) error {
	for len(r.rest) > 0 {
		switch what, number := r.uvarint(), r.uvarint(); {
		case r.err != nil:
			return r.err
		case what == saysSettled:
			if s.leads || number > engine.Leaves {
				return fmt.Errorf("%w: %d leaves are settled", ErrProtocol, number)
			}
			if x := &s.exchange; x.stage == comparing {
				x.settled = max(x.settled, int(number))
			}
		case what == saysStop:
			s.stops = true
		case what == saysHeld:
			s.machine.warnHeld(s.peer.node, now)
		}
	}
	return nil
}

// warnHeld tells that a peer holds back what this node has sent, once in a while: the peer logs it as well, but the
// clock to be set may be that of this node.
func (m *Machine) warnHeld(peer uint16, now engine.Moment) {
	if m.heldThere != 0 && now.Mono-m.heldThere < int64(heldEvery) {
		return
	}
	m.heldThere = now.Mono
	m.Log.Warn("a peer holds back what this node has sent: the clock of this node, or of the node that has written it, is or was far ahead; set the clocks right",
		"node", peer, "limit", time.Duration(maxAhead))
}
