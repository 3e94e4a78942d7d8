package engine

// Watch sees whether a key changes. It belongs to one caller, who ends it with Tx.Unwatch.
//
// Every write to the key counts, also one that stores what was there. So does the passing of its deadline, but not a
// quota's earning of tokens.
type Watch struct {
	Key      Key  // with a name of its own
	existed  bool // when the watch began
	touched  bool // protected by the shard's lock
	position int  // in the shard's list of watches of this name
}

// Watch begins to watch a key of the transaction's shards.
func (tx *Tx) Watch(k Key) *Watch {
	s := tx.db.shard(k.Hash)
	w := &Watch{Key: Key{append([]byte(nil), k.Name...), k.Hash}, existed: tx.Get(k).Kind != None}
	if s.watched == nil {
		s.watched = make(map[string][]*Watch)
	}
	list := s.watched[string(k.Name)]
	w.position = len(list)
	s.watched[string(k.Name)] = append(list, w)
	return w
}

// Unwatch ends a watch, whose shard the transaction holds.
func (tx *Tx) Unwatch(w *Watch) {
	s, name := tx.db.shard(w.Key.Hash), string(w.Key.Name)
	list := s.watched[name]
	last := list[len(list)-1]
	list[w.position] = last
	last.position = w.position
	list[len(list)-1] = nil
	if s.watched[name] = list[:len(list)-1]; len(list) > 1 {
		return
	}
	if delete(s.watched, name); len(s.watched) == 0 {
		s.watched = nil
	}
}

// Changed reports whether a watched key, whose shard the transaction holds, has changed.
func (tx *Tx) Changed(w *Watch) bool {
	return w.touched || w.existed && tx.Get(w.Key).Kind == None
}

// touch tells those who watch k of a write.
func (s *shard) touch(k Key) {
	if s.watched != nil {
		s.touchWatches(k)
	}
}

func (s *shard) touchWatches(k Key) {
	for _, w := range s.watched[string(k.Name)] {
		w.touched = true
	}
}

// touchAll tells those who watch a key that exists that it goes.
func (s *shard) touchAll(now Moment) {
	for _, list := range s.watched {
		k := list[0].Key
		if _, rec, _ := s.find(k); rec != nil && s.value(rec, now).Kind != None {
			s.touchWatches(k)
		}
	}
}
