package replica

// hashSet is a set of hashes that keeps the order of insertion.
type hashSet struct {
	order []uint64
	known map[uint64]struct{}
}

func (s *hashSet) add(hash uint64) {
	if s.known == nil {
		s.known = make(map[uint64]struct{})
	}
	if _, ok := s.known[hash]; !ok {
		s.known[hash] = struct{}{}
		s.order = append(s.order, hash)
	}
}

func (s *hashSet) addAll(hashes []uint64) {
	for _, hash := range hashes {
		s.add(hash)
	}
}

func (s *hashSet) has(hash uint64) bool {
	_, ok := s.known[hash]
	return ok
}

func (s *hashSet) len() int { return len(s.order) }

// take returns the hashes in the order of insertion, and empties the set.
func (s *hashSet) take() []uint64 {
	order := s.order
	*s = hashSet{}
	return order
}
