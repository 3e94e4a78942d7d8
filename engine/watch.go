package engine

import "unsafe"

// Watch notes whether a key changes. It belongs to one caller, who ends it with Tx.Unwatch.
//
// Every write to the key counts, also a write of the same value. Expiry counts too. The refill of a quota does not.
type Watch struct {
	Name     string // the only copy of the key's name, which may be long
	Key      Key    // Key.Name is the same memory as Name; nobody may write to it
	existed  bool   // whether the key existed when the watch began
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
	w := &Watch{existed: tx.Get(k).Type != None, position: len(list)}
	if len(list) > 0 {
		w.Name = list[0].Name // share the memory of the map's key
	} else {
		w.Name = string(k.Name)
	}
	w.Key = Key{unsafe.Slice(unsafe.StringData(w.Name), len(w.Name)), k.Hash}
	s.watched[w.Name] = append(list, w)
	return w
}

// Unwatch ends a watch. The transaction holds the watch's shard.
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

// Changed reports whether a watched key has changed. The transaction holds the watch's shard.
func (tx *Tx) Changed(w *Watch) bool {
	return w.touched || w.existed && tx.Get(w.Key).Type == None
}

// Touch marks the watches of k as changed, for a write that leaves k as it was.
func (tx *Tx) Touch(k Key) { tx.db.shard(k.Hash).touch(k) }

// touch marks the watches of k as changed.
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

// touchAll marks the watches of all visible keys as changed: the keys are about to be deleted.
func (s *shard) touchAll(now Moment) {
	for _, list := range s.watched {
		k := list[0].Key
		if _, rec, _ := s.find(k); rec != nil && s.value(rec, now).Type != None {
			s.touchWatches(k)
		}
	}
}
