package server

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/engine"
)

// patience is how long a test waits for something that must happen soon.
const patience = 20 * time.Second

// newCommands is a command server on an empty engine.
func newCommands(t testing.TB, cfg *config.Config) *command.Server {
	t.Helper()
	return newCommandsWithClock(t, cfg, func() engine.Moment { return engine.Moment{Wall: 1_700_000_000_000} })
}

func newCommandsWithClock(t testing.TB, cfg *config.Config, now func() engine.Moment) *command.Server {
	t.Helper()
	db, err := engine.Open(engine.Options{Shards: 4, Node: 1, HashKey: [2]uint64{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return command.NewServer(cfg, db, now, slog.New(slog.DiscardHandler), func() {})
}

// start runs a server, after a change of its configuration and one of its limits; either may be nil.
func start(t *testing.T, change func(*config.Config), limit func(*limits)) *Server {
	t.Helper()
	cfg := config.Default()
	cfg.Bind = []string{"127.0.0.1:0"}
	if change != nil {
		change(cfg)
	}
	s := New(cfg, newCommands(t, cfg), slog.New(slog.DiscardHandler))
	if limit != nil {
		limit(&s.limits)
	}
	serve(t, s)
	return s
}

// startWithClock runs a server whose clocks follow the time since started.
func startWithClock(t *testing.T, started time.Time) *Server {
	t.Helper()
	cfg := config.Default()
	cfg.Bind = []string{"127.0.0.1:0"}
	now := func() engine.Moment {
		passed := time.Since(started)
		return engine.Moment{Wall: started.Add(passed).UnixMilli(), Mono: int64(passed)}
	}
	s := New(cfg, newCommandsWithClock(t, cfg, now), slog.New(slog.DiscardHandler))
	serve(t, s)
	return s
}

func serve(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	t.Cleanup(func() {
		if !s.draining.Load() {
			stop(t, s)
		}
	})
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// client is a raw connection; every read and write has a deadline.
type client struct {
	net.Conn
	t       *testing.T
	replies *bufio.Reader
}

func dial(t *testing.T, s *Server) *client {
	t.Helper()
	addr := s.Addrs()[0]
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{conn, t, bufio.NewReader(conn)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads exactly this text.
func (c *client) expect(text string) {
	c.t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(c.replies, got); err != nil {
		c.t.Fatalf("after %q: %v", got[:n], err)
	}
	if string(got) != text {
		c.t.Fatalf("got %.200q, want %.200q", got, text)
	}
}

// expectNothing checks that nothing can be read for a moment.
func (c *client) expectNothing() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if b, err := c.replies.Peek(1); err == nil {
		c.t.Errorf("got %q, want nothing yet", b)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
}

// expectEnd reads the end of the connection.
func (c *client) expectEnd() {
	c.t.Helper()
	rest, err := io.ReadAll(c.replies)
	if len(rest) > 0 || err != nil && !isReset(err) {
		c.t.Fatalf("got %.200q and %v, want the end", rest, err)
	}
}

// isReset reports whether the connection ended with a reset, as after a close with unread input.
func isReset(err error) bool { return strings.Contains(err.Error(), "reset by peer") }

// wait polls until the condition holds.
func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// request is a command as clients send it.
func request(args ...string) string {
	var b strings.Builder
	b.WriteString("*" + itoa(len(args)) + "\r\n")
	for _, arg := range args {
		b.WriteString("$" + itoa(len(arg)) + "\r\n" + arg + "\r\n")
	}
	return b.String()
}
