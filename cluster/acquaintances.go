package cluster

import (
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/quotadb/quota-db/replica"
)

const (
	rememberFor      = time.Minute // who was at an address: then somebody else may be
	maxAcquaintances = 4096
)

// acquaintances is who is connected, and who was met at which address, so that these need not be dialed.
type acquaintances struct {
	mu    sync.Mutex // protects everything below
	nodes map[uint16]online
	at    map[netip.AddrPort]acquaintance
	// dialed are those that are being introduced to: two connections at a time, by way of two addresses of a node, could
	// each take the other's place, on one side this one and on the other that one.
	dialed map[uint16]bool
	lost   map[uint16]string           // why those that are not connected any more are not
	likely map[netip.AddrPort]uint16   // at which address a node that has connected would be met; nobody was, yet
	named  map[string][]netip.AddrPort // what the entries of --peers stood for when they were resolved last
}

type online struct {
	run  uint64
	link *link
}

type acquaintance struct {
	node  uint16
	run   uint64
	self  bool
	since time.Time
}

func newAcquaintances() acquaintances {
	return acquaintances{nodes: map[uint16]online{}, at: map[netip.AddrPort]acquaintance{}, dialed: map[uint16]bool{}, lost: map[uint16]string{}, likely: map[netip.AddrPort]uint16{},
		named: map[string][]netip.AddrPort{}}
}

func (a *acquaintances) online(node uint16, run uint64, l *link) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.nodes[node] = online{run, l}
	delete(a.lost, node)
}

// offline notes that a link has ended, and why; there may be another to the node.
func (a *acquaintances) offline(node uint16, l *link, why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.nodes[node].link == l {
		delete(a.nodes, node)
		a.lost[node] = why
	}
}

// mayIntroduce reports whether a peer that was dialed is neither connected nor about to be. introduced ends that.
func (a *acquaintances) mayIntroduce(peer greeting) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o, ok := a.nodes[peer.node]; ok && o.run == peer.run || a.dialed[peer.node] {
		return false
	}
	a.dialed[peer.node] = true
	return true
}

func (a *acquaintances) introduced(peer greeting) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.dialed, peer.node)
}

// remember notes who was met at an address.
func (a *acquaintances) remember(address netip.AddrPort, peer greeting, self bool, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.at) >= maxAcquaintances {
		clear(a.at)
	}
	a.at[address] = acquaintance{peer.node, peer.run, self, now}
	delete(a.likely, address)
}

// guess notes where a node that has connected would be met: at the host that it comes from, with the port that it names.
func (a *acquaintances) guess(from net.Addr, h replica.Hello) {
	_, text, err := net.SplitHostPort(h.Address)
	port, notOne := strconv.ParseUint(text, 10, 16)
	if ip := sourceOf(from).Addr(); err == nil && notOne == nil && ip.IsValid() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.likely) >= maxAcquaintances {
			clear(a.likely)
		}
		a.likely[netip.AddrPortFrom(ip, uint16(port))] = h.Node
	}
}

// forget notes that nobody was met at an address.
func (a *acquaintances) forget(address netip.AddrPort) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.at, address)
	delete(a.likely, address)
}

// resolved notes what an entry of --peers stands for.
func (a *acquaintances) resolved(peer string, addresses []netip.AddrPort) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.named[peer] = addresses
}

// isNamed reports whether an entry of --peers stands for this address, with whatever port.
func (a *acquaintances) isNamed(ip netip.Addr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, addresses := range a.named {
		for _, address := range addresses {
			if address.Addr() == ip {
				return true
			}
		}
	}
	return false
}

// isConnected reports whether the node that was last met at an address, or is likely to be, is connected, or is this node itself. It may have been started again
// since it was met. If it is not, the reason is why its connection has ended, if it had one.
func (a *acquaintances) isConnected(address netip.AddrPort) (connected bool, reason string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q, met := a.at[address]
	if q.self {
		return true, ""
	}
	node := q.node
	if !met {
		node, met = a.likely[address]
	}
	if _, connected = a.nodes[node]; met && connected {
		return true, ""
	}
	return false, a.lost[node]
}

// skip reports whether an address is that of this node, or of one that is connected.
func (a *acquaintances) skip(address netip.AddrPort, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	q, ok := a.at[address]
	if !ok || now.Sub(q.since) >= rememberFor {
		return false
	}
	o, connected := a.nodes[q.node]
	return q.self || connected && o.run == q.run
}
