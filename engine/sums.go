package engine

// sums are the sums of the digests of a shard's keys, by leaf. A digest takes some 100 ns, so the sums are kept by
// differences:
//
//   - A merge subtracts the digest before it and adds the one after it. (While the list below is very short it does as
//     a client's change does.)
//   - A change by a client of this node, in the path of INCR, only subtracts the digest before it. From then on the
//     record is stale: its hash is in a list, and further changes cost nothing. The next refresh adds the digest.
//   - If the list gets long the shard is *uncounted*: changes cost nothing until the next refresh, which computes all
//     sums of the shard anew. So the list is short, and a node that fills, loads, or changes most of its keys between
//     two refreshes pays for each key once.
//   - A key past its deadline is in no digest. The sweep and each refresh subtract such keys.
//
// A record is in the sum of its leaf with its present state, or it is stale, or it is unsummed: no digest counts it.
// While a refresh counts a shard anew, that holds for hashes below done; behind, the flags mean nothing.
type sums struct {
	watched uint32 // the flag stale, while changes must be noted; 0: the shard is uncounted, or the DB keeps no sums
	kept    bool
	done    uint64 // while the shard is counted: the first hash that is not
	all     bool   // every hash is counted
	first   int    // number of the first leaf
	now     []uint64
	told    []uint64 // as the tree has them
	list    []uint64 // hashes of stale records; a record may be gone meanwhile
	hasher  keyHasher
}

const (
	// mostStale is the part of a shard's keys that may be stale before the shard is uncounted, and leastStale a number
	// that always may.
	mostStale  = 8
	leastStale = 256
	// sumsAtOnce is how many stale records, or expired ones, a refresh handles under one hold of a lock.
	sumsAtOnce = 512
)

func (s *sums) open(first, last uint64) {
	s.kept, s.first = true, Leaf(first)
	s.now = make([]uint64, Leaf(last)-s.first+1)
	s.told = make([]uint64, len(s.now))
}

func (s *sums) add(hash, digest uint64) {
	if digest != 0 {
		s.now[Leaf(hash)-s.first] += digest
	}
}

// counts reports whether the flags of a record with this hash mean something.
func (s *sums) counts(hash uint64) bool { return s.watched != 0 && (s.all || hash < s.done) }

// uncount forgets the sums, which the next refresh computes anew.
func (s *sums) uncount() {
	s.watched, s.done, s.all = 0, 0, false
	s.list = nil
}

// changing is called before a record changes, also if it may turn out that it does not.
func (s *shard) changing(rec record, hash uint64) {
	if s.sums.watched&^rec.u32(0) != 0 {
		s.makeStale(rec, hash)
	}
}

func (s *shard) makeStale(rec record, hash uint64) {
	if s.sums.counts(hash) {
		s.countOut(rec, hash)
		s.noteStale(rec, hash)
	}
}

// born is called after a record was made.
func (s *shard) born(rec record, hash uint64) {
	if s.sums.counts(hash) {
		s.noteStale(rec, hash)
	}
}

func (s *shard) noteStale(rec record, hash uint64) {
	rec.set(stale)
	if s.sums.list = append(s.sums.list, hash); len(s.sums.list) > leastStale+s.index.count/mostStale {
		s.sums.uncount()
	}
}

// hiding is called when a record is past its deadline. Nothing else of it changes.
func (s *shard) hiding(rec record) {
	if s.sums.watched&^rec.u32(0) == 0 {
		return
	}
	if hash := s.db.hash.sum(rec.key()); s.sums.counts(hash) {
		s.countOut(rec, hash)
		rec.set(unsummed)
	}
}

// countOut subtracts a record that is not stale.
func (s *shard) countOut(rec record, hash uint64) {
	if rec.header()&unsummed != 0 {
		rec.unset(unsummed)
		return
	}
	if digest, ok := s.sums.hasher.any(rec); ok {
		s.sums.add(hash, -digest)
	}
}

