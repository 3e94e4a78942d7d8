package cluster

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"
)

// silentFor is how long a crowd stays connected to nodes that have met.
const silentFor = time.Second

// strangersSay is what a connection of a crowd sends, again and again until it is closed: nothing, one byte at a time,
// garbage, a whole greeting.
var strangersSay = []func(net.Conn, *rand.Rand) error{
	func(conn net.Conn, _ *rand.Rand) error {
		_, err := conn.Read(make([]byte, 1))
		return err
	},
	func(conn net.Conn, _ *rand.Rand) error {
		g := greeting{node: 77, run: 77}
		for _, b := range appendMessage(nil, greetingKind, g.append, 0) {
			if _, err := conn.Write([]byte{b}); err != nil {
				return err
			}
			time.Sleep(50 * time.Millisecond)
		}
		return nil
	},
	func(conn net.Conn, rng *rand.Rand) error {
		garbage := make([]byte, 1+rng.IntN(1000))
		for i := range garbage {
			garbage[i] = byte(rng.Uint32())
		}
		if _, err := conn.Write(garbage); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, conn)
		return io.EOF
	},
	func(conn net.Conn, _ *rand.Rand) error {
		g := greeting{node: 78, run: 78}
		if _, err := conn.Write(appendMessage(nil, greetingKind, g.append, 0)); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, conn)
		return io.EOF
	},
}

// crowd keeps n connections of all kinds to an address until the test ends.
func crowd(t *testing.T, address string, n int) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	stop := make(chan struct{})
	var all sync.WaitGroup
	t.Cleanup(func() { close(stop); all.Wait() })
	goesOn := func() bool {
		select {
		case <-stop:
			return false
		default:
			return true
		}
	}
	for i := range n {
		say, rng := strangersSay[i%len(strangersSay)], rand.New(rand.NewPCG(seed, uint64(i)))
		all.Go(func() {
			for goesOn() {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					time.Sleep(time.Millisecond)
					continue
				}
				_ = conn.SetDeadline(time.Now().Add(silentFor))
				for goesOn() && say(conn, rng) == nil {
				}
				_ = conn.Close()
			}
		})
	}
}

func TestACrowdOfStrangersKeepsNoNodesApart(t *testing.T) {
	a := listen(t, 1, nil)
	b := listen(t, 2, func(o *Options) { o.Peers = addresses([]*testNode{a}) })
	a.o.Peers = addresses([]*testNode{b})
	for _, n := range []*testNode{a, b} {
		crowd(t, n.Addr().String(), 200)
		n.logs("too many connections have not proved")
	}
	a.begin()
	b.begin()
	began := time.Now()
	a.meets(1)
	b.meets(1)
	t.Logf("the two have met after %v", time.Since(began).Round(time.Millisecond))
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the two have met after %v", took)
	}
	lost := func() (n int) {
		for _, log := range []*logLines{a.log, b.log} {
			n += log.count("peer disconnected")
		}
		return n
	}
	a.logs("synced with peer") // if two connections have crossed, one has replaced the other by now
	b.logs("synced with peer")
	before := lost()
	for i := 0; time.Since(began) < 3*time.Second; i++ {
		key := fmt.Sprint("key", i)
		a.add(key, 1)
		b.has(key, 1)
		time.Sleep(10 * time.Millisecond)
	}
	if lost() != before {
		t.Error("a peer was disconnected")
	}
}

func TestACrowdOfStrangersIsBounded(t *testing.T) {
	n := open(t, 1)
	before := runtime.NumGoroutine()
	var conns []net.Conn
	for range 4 * maxStrangers {
		conns = append(conns, dialRaw(t, n))
	}
	eventually(t, "no more than there may be are there", func() bool {
		n.strangers.mu.Lock()
		defer n.strangers.mu.Unlock()
		return len(n.strangers.silent) == maxStrangers && runtime.NumGoroutine() <= before+2*maxStrangers
	})
	for _, conn := range conns[:3*maxStrangers] { // the oldest are closed
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Fatal("it was answered")
		}
	}
	g := greeting{node: 9, run: 9}
	for _, conn := range conns[3*maxStrangers:] { // the newest are not closed
		if _, err := conn.Write(appendMessage(nil, greetingKind, g.append, 0)); err != nil {
			t.Fatal(err)
		}
		if k, _, err := readMessage(conn); err != nil || k != greetingKind {
			t.Fatalf("%d, %v", k, err)
		}
	}
}

// addrConn is a connection that has only an address.
type addrConn struct {
	net.Conn
	from netip.AddrPort
}

func (c addrConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.from) }
func (addrConn) Close() error           { return nil }

func TestStrangersFromOneAddressDoNotDisplaceOthers(t *testing.T) {
	var s strangers
	named := netip.MustParseAddr("10.0.0.1")
	admit := func(from string) *stranger {
		one, _ := s.admit(addrConn{from: netip.AddrPortFrom(netip.MustParseAddr(from), 1)}, func(ip netip.Addr) bool { return ip == named })
		return one
	}
	peer, lone := admit("10.0.0.1"), admit("10.0.0.2")
	for i := range 10 * maxStrangers {
		admit("10.0.0.3")
		admit(fmt.Sprintf("2001:db8::%x", i)) // all in one network
	}
	if peer.ended || lone.ended {
		t.Errorf("ended by others' many: of --peers %v, another %v", peer.ended, lone.ended)
	}
	for i := range 2 * maxStrangers {
		admit(fmt.Sprintf("10.1.%d.%d", i/256, i%256))
	}
	if peer.ended || !lone.ended {
		t.Errorf("ended by many others: of --peers %v, another %v", peer.ended, lone.ended)
	}
	for range maxStrangers {
		admit("10.0.0.1")
	}
	for range maxStrangers {
		admit("10.0.0.9")
	}
	if got := len(s.silent); got != maxStrangers {
		t.Errorf("%d wait", got)
	}
}

func TestLinesAboutStrangersDoNotSilenceThoseAboutPeers(t *testing.T) {
	n := listen(t, 1, nil)
	for i := range 2 * maxRepeats {
		n.noise.warn("a connection was refused", fmt.Sprint(i), "")
	}
	n.quiet.warn("a peer cannot be reached", "b", "it does not answer")
	if !bytes.Contains([]byte(n.log.String()), []byte("a peer cannot be reached")) {
		t.Error("it was not logged")
	}
}
