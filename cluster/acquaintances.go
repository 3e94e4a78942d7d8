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
	rememberFor      = time.Minute // who was met at an address; later, another node may be there
	maxAcquaintances = 4096
)

// acquaintances records which nodes are connected, and which node was met at which address, so that it need not be
// dialed again.
type acquaintances struct {
	mu    sync.Mutex // protects everything below
	nodes map[uint16]online
	at    map[netip.AddrPort]acquaintance
	// dialed has the nodes with a handshake in progress that this node dialed. Two handshakes with one node at a time,
	// through two of its addresses, could each replace the other: on one side the first, on the other side the second.
	dialed map[uint16]bool
	lost   map[uint16]string // why the last connection with a node ended
	// likely tells where a node that has connected can probably be met, although none was met there yet.
	likely map[netip.AddrPort]uint16
	named  map[string][]netip.AddrPort // addresses of each entry of --peers when it was last resolved
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

// offline notes that a link has ended, and why. Another link to the node may exist.
func (a *acquaintances) offline(node uint16, l *link, why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.nodes[node].link == l {
		delete(a.nodes, node)
		a.lost[node] = why
	}
}

// mayIntroduce reports whether a dialed peer is neither connected nor in a handshake that this node dialed. If true,
// the caller must call introduced after the handshake.
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

// remember notes which node was met at an address.
func (a *acquaintances) remember(address netip.AddrPort, peer greeting, self bool, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.at) >= maxAcquaintances {
		clear(a.at)
	}
	a.at[address] = acquaintance{peer.node, peer.run, self, now}
	delete(a.likely, address)
}

// guess notes where a node that has connected can probably be met: at the host that it comes from, with the port that
// it announces.
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

// forget notes that no node was met at an address.
func (a *acquaintances) forget(address netip.AddrPort) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.at, address)
	delete(a.likely, address)
}

// resolved notes the addresses of an entry of --peers.
func (a *acquaintances) resolved(peer string, addresses []netip.AddrPort) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.named[peer] = addresses
}

// isNamed reports whether an entry of --peers has this IP address, with any port.
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

// isConnected reports whether the node at an address is connected, or is this node itself. The node is the one last met
// there, or probably there; it may have restarted since. If it is not connected, reason tells why its last connection
// ended, if it had one.
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

// nodesAt is how many nodes were met at these addresses, this node among them.
func (a *acquaintances) nodesAt(addresses []netip.AddrPort) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	nodes := map[uint16]bool{}
	for _, address := range addresses {
		if q, met := a.at[address]; met {
			nodes[q.node] = true
		}
	}
	return len(nodes)
}

// skip reports whether an address need not be dialed: it belongs to this node, or to a connected one.
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
