package engine

const (
	nearSlots  = 256 // of one tick each
	farLevels  = 4
	farSlots   = 64 // each of as many ticks as the whole level below
	nearBits   = 8
	farBits    = 6
	wheelSlots = nearSlots + farLevels*farSlots

	// ticksPerUnit is how many empty ticks the wheel passes for the work of one record.
	ticksPerUnit = 16
)

// wheel is a hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987) of the
// records with a deadline, and of transient quotas, which end once they are full. A slot is a list that runs through
// the records themselves: a deadline costs no memory beside its record, ends with the record, and is set, moved and
// dropped in constant time. Records that are due after the end of the last level wait in its farthest slot and are
// placed again from there.
type wheel struct {
	tickMillis int64
	now        int64 // the tick up to which everything is done, except what is still in its slots
	count      int   // records linked
	deadlines  int   // linked records that have a deadline; the others are transient quotas
	sum        total // sum of these deadlines, unix milliseconds
	cascading  int   // the level being redistributed at tick now; 0: none is left
	heads      []ref // first record per slot; nil before the first deadline
}

// Fields of a record's deadline part, from its start.
const (
	linkSlot = 18
	linkNext = 20
	linkPrev = 24

	// notLinked is the slot of a record that the sweep need not visit: it is gone, or its deadline was taken away.
	notLinked = 1<<16 - 1
)

// reset forgets every record.
func (w *wheel) reset() { *w = wheel{tickMillis: w.tickMillis} }

// skipEmpty moves an empty wheel to the present, without turning it there tick by tick.
func (w *wheel) skipEmpty(now int64) {
	if w.count == 0 {
		w.now, w.cascading = max(w.now, now/w.tickMillis), 0
	}
}

// tickOf is the first tick at which a deadline, unix milliseconds, has passed.
func (w *wheel) tickOf(at int64) int64 {
	t := at / w.tickMillis
	if at%w.tickMillis != 0 {
		t++
	}
	return t
}

// slotFor is the slot for a tick: on the finest level that reaches as far.
func (w *wheel) slotFor(tick int64) int {
	if tick <= w.now {
		return int(w.now % nearSlots) // due: visited with the present tick
	}
	if tick-w.now < nearSlots {
		return int(tick % nearSlots)
	}
	for level := 1; ; level++ {
		shift := nearBits + farBits*(level-1)
		distance := tick>>shift - w.now>>shift
		if distance < farSlots {
			return farSlot(level, tick>>shift)
		}
		if level == farLevels {
			return farSlot(level, w.now>>shift+farSlots-1)
		}
	}
}

func farSlot(level int, n int64) int {
	return nearSlots + (level-1)*farSlots + int(n%farSlots)
}

// link puts a record into the wheel. An empty wheel first skips to the present, also when a load links its first
// record: from the year 1970 it would have to turn through more than 10^10 ticks.
func (s *shard) link(r ref, rec record, now Moment) {
	w := &s.wheel
	w.skipEmpty(now.Wall)
	if w.heads == nil {
		w.heads = make([]ref, wheelSlots)
	}
	off := deadlineOffset(rec.header())
	at, absent := rec.wakeAt(now), rec.isGone()
	// At its deadline an absent key leaves the digests: see hiding.
	if at == 0 || absent && (!s.sums.kept || at <= now.Wall) {
		rec.put16(off+linkSlot, notLinked)
		return
	}
	slot := w.slotFor(w.tickOf(at))
	first := w.heads[slot]
	rec.put16(off+linkSlot, uint16(slot))
	rec.put32(off+linkNext, uint32(first))
	rec.put32(off+linkPrev, 0)
	if first != 0 {
		next := s.arena.at(first)
		next.put32(deadlineOffset(next.header())+linkPrev, uint32(r))
	}
	w.heads[slot] = r
	if w.count++; w.count == 1 {
		s.db.sweepRest.end()
	}
	if at := rec.u64(off); at != 0 && !absent {
		w.deadlines++
		w.sum.add(at)
	}
}

// wakeAt is when the sweep has to visit a record, unix milliseconds: at its deadline, or when a transient quota will be
// full if nobody takes from it. If somebody has taken meanwhile, the sweep places the record again.
func (r record) wakeAt(now Moment) int64 {
	at := r.deadline()
	if r.isTransient() {
		const nsPerMs = 1_000_000
		wait := r.tokens().FullAfter(now.Mono)
		if full := now.Wall + int64(wait)/nsPerMs + 1; at == 0 || full < at {
			return full
		}
	}
	return at
}

