package crdt

import "encoding/binary"

// Digest is a hash of everything stored of a key, registers and rows. All nodes that store the same have the same
// digest: writers translates the writer indexes of rows, which differ from node to node. The order of rows does not
// matter. The caller decides whether a hidden entry counts. The hash is no defence against an attacker who chooses
// states that collide.
func Digest(key []byte, e *Entry, writers []Writer) uint64 {
	rows := uint64(0)
	for i := range e.Rows {
		rows += DigestOfRow(&e.Rows[i], writers)
	}
	return JoinDigest(DigestOfRegisters(key, e), rows)
}

// JoinDigest is the digest of a key, from its two parts: DigestOfRegisters, and the sum of DigestOfRow. So a change of
// one row changes the digest without a look at the others.
func JoinDigest(registers, rows uint64) uint64 { return mix(registers, rows) }

// DigestOfRegisters is the part of a digest that does not depend on rows.
func DigestOfRegisters(key []byte, e *Entry) uint64 {
	h := mixBytes(0, key)
	h = mix(mix(mixStamp(h, e.Base.Stamp), uint64(e.Base.Kind)), uint64(e.Base.Int))
	h = mixBytes(h, e.Base.Bytes)
	h = mix(mixStamp(h, e.Deadline.Stamp), uint64(e.Deadline.At))
	q := &e.Quota
	h = mix(mix(mixStamp(h, q.Stamp), q.Capacity), q.Count)
	h = mix(mix(h, uint64(q.Period)), uint64(boolInt(q.Transient)))
	return mix(h, uint64(e.Since))
}

// DigestOfRow is the part of one row in a digest; 0 if it says no more than a missing row does.
func DigestOfRow(r *Row, writers []Writer) uint64 {
	if r.empty() {
		return 0
	}
	w := writers[r.Writer]
	row := mix(mix(mix(1, uint64(w.Node)), w.Life), r.P)
	return mix(mix(mix(row, r.N), r.FP), r.FN)
}

func mixStamp(h uint64, s Stamp) uint64 { return mix(mix(h, s.Time), uint64(s.Node)) }

func mixBytes(h uint64, b []byte) uint64 {
	h = mix(h, uint64(len(b)))
	for ; len(b) >= 8; b = b[8:] {
		h = mix(h, binary.LittleEndian.Uint64(b))
	}
	var tail [8]byte
	copy(tail[:], b)
	return mix(h, binary.LittleEndian.Uint64(tail[:]))
}

// mix adds a word to a hash: a step and the output function of SplitMix64 (Steele, Lea and Flood, "Fast Splittable
// Pseudorandom Number Generators", 2014).
func mix(h, word uint64) uint64 {
	h = (h ^ word) + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
