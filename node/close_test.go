package node

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/persist"
)

// TestAClientThatDoesNotReadHidesNoFailingDisk: a stop cuts off a client while the disk is full. The error must be the
// disk's; if the disk works, there is no error.
func TestAClientThatDoesNotReadHidesNoFailingDisk(t *testing.T) {
	for name, failure := range map[string]error{"works": nil, "is full": syscall.ENOSPC} {
		n := openNode(t, newConfig())
		conn, err := net.Dial("tcp", n.Addrs()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, n, "SETRANGE big 1000000 x"); got != ":1000001" {
			t.Fatal(got)
		}
		_, _ = io.WriteString(conn, strings.Repeat("GET big\r\n", 100)) // more than the sockets' buffers hold
		for deadline := time.Now().Add(patience); !strings.Contains(lines(t, n, "INFO commandstats"), "cmdstat_get:calls="); {
			if time.Now().After(deadline) {
				t.Fatal("the client's commands do not run")
			}
		}
		n.store = failingStore(t, failure)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err = n.Close(ctx)
		cancel()
		switch {
		case failure == nil && err != nil:
			t.Errorf("the disk %s: %v", name, err)
		case failure != nil && (err == nil || !strings.Contains(err.Error(), "not everything could be kept")):
			t.Errorf("the disk %s: %v", name, err)
		}
		_ = conn.Close()
		_ = n.db.Close()
	}
}

// failingStore is a store whose disk fails from now on.
func failingStore(t *testing.T, failure error) *persist.Store {
	t.Helper()
	files := vfs.NewMemory(64)
	dir, err := disk.Open(files, "/data")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	s, err := persist.Open(dir, persist.Options{
		Engine: engine.Options{Shards: 1, MaxBytes: 1 << 20}, Identity: disk.Identity{Node: 1, Life: 1},
		Delay: time.Hour, Now: newClock(systemClock(0), 0, log).Now, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	if failure != nil {
		files.SetFault(func(vfs.Op, string, int) (int, error) { return 0, failure })
	}
	return s
}

// lines returns the whole reply to a command.
func lines(t *testing.T, n *Node, command string) string {
	t.Helper()
	conn, err := net.Dial("tcp", n.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, command+"\r\nQUIT\r\n"); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
