package sim

import (
	"errors"
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/internal/history"
	"github.com/quotadb/quota-db/quota"
)

// quotas are keys on which clients create quotas of all kinds, take from them and end them. Each key has a few limits,
// as different versions of a program use them. Each node admits its own limit, so the law is checked for each node:
// over every interval, clients got at most as many tokens as the largest limit in force holds, plus those that the
// fastest limit earns in the interval. Tokens that they gave back do not count from then on.
type quotas struct {
	*world
	keys   []string
	limits map[string][]quota.Rate
	common *common
}

// ledger has the tokens of a quota that clients got at one host since the quota was created. Its times are those of the
// processes that ran on the same disk.
type ledger struct {
	takes  []taking
	limits []quota.Rate // limits that were in force
	shown  bool         // the quota existed at the last look
	fullAt int64        // when that quota will be full
	ends   bool         // and whether it had a deadline
}

// taking is an event: a client got tokens, or gave some back.
type taking struct {
	at int64 // Moment.Mono
	n  int64 // negative: given back
}

// ledgers has the ledgers of a host, by key.
type ledgers struct {
	byKey map[string]*ledger
	last  int64 // Moment.Mono at the end of the last process
}

func (l *ledgers) of(key string) *ledger {
	if l.byKey[key] == nil {
		l.byKey[key] = &ledger{}
	}
	return l.byKey[key]
}

// begin continues with the ledgers of the disk with which a process starts. The time after the disk's last group has
// not passed for its quotas.
func (l *ledgers) begin(mono int64) *ledgers {
	if l == nil {
		return &ledgers{byKey: map[string]*ledger{}}
	}
	lost := l.last - mono
	for _, of := range l.byKey {
		of.fullAt -= lost
		for i := range of.takes {
			of.takes[i].at -= lost
		}
	}
	return l
}

func mustRate(capacity, count uint64, period time.Duration) quota.Rate {
	r, err := quota.New(capacity, count, period)
	if err != nil {
		panic(err)
	}
	return r
}

func newQuotas(w *world) *quotas {
	q := &quotas{world: w, limits: map[string][]quota.Rate{}}
	for key, limits := range map[string][]quota.Rate{
		// versions of a program
		"quota0": {mustRate(5, 5, 4*time.Second), mustRate(6, 6, 4*time.Second)},
		// far apart
		"quota1": {mustRate(2, 2, 3*time.Second), mustRate(20, 20, 3*time.Second), mustRate(9, 3, 3*time.Second)},
		// of two windows
		"quota2": {mustRate(3, 3, 300*time.Millisecond), mustRate(4, 4, 3*time.Second)},
		"quota3": {mustRate(4, 4, 5*time.Second)},
	} {
		q.limits[key] = limits
	}
	q.keys = []string{"quota0", "quota1", "quota2", "quota3"}
	q.common = newCommon(q)
	return q
}

// change runs a command on a quota's key and gives the client its reply, unless the process dies before.
func (q *quotas) change(h *host, key, what string, fn func(*engine.Tx, engine.Key) (taken uint64)) {
	p := h.process
	if p == nil {
		return
	}
	q.lookAt(p, key)
	db, now := p.store.DB(), p.now()
	k := db.Key([]byte(key))
	before := p.stored(key)
	tx := db.Lock(k, now)
	n := fn(&tx, k)
	tx.Unlock()
	before.check(p, history.Op{Key: key}, true)
	q.note("host %d: %s %s takes %d, waits %t", h.index, what, key, n, tx.Unsafe())
	q.lookAt(p, key)
	if tx.Unsafe() {
		if q.chance(40) && !q.streams && !q.healed {
			q.saw("a process dies before its reply")
			h.die(q.chance(2))
			return
		}
		p.await()
		q.saw("a take waits for the disk")
	} else if n > 0 {
		q.saw("a take is from a reserve")
	}
	if n > 0 {
		q.told(p, key, taking{now.Mono, int64(n)})
	}
}

// told notes that a client got tokens, and checks all intervals that end then.
func (q *quotas) told(p *process, key string, t taking) {
	l := p.ledgers.of(key)
	if !l.shown { // the quota has ended meanwhile
		return
	}
	l.takes = append(l.takes, t)
	largest := quota.Rate{Period: time.Second}
	for _, r := range l.limits {
		largest.Capacity = max(largest.Capacity, r.Capacity)
		// rounded up, by at most a token a second
		largest.Count = max(largest.Count, uint64(time.Second)*r.Count/uint64(r.Period)+1)
	}
	sum := int64(0)
	for i := len(l.takes) - 1; i >= 0; i-- {
		sum += l.takes[i].n
		if earned := largest.Count * uint64(t.at-l.takes[i].at) / uint64(time.Second); sum > int64(largest.Capacity+earned) {
			q.note("TOO MANY %v", l.takes)
			q.fail("host %d: %d tokens of %s within %v, where %+v were in force", p.host.index, sum, key, time.Duration(t.at-l.takes[i].at), l.limits)
			return
		}
	}
}

// lookAt notes the state of a quota. If a quota has ended before it was full again, its successor starts full: tokens
// taken before do not count any more.
func (q *quotas) lookAt(p *process, key string) {
	l, now := p.ledgers.of(key), p.now()
	db := p.store.DB()
	k := db.Key([]byte(key))
	tx := db.Lock(k, now)
	state, ok := tx.Quota(k)
	ends := tx.Get(k).Deadline != 0
	tx.Unlock()
	if ok && !db.Part().IsUsable() {
		return // its bucket is not shown
	}
	full := state.Bucket.FullAfter(now.Mono)
	// a merge may end a window and bring the next one at once
	if l.shown && l.fullAt > now.Mono && (!ok || l.ends && full == 0) {
		*l = ledger{}
		q.saw("a quota in use ends")
	}
	if !ok {
		l.shown = false
		return
	}
	if full > state.Part.Window() {
		q.saw("a bucket owes tokens")
	}
	l.shown, l.fullAt, l.ends = true, now.Mono+int64(full), ends
	if state.Part.Capacity > 0 {
		l.force(state.Part)
	}
}

