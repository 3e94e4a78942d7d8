package server

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/config"
)

// socketPath is a short path in a directory of its own.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "q")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func TestUnixSocketServesAndIsRemovedAtTheEnd(t *testing.T) {
	path := socketPath(t)
	s := start(t, func(c *config.Config) { c.Bind = []string{"unix:" + path, "127.0.0.1:0"} }, nil)
	c := dial(t, s)
	requests, replies := counting("k", 1000)
	c.send(requests)
	c.expect(replies)
	if len(s.Addrs()) != 2 {
		t.Errorf("addresses: %v", s.Addrs())
	}
	stop(t, s)
	c.expectEnd()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket file is still there: %v", err)
	}
}

func TestSocketLeftBehindIsReplaced(t *testing.T) {
	path := socketPath(t)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()
	c := dial(t, start(t, func(c *config.Config) { c.Bind = []string{"unix:" + path} }, nil))
	c.send("PING\r\n")
	c.expect("+PONG\r\n")
}

func TestNothingButADeadSocketIsReplaced(t *testing.T) {
	file := socketPath(t)
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen("unix", file); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("a file: %v", err)
	}
	if _, err := listen("unix", filepath.Dir(file)); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("a directory: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file now holds %q, %v", text, err)
	}
	live := socketPath(t)
	l, err := listen("unix", live)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := listen("unix", live); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a socket in use: %v", err)
	}
}
