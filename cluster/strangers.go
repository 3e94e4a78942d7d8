package cluster

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// maxStrangers is the largest number of connections in each of the two states before a proof: silent, and greeted.
	maxStrangers = 128
	// crowdPause: after crowdBatch connections were ended to make room, nothing is accepted for this time. So a crowd
	// that connects again and again has a bounded cost. A node of the cluster in that crowd has time for each step of
	// its handshake: 128 ms, the time in which maxStrangers others can arrive.
	crowdPause = 4 * time.Millisecond
	crowdBatch = 4
)

// strangers are incoming connections that have not proved the secret yet.
//
// They have a budget of their own. If it is used up, no connection is refused: the newest is admitted, and another one
// is ended. So a crowd of strangers that send nothing, or too little, cannot keep out a node of the cluster, which
// sends everything at once. An admitted connection lasts at least until maxStrangers others have arrived. A connection
// that has sent a whole greeting counts as greeted, and is ended only for others that have sent one too. victim chooses
// the connection that is ended.
type strangers struct {
	mu      sync.Mutex // protects all below
	silent  []*stranger
	greeted []*stranger
	proven  int // handshakes that go on after the proof of the secret
}

// stranger is one incoming connection.
type stranger struct {
	conn  net.Conn
	from  netip.Prefix
	named bool // it comes from an address of --peers
	ended bool // to make room for another

	unlimit func() bool // as in talk
}

// admit admits a connection. crowded: another connection was ended to make room.
func (s *strangers) admit(conn net.Conn, named func(netip.Addr) bool) (one *stranger, crowded bool) {
	from := sourceOf(conn.RemoteAddr())
	one = &stranger{conn: conn, from: from, named: named(from.Addr())}
	if from.Addr().Is6() {
		one.from = netip.PrefixFrom(from.Addr(), 64).Masked() // a host may use any address of its /64 network
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = append(s.silent, one)
	return one, shrink(&s.silent)
}

// greet notes that a connection has sent a whole greeting. It returns false if the connection was ended to make room.
func (s *strangers) greet(one *stranger) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.ended {
		return false
	}
	s.silent = without(s.silent, one)
	s.greeted = append(s.greeted, one)
	shrink(&s.greeted)
	return !one.ended
}

// prove notes that a connection has proved the secret. It returns false if the connection was ended to make room, or if
// maxHandshakes have proved it already. After true, the caller calls done when the handshake has ended.
func (s *strangers) prove(one *stranger) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.ended || s.proven == maxHandshakes {
		return false
	}
	s.greeted = without(s.greeted, one)
	s.proven++
	return true
}

func (s *strangers) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proven--
}

// leave removes a connection, and reports whether it was ended to make room.
func (s *strangers) leave(one *stranger) (ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent, s.greeted = without(s.silent, one), without(s.greeted, one)
	return one.ended
}

// shrink ends a connection if there are too many.
func shrink(list *[]*stranger) bool {
	if len(*list) <= maxStrangers {
		return false
	}
	v := victim(*list)
	*list = without(*list, v)
	v.ended = true
	if tcp, ok := v.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // close with a reset, so that the system keeps nothing of it
	}
	_ = v.conn.Close()
	return true
}

// victim chooses the connection to end. It takes the address with the most connections, and there the oldest one;
// addresses of --peers come last. If all connections come from one address, as on loopback or behind NAT, it is the
// oldest of all.
func victim(list []*stranger) *stranger {
	count := map[netip.Prefix]int{}
	for _, one := range list {
		count[one.from]++
	}
	var found *stranger
	for _, one := range list { // in the order of arrival
		switch {
		case found == nil, found.named && !one.named:
			found = one
		case found.named == one.named && count[one.from] > count[found.from]:
			found = one
		}
	}
	return found
}

func without(list []*stranger, one *stranger) []*stranger {
	if at := slices.Index(list, one); at >= 0 {
		return slices.Delete(list, at, at+1)
	}
	return list
}

// sourceOf is the remote address of a connection, as a prefix of full length.
func sourceOf(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	return netip.PrefixFrom(ip, ip.BitLen())
}
