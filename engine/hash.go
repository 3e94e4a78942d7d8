package engine

import (
	"encoding/binary"
	"math/bits"
)

// hasher is SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) with a secret key: without
// the key nobody can make names that collide. Like the hash tables of Rust and Python it uses one round per word and
// three at the end.
type hasher struct {
	k0, k1 uint64
}

func (h hasher) sum(b []byte) uint64 {
	v0 := h.k0 ^ 0x736f6d6570736575
	v1 := h.k1 ^ 0x646f72616e646f6d
	v2 := h.k0 ^ 0x6c7967656e657261
	v3 := h.k1 ^ 0x7465646279746573
	last := uint64(len(b)) << 56
	for len(b) >= 8 {
		m := binary.LittleEndian.Uint64(b)
		b = b[8:]
		v3 ^= m
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= m
	}
	last |= tailWord(b)
	v3 ^= last
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= 0xff
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	return v0 ^ v1 ^ v2 ^ v3
}

// tailWord is up to seven bytes, little-endian.
func tailWord(b []byte) uint64 {
	var w uint64
	if len(b) >= 4 {
		w = uint64(binary.LittleEndian.Uint32(b)) | tail3(b[4:])<<32
	} else {
		w = tail3(b)
	}
	return w
}

// tail3 is up to three bytes, little-endian.
func tail3(b []byte) uint64 {
	switch len(b) {
	case 3:
		return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16
	case 2:
		return uint64(b[0]) | uint64(b[1])<<8
	case 1:
		return uint64(b[0])
	}
	return 0
}

func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13)
	v1 ^= v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16)
	v3 ^= v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21)
	v3 ^= v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17)
	v1 ^= v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}