// unlink takes a record out of the wheel.
func (s *shard) unlink(rec record) {
	off := deadlineOffset(rec.header())
	if rec.u16(off+linkSlot) == notLinked {
		return
	}
	prev, next := ref(rec.u32(off+linkPrev)), ref(rec.u32(off+linkNext))
	s.splice(prev, next, int(rec.u16(off+linkSlot)))
	s.wheel.count--
	if at := rec.u64(off); at != 0 && !rec.isGone() {
		s.wheel.deadlines--
		s.wheel.sum.sub(at)
	}
}

// splice makes next the successor of prev in a slot. Either may be 0: the head or the end of the list.
func (s *shard) splice(prev, next ref, slot int) {
	if prev == 0 {
		s.wheel.heads[slot] = next
	} else {
		p := s.arena.at(prev)
		p.put32(deadlineOffset(p.header())+linkNext, uint32(next))
	}
	if next != 0 {
		n := s.arena.at(next)
		n.put32(deadlineOffset(n.header())+linkPrev, uint32(prev))
	}
}

// relink tells the neighbours of a record in its slot that the record has moved to r.
func (s *shard) relink(r ref, rec record) {
	off := deadlineOffset(rec.header())
	prev, next := ref(rec.u32(off+linkPrev)), ref(rec.u32(off+linkNext))
	slot := int(rec.u16(off + linkSlot))
	if slot == notLinked {
		return
	}
	s.splice(prev, r, slot)
	s.splice(r, next, slot)
}

// sweep deletes records whose deadline has passed, with at most budget units of work. A record deleted or placed again
// is one unit. It returns how many records it deleted; done: none is left for now. It is a transaction for moment: no
// later one, and no refresh, may find a key before its deadline that the sweep has found past it.
func (s *shard) sweep(now Moment, budget int) (deleted int, done bool) {
	w := &s.wheel
	now = s.moment(now)
	w.skipEmpty(now.Wall)
	if w.count == 0 {
		return 0, true
	}
	target := now.Wall / w.tickMillis
	for budget *= ticksPerUnit; budget > 0; {
		switch {
		case w.cascading > 0:
			budget -= s.cascade(now)
		case w.now <= target && w.heads[w.now%nearSlots] != 0:
			if s.due(w.heads[w.now%nearSlots], now) {
				deleted++
			}
			budget -= ticksPerUnit
		case w.now >= target:
			return deleted, true
		default:
			w.now++
			w.cascading = dueLevel(w.now)
			budget--
		}
	}
	return deleted, false
}

// dueLevel is the highest level that has a slot to redistribute at a tick, 0 for none.
func dueLevel(tick int64) int {
	level := 0
	for level < farLevels && tick&(1<<(nearBits+farBits*level)-1) == 0 {
		level++
	}
	return level
}

// cascade moves one record of the level being redistributed to a nearer slot. If there is none left it turns to the
// level below.
func (s *shard) cascade(now Moment) (work int) {
	w := &s.wheel
	slot := farSlot(w.cascading, w.now>>(nearBits+farBits*(w.cascading-1)))
	r := w.heads[slot]
	if r == 0 {
		w.cascading--
		return 1
	}
	s.place(r, now)
	return ticksPerUnit
}

// place moves a record to the slot where it belongs now. An absent key past its deadline belongs in none, so it leaves
// the digests here.
func (s *shard) place(r ref, now Moment) {
	rec := s.arena.at(r)
	if rec.isGone() && rec.expired(now.Wall) {
		s.hide(rec)
		return
	}
	s.unlink(rec)
	s.link(r, rec, now)
}

// due ends a record whose time has come and reports whether it deleted the key. A transient quota that somebody has
// taken from meanwhile is placed again instead. A transient quota over a counter leaves the counter.
func (s *shard) due(r ref, now Moment) (deleted bool) {
	rec := s.arena.at(r)
	if !rec.lapsed(now) {
		s.place(r, now)
		return false
	}
	if s.db.replicated && rec.expired(now.Wall) {
		return s.hide(rec)
	}
	k := Key{rec.key(), s.db.hash.sum(rec.key())}
	d := s.draftOf(r, rec, s.locate(k.Hash, r))
	s.lapseDraft(d, now)
	// Peers are not told: they never knew of a transient quota, and they hide a key past its deadline themselves.
	s.store(k, d, now, toDisk)
	if s.changes.wanted&toDisk != 0 {
		// The flusher must write a group after this, if only an empty one: its time tells a start after a crash that
		// the quota had ended. See Loader.Age.
		s.pend()
	}
	return d.lapsed
}

// hide makes a key past its deadline absent, and reports whether it was not. The record stays: a write elsewhere may
// have moved the deadline before it passed.
func (s *shard) hide(rec record) bool {
	s.hiding(rec)
	s.unlink(rec)
	rec.put16(deadlineOffset(rec.header())+linkSlot, notLinked)
	if rec.isGone() {
		return false
	}
	s.tally(rec, -1)
	rec.set(gone)
	s.tally(rec, 1)
	s.expired++
	return true
}
