package cluster

import (
	"net"
	"sync"
	"testing"
	"time"
)

// mode is what a proxy does with connections and their bytes.
type mode struct {
	kind  modeKind
	delay time.Duration // of slow: how long a byte takes
	rate  int           // of slow: bytes in a second
}

type modeKind int

const (
	open modeKind = iota
	cut           // connections are reset, new ones too
	// halfOpen: connections stay, and new ones are accepted, but no bytes arrive, and no end of a connection. They are
	// reset when this mode ends.
	halfOpen
	stalled // as halfOpen, but the bytes arrive in the end
	slow
)

const (
	proxyBuffer = 16 << 10 // bytes that are read at a time
	proxyQueue  = 64       // reads that are on their way in one direction
	dialTimeout = 5 * time.Second
)

// proxy stands before a node's replication port, for one of the others.
type proxy struct {
	listener net.Listener
	done     sync.WaitGroup

	mu      sync.Mutex // protects everything below
	target  string     // empty: no process
	mode    mode
	changed chan struct{} // closed with the next change of mode
	pairs   map[*pair]bool
	closed  bool
}

// pair is a connection to the proxy, and the one that goes on from there.
type pair struct {
	*proxy
	ends [2]net.Conn // the second is nil until it is dialed
	lost bool        // bytes, or the end of a side, were lost: the pair cannot continue
	over bool
}

func newProxy(t testing.TB) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, changed: make(chan struct{}), pairs: map[*pair]bool{}}
	p.done.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// aim says where the proxy leads.
func (p *proxy) aim(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

func (p *proxy) set(m mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
	close(p.changed)
	p.changed = make(chan struct{})
	for c := range p.pairs {
		if m.kind == cut || m.kind != halfOpen && c.lost {
			p.reset(c)
		}
	}
}

func (p *proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close()
	p.set(mode{kind: cut})
	p.done.Wait()
}

func (p *proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		c := &pair{proxy: p, ends: [2]net.Conn{conn}}
		p.mu.Lock()
		p.pairs[c] = true
		if p.mode.kind == cut || p.closed {
			p.reset(c)
		}
		p.mu.Unlock()
		p.done.Go(c.connect)
	}
}

// reset ends both connections without a word. p.mu is held.
func (p *proxy) reset(c *pair) {
	if c.over {
		return
	}
	c.over = true
	delete(p.pairs, c)
	for _, conn := range c.ends {
		if conn == nil {
			continue
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

// now is what is to be done with the pair at the moment, until changed is closed.
func (c *pair) now() (m mode, changed chan struct{}, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mode, c.changed, c.over
}

// connect dials the target, once something can arrive there.
func (c *pair) connect() {
	for {
		m, changed, over := c.now()
		if over {
			return
		}
		if m.kind != halfOpen && m.kind != stalled {
			break
		}
		if m.kind == halfOpen {
			c.lose()
		}
		<-changed
	}
	c.mu.Lock()
	target := c.target
	c.mu.Unlock()
	onward, err := net.DialTimeout("tcp", target, dialTimeout)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.reset(c)
		return
	}
	if c.over {
		_ = onward.Close()
		return
	}
	c.ends[1] = onward
	c.done.Go(func() { c.carry(c.ends[0], onward) })
	c.done.Go(func() { c.carry(onward, c.ends[0]) })
}

// lose notes that something got lost.
func (c *pair) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = true
}

// parcel is bytes on their way; nil: the end.
type parcel struct {
	bytes []byte
	due   time.Time
}

// carry takes bytes from one end to the other until one has gone.
func (c *pair) carry(from, to net.Conn) {
	queue := make(chan parcel, proxyQueue)
	c.done.Go(func() { c.deliver(queue, to) })
	defer close(queue)
	for {
		buf := make([]byte, proxyBuffer)
		n, err := from.Read(buf)
		m, _, _ := c.now()
		if m.kind == halfOpen && (n > 0 || err != nil) {
			c.lose()
		} else if n > 0 {
			queue <- parcel{buf[:n], time.Now().Add(m.delay)}
		}
		if err != nil {
			if m.kind != halfOpen {
				queue <- parcel{}
			}
			return
		}
	}
}

// deliver writes parcels when they are due, as fast as the mode lets it. After an error it goes on taking them.
func (c *pair) deliver(queue chan parcel, to net.Conn) {
	for p := range queue {
		if !c.await(p.due) {
			continue
		}
		m, _, _ := c.now()
		if p.bytes == nil {
			if tcp, ok := to.(*net.TCPConn); ok {
				_ = tcp.CloseWrite()
			}
			continue
		}
		if _, err := to.Write(p.bytes); err != nil {
			c.mu.Lock()
			c.reset(c)
			c.mu.Unlock()
			continue
		}
		if m.rate > 0 {
			c.await(time.Now().Add(time.Duration(len(p.bytes)) * time.Second / time.Duration(m.rate)))
		}
	}
}

// await waits for the moment, and then until bytes may arrive. It returns false if these bytes never will.
func (c *pair) await(due time.Time) bool {
	for {
		m, changed, over := c.now()
		wait := time.Until(due)
		switch {
		case over:
			return false
		case m.kind == halfOpen:
			c.lose()
			return false
		case m.kind == stalled:
			<-changed
		case m.kind == slow && wait > 0:
			select {
			case <-changed:
			case <-time.After(wait):
			}
		default:
			return true
		}
	}
}