// force notes that a limit is in force.
func (l *ledger) force(rate quota.Rate) {
	for _, r := range l.limits {
		if r == rate {
			return
		}
	}
	l.limits = append(l.limits, rate)
}

// look looks at all quotas of a process.
func (q *quotas) look(p *process) {
	q.common.look(p)
	for _, key := range q.keys {
		before := p.shared[key]
		after := p.stored(key).entry(p).Quota.Stamp
		if after.Less(before) {
			q.fail("host %d: the quota register of %s goes back from %v to %v", p.host.index, key, before, after)
		}
		p.shared[key] = after
		q.lookAt(p, key)
	}
}

// command runs a random command on a random quota.
func (q *quotas) command(h *host) {
	if q.chance(2) {
		q.common.command(h)
		return
	}
	key := q.keys[q.random.IntN(len(q.keys))]
	limits := q.limits[key]
	limit := func() quota.Rate { return limits[q.random.IntN(len(limits))] }
	switch n := q.random.IntN(26); {
	case n < 6:
		q.takeSome(h, key, limits[n%len(limits):][:1])
	case n < 10:
		q.takeSome(h, key, limits)
		q.saw("limits in turns")
	case n < 14:
		q.takeSome(h, key, nil)
	case n < 17:
		q.change(h, key, "QUOTASET", func(tx *engine.Tx, k engine.Key) uint64 {
			if err := tx.SetQuota(k, limit()); err != nil && !errors.Is(err, engine.ErrWaiting) {
				q.fail("QUOTASET: %v", err)
			}
			return 0
		})
	case n < 20:
		q.end(h, key)
	case n >= 24:
		q.giveBack(h, key)
	case n == 20:
		q.change(h, key, "INCR", func(tx *engine.Tx, k engine.Key) uint64 { // without a quota it counts
			if tx.Get(k).Type != engine.Quota {
				_, _ = tx.Add(k, 1)
			}
			return 0
		})
	case n == 21:
		q.change(h, key, "PERSIST", func(tx *engine.Tx, k engine.Key) uint64 { tx.SetDeadline(k, 0); return 0 })
	default:
		ttl := int64(50 + q.random.IntN(1500))
		q.change(h, key, "EXPIRE", func(tx *engine.Tx, k engine.Key) uint64 {
			tx.SetDeadline(k, tx.Now().Wall+ttl)
			return 0
		})
	}
}

// giveBack gives some tokens back. They count as given back even if the process dies before its reply: the disk may
// know of it.
func (q *quotas) giveBack(h *host, key string) {
	q.change(h, key, "QUOTAGIVE", func(tx *engine.Tx, k engine.Key) uint64 {
		if !h.process.store.DB().Part().IsUsable() {
			return 0
		}
		before, _ := tx.Quota(k)
		after, ok := tx.GiveBack(k, uint64(1+q.random.IntN(4)))
		if !ok {
			return 0
		}
		now := tx.Now().Mono
		full := after.Bucket.FullAfter(now)
		n := int64(before.Bucket.FullAfter(now)-full) * int64(before.Part.Count)
		if n == 0 {
			return 0
		}
		l := h.process.ledgers.of(key)
		l.fullAt = now + int64(full) // a transient quota that is full now has not ended in use
		l.takes = append(l.takes, taking{now, -(n/int64(before.Part.Period) + 1)})
		q.saw("tokens are given back")
		return 0
	})
}

// end ends a quota in one of the possible ways; mostly a transient quota follows at once.
func (q *quotas) end(h *host, key string) {
	n := q.random.IntN(4)
	q.change(h, key, []string{"QUOTADEL", "DEL", "GETDEL", "SET"}[n], func(tx *engine.Tx, k engine.Key) uint64 {
		switch n {
		case 0:
			tx.DeleteQuota(k)
		case 1, 2:
			tx.Delete(k)
		default:
			tx.Set(k, engine.Value{Type: engine.Integer, Int: 7}, q.chance(2))
		}
		return 0
	})
	if q.chance(2) {
		q.takeSome(h, key, q.limits[key][:1])
	}
}

// takeSome takes a few times: by QUOTAINCR with the limits in turn, or by INCR if limits is empty.
func (q *quotas) takeSome(h *host, key string, limits []quota.Rate) {
	for i := range 1 + q.random.IntN(12) {
		n := uint64(1 + q.random.IntN(2))
		if len(limits) == 0 {
			q.change(h, key, "INCR", func(tx *engine.Tx, k engine.Key) uint64 {
				if tx.Get(k).Type != engine.Quota {
					return 0
				}
				if left, err := tx.Add(k, int64(n)); err != nil || left < 0 {
					return 0
				}
				return n
			})
			continue
		}
		q.change(h, key, "QUOTAINCR", func(tx *engine.Tx, k engine.Key) uint64 {
			taken, _, err := tx.Throttle(k, limits[i%len(limits)], n)
			if err != nil && !errors.Is(err, engine.ErrWaiting) {
				q.fail("QUOTAINCR: %v", err)
			}
			if !taken {
				return 0
			}
			return n
		})
	}
}
