package cluster

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echoThrough is a connection through a proxy to one that says everything again.
func echoThrough(t *testing.T) (*proxy, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	p := newProxy(t)
	p.aim(l.Addr().String())
	return p, dialProxy(t, p)
}

func dialProxy(t *testing.T, p *proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// answers sends a word and reports whether it comes back within the time.
func answers(c net.Conn, limit time.Duration) error {
	if _, err := c.Write([]byte("word")); err != nil {
		return err
	}
	_ = c.SetReadDeadline(time.Now().Add(limit))
	_, err := io.ReadFull(c, make([]byte, 4))
	return err
}

const (
	soon   = 10 * time.Second
	awhile = 100 * time.Millisecond
)

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

func TestAProxyPassesWhatIsSentAndTheEnd(t *testing.T) {
	_, c := echoThrough(t)
	want := bytes.Repeat([]byte("0123456789"), 1<<15)
	go func() {
		_, _ = c.Write(want)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
	}
}

func TestACutProxyResetsOldAndNewConnectionsUntilItIsHealed(t *testing.T) {
	p, c := echoThrough(t)
	if err := answers(c, soon); err != nil {
		t.Fatal(err)
	}
	p.set(mode{kind: cut})
	if err := answers(c, soon); err == nil || isTimeout(err) {
		t.Errorf("the old connection: %v", err)
	}
	if fresh, err := net.Dial("tcp", p.addr()); err == nil { // otherwise it was reset at once
		if err := answers(fresh, soon); err == nil || isTimeout(err) {
			t.Errorf("a new connection: %v", err)
		}
		_ = fresh.Close()
	}
	p.set(mode{})
	if err := answers(dialProxy(t, p), soon); err != nil {
		t.Errorf("healed: %v", err)
	}
}

func TestAHalfOpenProxyIsSilentAndResetsWhatHasLostBytes(t *testing.T) {
	p, c := echoThrough(t)
	idle := dialProxy(t, p)
	for _, c := range []net.Conn{c, idle} {
		if err := answers(c, soon); err != nil {
			t.Fatal(err)
		}
	}
	p.set(mode{kind: halfOpen})
	fresh := dialProxy(t, p)
	for _, c := range []net.Conn{c, fresh} {
		if err := answers(c, awhile); !isTimeout(err) {
			t.Errorf("half open: %v", err)
		}
	}
	p.set(mode{})
	for _, c := range []net.Conn{c, fresh} {
		if err := answers(c, soon); err == nil || isTimeout(err) {
			t.Errorf("healed, after a loss: %v", err)
		}
	}
	if err := answers(idle, soon); err != nil {
		t.Errorf("healed, without a loss: %v", err)
	}
}

func TestAStalledProxyKeepsWhatWasSent(t *testing.T) {
	p, c := echoThrough(t)
	if err := answers(c, soon); err != nil {
		t.Fatal(err)
	}
	p.set(mode{kind: stalled})
	fresh := dialProxy(t, p)
	for _, c := range []net.Conn{c, fresh} {
		if err := answers(c, awhile); !isTimeout(err) {
			t.Errorf("stalled: %v", err)
		}
	}
	p.set(mode{})
	for _, c := range []net.Conn{c, fresh} {
		if err := answers(c, soon); err != nil {
			t.Errorf("healed: %v", err)
		}
	}
}

func TestASlowProxyTakesItsTime(t *testing.T) {
	p, c := echoThrough(t)
	p.set(mode{kind: slow, delay: 30 * time.Millisecond, rate: 1 << 20})
	began := time.Now()
	if err := answers(c, soon); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 60*time.Millisecond {
		t.Errorf("there and back in %v", took)
	}
}
