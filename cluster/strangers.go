package cluster

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// maxStrangers is how many connections may be in each of the two states before a proof: silent, and greeted.
	maxStrangers = 128
	// crowdPause is how long nothing is accepted after crowdBatch connections had to be ended for others: what a crowd
	// that connects again and again costs is bounded, and a node of the cluster in its midst has the time that
	// maxStrangers others take to arrive, 128 ms, for each step.
	crowdPause = 4 * time.Millisecond
	crowdBatch = 4
)

// strangers are the connections that others have made and that have not proved yet that they know the secret.
//
// They have a budget of their own, and nobody is refused for the lack of it: the newest is admitted, and another is
// ended. So a crowd of strangers that say nothing, or too little, cannot keep a node of the cluster out, which says all
// that it has to say at once; and a connection that is admitted has as long as it takes maxStrangers others to arrive.
// A connection that has sent a whole greeting is not among the silent ones any more, and is ended only for others that
// have sent one too. Which one is ended, victim says.
type strangers struct {
	mu      sync.Mutex // protects all below
	silent  []*stranger
	greeted []*stranger
	proven  int // that have proved the secret, and whose handshake goes on
}

// stranger is one connection.
type stranger struct {
	conn  net.Conn
	from  netip.Prefix
	named bool // it comes from an address of --peers
	ended bool // for another
}

// admit lets a connection in. crowded: another one had to be ended for it.
func (s *strangers) admit(conn net.Conn, named func(netip.Addr) bool) (one *stranger, crowded bool) {
	from := sourceOf(conn.RemoteAddr())
	one = &stranger{conn: conn, from: from, named: named(from.Addr())}
	if from.Addr().Is6() {
		one.from = netip.PrefixFrom(from.Addr(), 64).Masked() // one host has as many addresses as it likes there
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = append(s.silent, one)
	return one, shrink(&s.silent)
}

// greet notes that a connection has sent a whole greeting; false if it was ended for another.
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

// prove notes that a connection has proved the secret; false if it was ended for another, or if there are too many that
// have proved it. The caller calls done once the handshake has ended.
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

// leave forgets a connection, and reports whether it was ended for another.
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
		_ = tcp.SetLinger(0) // nothing of it is to remain in the system either
	}
	_ = v.conn.Close()
	return true
}

// victim is the connection that is ended: the oldest from the address that has most of those that do not come from an
// address of --peers, and only if there is none, from one that does. Where all come from one address, as on loopback or
// from behind a translated one, that is the oldest of all.
func victim(list []*stranger) *stranger {
	count := map[netip.Prefix]int{}
	for _, one := range list {
		count[one.from]++
	}
	var found *stranger
	for _, one := range list { // in the order in which they came
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

// sourceOf is the address that a connection comes from, as a prefix of all its bits.
func sourceOf(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	return netip.PrefixFrom(ip, ip.BitLen())
}
