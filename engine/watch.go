package engine

import "unsafe"

// Watch sees whether a key changes. It belongs to one caller, who ends it with Tx.Unwatch.
//
// Every write to the key counts, also one that stores what was there. So does the passing of its deadline, but not a
// quota's earning of tokens.
type Watch struct {
	Name     string // the only copy of the key's name, which may be long
	Key      Key    // whose Name is the same memory; it must not be written to
	existed  bool   // when the watch began
	touched  bool   // protected by the shard's lock
	position int    // in the shard's list of watches of this name
}

// Watch begins to watch a key of the transaction's shards.
func (tx *Tx) Watch(k Key) *Watch {
	s := tx.db.shard(k.Hash)
	if s.watched == nil {
		s.watched = make(map[string][]*Watch)
	}
	list := s.watched[string(k.Name)]
	w := &Watch{existed: tx.Get(k).Kind != None, position: len(list)}
	if len(list) > 0 {
		w.Name = list[0].Name // as the map's key is
	} else {
		w.Name = string(k.Name)
	}
	w.Key = Key{unsafe.Slice(unsafe.StringData(w.Name), len(w.Name)), k.Hash}
	s.watched[w.Name] = append(list, w)
	return w
}

// Unwatch ends a watch, whose shard the transaction holds.
func (tx *Tx) Unwatch(w *Watch) {
	s := tx.db.shard(w.Key.Hash)
	list := s.watched[w.Name]
	last := list[len(list)-1]
	list[w.position] = last
	last.position = w.position
	list[len(list)-1] = nil
	if s.watched[w.Name] = list[:len(list)-1]; len(list) > 1 {
		return
	}
	if delete(s.watched, w.Name); len(s.watched) == 0 {
		s.watched = nil
	}
}

// Changed reports whether a watched key, whose shard the transaction holds, has changed.
func (tx *Tx) Changed(w *Watch) bool {
	return w.touched || w.existed && tx.Get(w.Key).Kind == None
}

// Touch tells those who watch k of a write that leaves k as it is.
func (tx *Tx) Touch(k Key) { tx.db.shard(k.Hash).touch(k) }

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
