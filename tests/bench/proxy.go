package main

import (
	"net"
	"sync"
	"sync/atomic"
)

// proxy passes on what goes between two nodes, and counts it.
type proxy struct {
	listener net.Listener
	target   string
	bytes    atomic.Int64 // in both directions
	running  sync.WaitGroup

	mu    sync.Mutex // protects conns
	conns []net.Conn // nil once the proxy is closed
}

func startProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, conns: []net.Conn{}}
	p.running.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	conns := p.conns
	p.conns = nil
	p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
	p.running.Wait()
}

func (p *proxy) accept() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", p.target)
		if err != nil { // the node is away
			_ = from.Close()
			continue
		}
		if !p.keep(from, to) {
			return
		}
		p.running.Go(func() { p.pass(to, from) })
		p.running.Go(func() { p.pass(from, to) })
	}
}

// keep remembers connections that are to be closed at the end; false: this is the end.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		for _, c := range conns {
			_ = c.Close()
		}
		return false
	}
	p.conns = append(p.conns, conns...)
	return true
}

// pass passes on one direction. Its end is that of the other.
func (p *proxy) pass(to, from net.Conn) {
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		p.bytes.Add(int64(n))
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_ = to.Close()
	_ = from.Close()
}