// countIn adds a record, whose flags stale and unsummed it sets right.
func (s *shard) countIn(rec record, hash uint64, now Moment) {
	digest, ok := s.sums.hasher.digest(rec, now)
	s.sums.add(hash, digest)
	rec.unset(stale)
	if rec.u32(0)&plain != 0 {
		return
	}
	if rec.unset(unsummed); !ok {
		rec.set(unsummed)
	}
}

// settle counts the records in again that have become stale since the list had n hashes: they were merged.
func (s *shard) settle(n int, now Moment) {
	for len(s.sums.list) > n {
		last := len(s.sums.list) - 1
		hash := s.sums.list[last]
		s.sums.list = s.sums.list[:last]
		s.settleHash(hash, now)
	}
}

func (s *shard) settleHash(hash uint64, now Moment) {
	s.records(hash, func(rec record) {
		if rec.u32(0)&stale != 0 {
			s.countIn(rec, hash, now)
		}
	})
}

// refresh brings the sums up to now and appends what has changed since the last refresh.
func (s *shard) refresh(number int, now Moment, changed []leafChange) []leafChange {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Everything below works at the moment of the shard's latest transaction, also after a yield: a record that a
	// transaction found expired is in no list that leads to it again.
	s.moment(now)
	for range refreshTries {
		if s.sums.watched == 0 {
			s.countAll(number)
		}
		for {
			if _, done := s.sweep(s.now, sumsAtOnce); done {
				break
			}
			s.yield()
		}
		s.countExpiredOut(s.now)
		for len(s.sums.list) > 0 {
			s.settle(max(0, len(s.sums.list)-sumsAtOnce), s.now)
			s.yield()
		}
		if s.sums.watched != 0 {
			break
		}
	}
	return s.sums.tell(changed)
}

// refreshTries is how often a shard is counted in one refresh if so much changes meanwhile that it is uncounted again.
// After the last try the tree keeps the older sums until the next refresh, and a comparison may find leaves in which no
// key differs.
const refreshTries = 3

// tell appends what has changed since the last call. The sums of an uncounted shard may lack most of its keys, so they
// are not told.
func (s *sums) tell(changed []leafChange) []leafChange {
	if s.watched == 0 {
		return changed
	}
	for i, sum := range s.now {
		if told := s.told[i]; sum != told {
			changed = append(changed, leafChange{s.first + i, sum - told})
			s.told[i] = sum
		}
	}
	return changed
}

// yield lets others have the lock.
func (s *shard) yield() {
	s.mu.Unlock()
	s.mu.Lock()
}

// countAll computes all sums anew. The lock is held for one bucket at a time.
func (s *shard) countAll(number int) {
	x := &s.sums
	clear(x.now)
	at, last := s.db.hashesOf(number)
	x.watched, x.done, x.all = stale, at, false
	for x.watched != 0 && !x.all {
		position, end := s.visitBucket(at, last, func(rec record, hash uint64) { s.countIn(rec, hash, s.now) })
		if at, _ = s.db.nextHash(uint64(number), position, end); end || at > last || at == 0 {
			x.all = true
			return
		}
		x.done = at
		s.yield()
	}
}

// countExpiredOut subtracts the records that have passed their deadline since the last tick of the sweep, which has
// nothing left to do. They wait for the next tick, in the slots that are due then.
func (s *shard) countExpiredOut(now Moment) {
	w := &s.wheel
	tick := w.tickOf(now.Wall)
	if w.count == 0 || tick <= w.now {
		return
	}
	s.countSlotOut(int(tick%nearSlots), now)
	for level := 1; level <= dueLevel(tick); level++ {
		s.countSlotOut(farSlot(level, tick>>(nearBits+farBits*(level-1))), now)
	}
}

func (s *shard) countSlotOut(slot int, now Moment) {
	for r := s.wheel.heads[slot]; r != 0; {
		rec := s.arena.at(r)
		if rec.expired(now.Wall) {
			s.hiding(rec)
		}
		r = ref(rec.u32(deadlineOffset(rec.header()) + linkNext))
	}
}
