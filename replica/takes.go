package replica

import (
	"errors"
	"fmt"
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/shares"
)

// take is tokens that this node has taken for a client of a peer. The peer may give them back.
type take struct {
	session       *Session
	number        uint64
	name          string // of the key
	tokens        uint64 // not given back so far
	epoch         uint32 // of the quota, for engine.DB.GiveBackFor
	at            int64  // Moment.Mono
	before, after *take
}

const (
	mostTakes     = 64 << 10 // takes that are remembered
	mostTakeBytes = 16 << 20 // of their keys
)

// takes is the list of the takes that may be given back, the oldest first.
type takes struct {
	first, last *take
	count       int
	bytes       int
}

// add adds a take, and forgets the oldest if there are too many.
func (l *takes) add(t *take) {
	if t.before = l.last; t.before != nil {
		t.before.after = t
	} else {
		l.first = t
	}
	l.last = t
	l.count++
	l.bytes += len(t.name)
	for l.first != t && (l.count > mostTakes || l.bytes > mostTakeBytes) {
		l.forget(l.first)
	}
}

// forget removes a take from the list, and from its session.
func (l *takes) forget(t *take) {
	if t.before != nil {
		t.before.after = t.after
	} else {
		l.first = t.after
	}
	if t.after != nil {
		t.after.before = t.before
	} else {
		l.last = t.before
	}
	l.count--
	l.bytes -= len(t.name)
	delete(t.session.quotas.takes, t.number)
}

// readOrder takes tokens for a client of the peer, and queues the answer.
func (s *Session) readOrder(r *reader, now engine.Moment) error {
	m, q := s.machine, &s.quotas
	a, err := r.order()
	if err != nil {
		return err
	}
	if q.orders++; a.Number != q.orders {
		return fmt.Errorf("%w: order %d after %d", ErrProtocol, a.Number, q.orders-1)
	}
	if len(q.answers) >= mostAnswers {
		return fmt.Errorf("%w: %d orders wait for answers", ErrProtocol, len(q.answers))
	}
	k := m.DB.Key(a.Key)
	taken, _, epoch, unsafe, err := m.DB.TakeFor(k, &a.Want, now)
	if err != nil && !errors.Is(err, engine.ErrNotInteger) {
		return err
	}
	if m.Desk != nil {
		m.Desk.Served(taken)
	}
	w := answer{Took: shares.Took{Number: a.Number, Tokens: taken, Full: m.fullIn(k, &a.Want, now)}}
	if unsafe && m.Disk != nil {
		w.group = m.Disk.Group()
	}
	q.answers = append(q.answers, w)
	if taken > 0 {
		t := &take{session: s, number: a.Number, name: string(a.Key), tokens: taken, epoch: epoch, at: now.Mono}
		q.takes[a.Number] = t
		m.takes.add(t)
	}
	return nil
}

// fullIn is the time until this node's bucket of a quota is full, rounded down: if it were rounded up, the peer would
// count a token too few. It is two windows, so more than a bucket ever lacks, if nothing can be taken here for now.
func (m *Machine) fullIn(k engine.Key, w *shares.Want, now engine.Moment) time.Duration {
	never := 2 * w.Rate.Window()
	part := m.DB.Part()
	if part.State != shares.InForce {
		return never
	}
	tx := m.DB.Lock(k, now)
	defer tx.Unlock()
	state, exists := tx.Quota(k)
	switch {
	case exists:
		return max(0, time.Duration(state.Bucket.FullAt-now.Mono))
	case !w.Transient:
		return never
	case part.Since != 0:
		empty := quota.Bucket{}.EmptyAt(part.Own(k.Name, w.Rate), part.Since)
		return max(0, time.Duration(empty.FullAt-now.Mono))
	}
	return 0
}

// readBack gives tokens back that were taken for the peer.
func (s *Session) readBack(r *reader, now engine.Moment) error {
	m := s.machine
	number, n := r.uvarint(), r.uvarint()
	if err := r.end(); err != nil {
		return err
	}
	t := s.quotas.takes[number]
	if t == nil {
		if number > s.quotas.orders {
			return fmt.Errorf("%w: tokens of order %d come back, and there were %d orders", ErrProtocol, number, s.quotas.orders)
		}
		return nil // forgotten: they stay used
	}
	if n > t.tokens {
		return fmt.Errorf("%w: %d tokens of order %d come back, and it took %d", ErrProtocol, n, number, t.tokens)
	}
	m.giveBack(t, n, now)
	return nil
}

// giveBack gives n tokens of a take back to the bucket, and forgets the take if none are left.
func (m *Machine) giveBack(t *take, n uint64, now engine.Moment) {
	if m.DB.GiveBackFor(m.DB.Key([]byte(t.name)), n, t.epoch, t.at, now) && m.Desk != nil {
		m.Desk.CameBack(n)
	}
	if t.tokens -= n; t.tokens == 0 {
		m.takes.forget(t)
	}
}
