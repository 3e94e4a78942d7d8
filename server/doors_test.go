package server

import (
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
)

func TestClientsThatComeBeforeTheDataIsLoadedAreToldSoAndThenServed(t *testing.T) {
	doors, err := OpenDoors([]string{"127.0.0.1:0", "unix:" + socketPath(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range doors.listeners {
		conn, err := net.Dial(l.Addr().Network(), l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(conn, "*1\r\n$4\r\nPING\r\n"); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(conn); err != nil || string(got) != loadingReply {
			t.Errorf("before: got %q, %v", got, err)
		}
		_ = conn.Close()
	}
	silent, err := net.Dial("tcp", doors.listeners[0].Addr().String()) // holds nothing up
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()

	cfg := config.Default()
	s := New(cfg, newCommands(t, cfg), slog.New(slog.DiscardHandler))
	if err := s.ListenAt(doors); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	t.Cleanup(func() { stop(t, s) })
	for range 2 {
		c := dial(t, s)
		c.send("PING\r\n")
		c.expect("+PONG\r\n")
	}
}

func TestATakenAddressLeavesTheOthersFree(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	path := "unix:" + socketPath(t)
	if _, err := OpenDoors([]string{path, taken.Addr().String()}); err == nil {
		t.Fatal("a taken address is no error")
	}
	c := dial(t, start(t, func(c *config.Config) { c.Bind = []string{path} }, nil))
	c.send("PING\r\n")
	c.expect("+PONG\r\n")
}
