// Package shares makes the limits of quotas hold for a whole cluster: whose the tokens of a quota are, and how a node
// gets tokens of others.
//
// A cluster has a table of members. Each member owns a part of every quota: whole tokens, which sum to the limit. A
// node takes tokens from the bucket of its own part. If that lacks tokens, it asks other members, and they take for it.
// So each token is taken from one bucket, at one moment between a client's request and the reply.
//
// All of the package are machines without sockets and without a clock. Moments are nanoseconds of engine.Moment.Mono.
package shares

import (
	"cmp"
	"slices"
)

// Member is an owner of a part of every quota.
type Member struct {
	Node  uint16
	Seat  uint64 // random number of the directory with which the member came in; it decides the ranks
	Since uint32 // number of the table in which the member came in
}

// Table is the members, ordered by node. It does not change while nodes use it.
type Table struct {
	Seed    uint64
	Members []Member
}

// MaxMembers bounds a table.
const MaxMembers = 256

// Rank is the place of a node when the members are ordered by a hash of seed, key and seat (rendezvous hashing: Thaler
// and Ravishankar, "Using name-based mappings to increase hit rates", 1998). The member of rank 0 owns the last token
// of a limit of 1. If a member comes or goes, the ranks of the others change by one at most. False: the node is no
// member.
func (t *Table) Rank(key []byte, node uint16) (rank int, ok bool) {
	at := -1
	for i := range t.Members {
		if t.Members[i].Node == node {
			at = i
			break
		}
	}
	if at < 0 {
		return 0, false
	}
	of := hash(t.Seed, key)
	seat := t.Members[at].Seat
	mine := mix(of ^ seat)
	for i := range t.Members {
		if m := &t.Members[i]; i != at {
			if c := cmp.Compare(mix(of^m.Seat), mine); c < 0 || c == 0 && m.Seat < seat {
				rank++
			}
		}
	}
	return rank, true
}

// ranks appends the ranks of all members to dst, in the order of Members. It costs a sort; Rank alone costs a pass over
// the members.
func (t *Table) ranks(dst []int, key []byte) []int {
	type place struct {
		mixed uint64 // mix is a bijection, so it differs as the seats do
		at    int
	}
	var room [16]place
	places, of := slices.Grow(room[:0], len(t.Members)), hash(t.Seed, key)
	dst = slices.Grow(dst, len(t.Members))
	for i := range t.Members {
		places, dst = append(places, place{mix(of ^ t.Members[i].Seat), i}), append(dst, 0)
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.mixed, b.mixed) })
	ranks := dst[len(dst)-len(places):]
	for rank := range places {
		ranks[places[rank].at] = rank
	}
	return dst
}

// Has reports whether a node is a member.
func (t *Table) Has(node uint16) bool {
	for i := range t.Members {
		if t.Members[i].Node == node {
			return true
		}
	}
	return false
}

// hash and mix decide who owns a token, so all nodes and all releases must agree on them: FNV-1a, and the finalizer of
// SplitMix64.
func hash(seed uint64, key []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, c := range key {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return mix(h ^ seed)
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
