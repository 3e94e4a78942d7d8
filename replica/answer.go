package replica

import (
	"encoding/binary"
	"fmt"

	"github.com/quotadb/quota-db/engine"
)

var errOutOfTurn = fmt.Errorf("%w: a question out of turn", ErrProtocol)

// answer answers a question of the leader.
func (s *Session) answer(kind byte, r *reader, now engine.Moment) error {
	m := s.machine
	if kind == kindCompare {
		if err := r.end(); err != nil {
			return err
		}
		if len(s.exchange.tasks) > maxQuestions {
			return errOutOfTurn
		}
		if m.busy != nil {
			s.say(kindBusy, nil)
			return nil
		}
		m.enter(s, now)
		return nil
	}
	if s.exchange.stage != comparing || len(s.exchange.tasks) > maxQuestions {
		return errOutOfTurn
	}
	switch kind {
	case kindAsk:
		return s.answerAsk(r)
	case kindList:
		return s.answerList(r, now)
	case kindFill:
		n, err := r.node(engine.Levels)
		if err != nil {
			return err
		}
		t := n.whole()
		t.given = true
		s.give(t)
		return nil
	case kindWant:
		if len(r.rest)%8 != 0 || len(r.rest) > 8*wantAtOnce {
			return fmt.Errorf("%w: want", ErrProtocol)
		}
		var hashes []uint64
		for len(r.rest) > 0 {
			hashes = append(hashes, r.u64())
		}
		s.give(task{hashes: hashes, given: true})
		return nil
	}
	m.leave(s, now) // kindEnd
	return r.end()
}

func (s *Session) answerAsk(r *reader) error {
	n, err := r.node(engine.Levels - 1)
	if err != nil {
		return err
	}
	payload := n.append(nil)
	for _, sum := range s.machine.DB.Sums(n.level, n.index) {
		payload = binary.LittleEndian.AppendUint64(payload, sum)
	}
	s.say(kindSums, payload)
	return nil
}

func (s *Session) answerList(r *reader, now engine.Moment) error {
	leaf := r.uvarint()
	if err := r.end(); err != nil || leaf >= engine.Leaves {
		return fmt.Errorf("%w: list", ErrProtocol)
	}
	payload := binary.AppendUvarint(nil, leaf)
	s.machine.DB.LeafKeys(int(leaf), now, func(hash, digest uint64) {
		payload = binary.LittleEndian.AppendUint64(payload, hash)
		payload = binary.LittleEndian.AppendUint64(payload, digest)
	})
	s.say(kindKeys, payload)
	return nil
}
