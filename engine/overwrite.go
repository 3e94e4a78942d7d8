package engine

import "github.com/quotadb/quota-db/crdt"

// Overwrite writes data over a part of the bytes of k, from offset at on. The caller knows from Get that k is a String
// and the part lies within it. The other bytes and the deadline stay. The time depends on len(data), not on the value's
// length.
func (tx *Tx) Overwrite(k Key, at int, data []byte) {
	s := tx.db.shard(k.Hash)
	s.touch(k)
	d := s.load(k, tx.now)
	s.changing(s.arena.at(d.record), k.Hash) // before the bytes in the record do
	value := d.Base.Bytes                    // lies in the record; store packs it into the same place
	copy(value[at:], data)
	d.Set(crdt.Base{Kind: crdt.Bytes, Bytes: value, Stamp: s.clock.Next(tx.now.Wall, tx.db.node)})
	s.store(k, d, tx.now, toAll)
}

// Size is the memory of k in bytes: its record and about its share of the index. The caller knows from Get that k
// exists.
func (tx *Tx) Size(k Key) int {
	_, rec, _ := tx.db.shard(k.Hash).find(k)
	return rec.size() + bucketBytes/growLoad
}
