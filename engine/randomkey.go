package engine

const (
	// randomTries is how many buckets RandomKey draws before it searches the table.
	randomTries = 256
	// randomChain: a bucket with its overflow buckets nearly never has more visible keys.
	randomChain = 24
	// randomBuckets is how many buckets RandomKey searches at most to choose among all their keys.
	randomBuckets = 1 << 13
	// randomPasses is how often RandomKey searches the table before it locks all shards: without that lock it may miss
	// a key that is being renamed.
	randomPasses = 2
	// randomFew is the largest number of keys for which RandomKey locks all shards.
	randomFew = 1024
)

// RandomKey appends the name of a random visible key to dst, each about as likely as any other; false if there is none.
// Each call of random gives 64 random bits. RandomKey draws a bucket, and accepts it with a probability that grows with
// the number of its keys (rejection sampling). If the table is nearly empty it searches the table instead.
func (a All) RandomKey(dst []byte, random func() uint64) ([]byte, bool) {
	if name, ok := a.drawKey(dst, random); ok {
		return name, true
	}
	for range randomPasses {
		if name, ok := a.chooseKey(dst, 0, randomBuckets, random); ok {
			return name, true
		}
		for _, from := range [2]uint64{random(), 0} { // many buckets, few keys: take the first key behind some place
			if name, ok := a.chooseKey(dst, from, 0, random); ok {
				return name, true
			}
		}
	}
	return a.onlyKey(dst, random)
}

// drawKey draws up to randomTries buckets.
func (a All) drawKey(dst []byte, random func() uint64) (name []byte, ok bool) {
	largest := uint64(0) // no shard's table should be larger: twice the first one met
	for try := 0; try < randomTries && !ok; try++ {
		hash := random()
		a.with(a.db.shard(hash), func(s *shard) {
			if s.index.count == 0 {
				return
			}
			size := s.index.sizeAt(s.db.position(hash))
			if largest == 0 {
				largest = 2 * size
			}
			keys := uint64(0)
			found := dst
			s.eachAt(s.db.position(hash), func(rec record) {
				if s.value(rec, a.now).Type == None {
					return
				}
				if keys++; random()%keys == 0 {
					found = append(dst[:len(dst):len(dst)], rec.key()...)
				}
			})
			// More keys make it likelier. So does a narrow bucket, because it is drawn less often.
			if keys > 0 && random()%(randomChain*largest) < keys*size {
				name, ok = found, true
			}
		})
	}
	return name, ok
}

// sizeAt is the size of the table that serves a position.
func (x *index) sizeAt(position uint64) uint64 {
	if x.old != nil && x.old.home(position) >= x.moved {
		return x.old.n
	}
	return x.current.Load().n
}

// eachAt calls fn with the records of the bucket that a position is in.
func (s *shard) eachAt(position uint64, fn func(record)) {
	for b := s.index.at(position); b != nil; b = s.index.next(b) {
		for slot := range slotsPerBucket {
			if b.tag(slot) != 0 {
				fn(s.arena.at(ref(b.refs[slot].Load())))
			}
		}
	}
}

// chooseKey chooses among the keys of the buckets from a hash on: of all buckets, if they are at most that many, or,
// with buckets 0, of the first bucket that has a key. With more buckets it finds none.
func (a All) chooseKey(dst []byte, from uint64, buckets int, random func() uint64) (name []byte, ok bool) {
	seen := uint64(0)
	for n, end := 0, false; !end; n++ {
		if buckets > 0 && n == buckets || buckets == 0 && seen > 0 {
			break
		}
		var next uint64
		a.with(a.db.shard(from), func(s *shard) {
			_, next, end = s.scanBucket(from, a.now, func(key []byte, _ Value) {
				if seen++; random()%seen == 0 {
					name = append(dst[:len(dst):len(dst)], key...)
				}
			})
		})
		if from, end = a.db.nextHash(a.db.shardOf(from), next, end); !end && buckets > 0 && n == buckets-1 {
			return nil, false
		}
	}
	return name, seen > 0
}

// onlyKey chooses with all shards locked, if there are few keys: so it also finds a key that is renamed to and fro.
func (a All) onlyKey(dst []byte, random func() uint64) ([]byte, bool) {
	if !a.held {
		tx := a.db.LockEvery(a.now)
		defer tx.Unlock()
		a = tx.All()
	}
	if n := a.Len(); n == 0 || n > randomFew { // so many keys, and no visible one was found: they have expired
		return dst, false
	}
	seen := uint64(0)
	found := dst
	a.each(func(s *shard) {
		if s.index.count == s.absent {
			return
		}
		s.arena.each(func(rec record) {
			if s.value(rec, a.now).Type == None {
				return
			}
			if seen++; random()%seen == 0 {
				found = append(dst[:len(dst):len(dst)], rec.key()...)
			}
		})
	})
	return found, seen > 0
}
