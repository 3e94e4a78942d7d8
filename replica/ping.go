package replica

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// A Ping shows that its sender lives. It may also carry pairs of numbers: one of these, and a value. A release that
// does not know one of them skips it.
const (
	saysSettled = 1 + iota // number of leaves settled in the comparison that the sender leads
	saysStop               // the sender stops
	// saysHeld: the sender holds back registers that it was sent, since their stamps are far ahead of its clock
	saysHeld
	// saysQuotas: the sender knows the frames about quotas. The value is the version of these frames.
	saysQuotas
)

const quotasVersion = 1

// settledEvery is how often a leader tells its progress.
const settledEvery = progressEvery / 2

// appendPing appends a Ping if it has something to tell, or if the peer has to hear from this node (wanted).
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
	if !s.quotas.said && s.machine.knowsQuotas() {
		s.quotas.said = true
		say(saysQuotas, quotasVersion)
	}
	if len(says) == 0 && !wanted {
		return dst
	}
	return appendFrame(dst, kindPing, func(b []byte) []byte { return append(b, says...) })
}

// readPing reads the pairs of a Ping.
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
		case what == saysQuotas && number == quotasVersion:
			s.meetQuotas(now)
		}
	}
	return nil
}

// warnHeld logs, once a minute at most, that a peer holds back what this node has sent. The peer logs it as well, but
// this node's clock may be the wrong one.
func (m *Machine) warnHeld(peer uint16, now engine.Moment) {
	if m.heldThere != 0 && now.Mono-m.heldThere < int64(heldEvery) {
		return
	}
	m.heldThere = now.Mono
	m.Log.Warn("a peer holds back writes that this node has sent: the clock of this node, or of the node that wrote them, is or was far ahead; set the clocks right",
		"node", peer, "limit", time.Duration(maxAhead))
}
