package oracle

import (
	"strings"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// servers are the oracle and the server under test.
type servers struct {
	redis, quotadb *process.Server
}

func startServers(t *testing.T, quotadbFlags ...string) servers {
	t.Helper()
	return servers{redis: process.Redis(t), quotadb: process.QuotaDB(t, quotadbFlags...)}
}

// empty flushes both servers.
func (s servers) empty(t *testing.T) {
	t.Helper()
	for _, server := range []*process.Server{s.redis, s.quotadb} {
		c := server.Dial(t)
		if v := do(t, c, "FLUSHALL"); v.Text != "OK" {
			t.Fatalf("FLUSHALL on %s: %s", server.Addr, v)
		}
		_ = c.Close()
	}
}

// client is one client as seen by both servers.
type client struct {
	redis, quotadb *wire.Conn
}

func (s servers) dial(t *testing.T) client {
	t.Helper()
	return client{redis: s.redis.Dial(t), quotadb: s.quotadb.Dial(t)}
}

// do sends one command to both servers.
func (c client) do(t *testing.T, args ...string) (redis, quotadb wire.Value) {
	t.Helper()
	return do(t, c.redis, args...), do(t, c.quotadb, args...)
}

func do(t *testing.T, c *wire.Conn, args ...string) wire.Value {
	t.Helper()
	v, err := c.Do(args...)
	if err != nil {
		t.Fatalf("%s: %v", c.RemoteAddr(), err)
	}
	return v
}

// clip shortens a rendered reply or command for a message.
func clip(text string) string {
	const most = 600
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
