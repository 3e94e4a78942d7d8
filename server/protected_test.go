package server

import (
	"io"
	"net"
	"strings"
	"testing"
)

// foreign is a connection whose remote address belongs to another host.
type foreign struct {
	net.Conn
	from net.Addr
}

func (f foreign) RemoteAddr() net.Addr { return f.from }

// knock has the server admit a client with an address, and returns the bytes that the client reads before the
// connection ends; none if it is admitted.
func knock(t *testing.T, s *Server, ip string) string {
	t.Helper()
	ours, theirs := net.Pipe()
	defer func() { _ = theirs.Close() }()
	from := &net.TCPAddr{IP: net.ParseIP(ip), Port: 5000}
	if !s.protects(from) {
		return ""
	}
	go s.admit(foreign{ours, from})
	text, err := io.ReadAll(theirs)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestProtectedModeKeepsOtherHostsOutWhileNoPasswordIsNeeded(t *testing.T) {
	s := start(t, nil, nil)
	c := dial(t, s)
	order := func(command string) {
		t.Helper()
		c.send(request(strings.Fields(command)...))
		c.expect("+OK\r\n")
	}
	c.send(request("PING")) // once it is answered, the client is counted
	c.expect("+PONG\r\n")
	for _, ip := range []string{"127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"} {
		if got := knock(t, s, ip); got != "" {
			t.Errorf("%s is kept out: %q", ip, got)
		}
	}
	for _, ip := range []string{"192.0.2.7", "10.0.0.1", "2001:db8::1", "0.0.0.0"} {
		if got := knock(t, s, ip); !strings.HasPrefix(got, "-DENIED ") || !strings.HasSuffix(got, "\r\n") || strings.Count(got, "\n") != 1 {
			t.Errorf("%s reads %q", ip, got)
		}
	}
	if s.protects(&net.UnixAddr{Name: "/socket", Net: "unix"}) {
		t.Error("a unix socket is kept out")
	}
	if s.roster.size() != 1 {
		t.Errorf("%d connections are counted", s.roster.size())
	}
	for _, change := range []string{"CONFIG SET protected-mode no", "CONFIG SET protected-mode yes", "CONFIG SET requirepass x", "ACL SETUSER default resetpass nopass", "ACL SETUSER default resetpass"} {
		order(change)
		open := strings.HasSuffix(change, "yes") || strings.HasSuffix(change, "nopass")
		if got := knock(t, s, "192.0.2.7"); (got != "") != open {
			t.Errorf("after %s: %q", change, got)
		}
	}
}

func TestClientWithoutALoginCannotMakeUsHoldMuch(t *testing.T) {
	s := start(t, nil, nil)
	boss := dial(t, s)
	boss.send(request("CONFIG", "SET", "requirepass", "secret"))
	boss.expect("+OK\r\n")
	c := dial(t, s)
	c.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000\r\n")
	c.expect("-ERR Protocol error: unauthenticated bulk length\r\n")
	c.expectEnd()
	c = dial(t, s)
	c.send("*11\r\n")
	c.expect("-ERR Protocol error: unauthenticated multibulk length\r\n")
	c.expectEnd()
	c = dial(t, s)
	big := strings.Repeat("x", 20000)
	c.send(request("AUTH", "secret") + request("SET", "k", big) + request("STRLEN", "k"))
	c.expect("+OK\r\n+OK\r\n:20000\r\n")
}

func TestRequestLimitsCanBeChanged(t *testing.T) {
	s := start(t, nil, nil)
	c, boss := dial(t, s), dial(t, s)
	c.send(request("PING"))
	c.expect("+PONG\r\n")
	boss.send(request("CONFIG", "SET", "proto-max-bulk-len", "1mb", "client-query-buffer-limit", "2mb"))
	boss.expect("+OK\r\n")
	c.send("*2\r\n$4\r\nECHO\r\n$1048577\r\n")
	c.expect("-ERR Protocol error: invalid bulk length\r\n")
	c.expectEnd()
}
