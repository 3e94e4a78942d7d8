package engine

import "github.com/quotadb/quota-db/crdt"

// Overwrite writes data over a part of the bytes that k holds, from position at on. Get has said that k is a String and
// that the part lies within it. The rest and the deadline stay. It costs what data costs, however long the value is.
func (tx *Tx) Overwrite(k Key, at int, data []byte) {
	s := tx.db.shard(k.Hash)
	s.touch(k)
	d := s.load(k, tx.now)
	value := d.Base.Bytes // lies in the record, which store leaves in its place
	copy(value[at:], data)
	d.Set(crdt.Base{Kind: crdt.Bytes, Bytes: value, Stamp: s.clock.Next(tx.now.Wall, tx.db.node)})
	s.store(k, d, tx.now, toAll)
}

// Size is what k, which Get has found, takes in bytes: its record and about its share of the index.
func (tx *Tx) Size(k Key) int {
	_, rec, _ := tx.db.shard(k.Hash).find(k)
	return rec.size() + bucketBytes/growLoad
}
