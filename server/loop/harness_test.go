package loop_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/quotadb/quota-db/server/loop"
)

// patience is how long a test waits for something that must happen soon.
const patience = 20 * time.Second

// handler is a Handler made of functions; a nil function does nothing. Closed closes closed.
type handler struct {
	conn   *loop.Conn
	open   func(h *handler)
	input  func(h *handler, chunk []byte)
	end    func(h *handler)
	woken  func(h *handler)
	sent   func(h *handler)
	stays  bool     // it does not move
	late   []string // methods that were called after Closed
	isOver bool
	closed chan struct{}
}

func (h *handler) call(what string, fn func(*handler)) {
	if h.isOver {
		h.late = append(h.late, what)
	}
	if fn != nil {
		fn(h)
	}
}

func (h *handler) Foresee([]byte)    { h.call("Foresee", nil) }
func (h *handler) Leave() bool       { h.call("Leave", nil); return !h.stays }
func (h *handler) Moved()            { h.call("Moved", nil) }
func (h *handler) Open(c *loop.Conn) { h.conn = c; h.call("Open", h.open) }
func (h *handler) End()              { h.call("End", h.end) }
func (h *handler) Woken()            { h.call("Woken", h.woken) }
func (h *handler) Sent()             { h.call("Sent", h.sent) }
func (h *handler) Closed()           { h.call("Closed", nil); h.isOver = true; close(h.closed) }
func (h *handler) Input(chunk []byte) {
	h.call("Input", func(*handler) {
		if h.input != nil {
			h.input(h, chunk)
		}
	})
}

// echo writes back the bytes that it gets.
func echo(h *handler, chunk []byte) { h.conn.Write(chunk) }

// group is some loops, and a listener for their clients.
type group struct {
	*loop.Group
	t        *testing.T
	listener net.Listener
}

func start(t *testing.T, loops int) *group {
	t.Helper()
	return startAs(t, loop.Options{Loops: loops})
}

// startWith starts one loop with a worker.
func startWith(t *testing.T, w loop.Worker) *group {
	t.Helper()
	return startAs(t, loop.Options{Loops: 1, Worker: func() loop.Worker { return w }})
}

func startAs(t *testing.T, o loop.Options) *group {
	t.Helper()
	g, err := loop.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Stop()
		_ = l.Close()
	})
	return &group{g, t, l}
}

// connect has h serve a new connection, whose other end it returns.
func (g *group) connect(h *handler) *net.TCPConn {
	g.t.Helper()
	client, server := g.pair()
	h.closed = make(chan struct{})
	if err := g.Serve(server, h); err != nil {
		g.t.Fatal(err)
	}
	return client
}

func (g *group) pair() (client *net.TCPConn, server net.Conn) {
	g.t.Helper()
	conn, err := net.Dial("tcp", g.listener.Addr().String())
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		g.t.Fatal(err)
	}
	if server, err = g.listener.Accept(); err != nil {
		g.t.Fatal(err)
	}
	return conn.(*net.TCPConn), server
}

// roundTrip sends one byte to a connection that echoes, and reads it. Connections of the same loop that were ready
// before have been served when it returns.
func (g *group) roundTrip(client net.Conn) {
	g.t.Helper()
	b := []byte("?")
	if _, err := client.Write(b); err != nil {
		g.t.Fatal(err)
	}
	if _, err := io.ReadFull(client, b); err != nil {
		g.t.Fatal(err)
	}
}

// do runs fn in the loop of a connection and returns when it has run.
func (g *group) do(h *handler, fn func()) {
	g.t.Helper()
	ran := make(chan struct{})
	if !h.conn.Loop().Post(func() { fn(); close(ran) }) {
		g.t.Fatal("the loop has ended")
	}
	await(g.t, ran, "a posted function to run")
}

func await(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("waited in vain: " + what)
	}
}

func expect(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("got %q and %v, want %q", got, err, want)
	}
}

func expectEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Fatalf("read %d bytes and %v, want the end", n, err)
	}
}
