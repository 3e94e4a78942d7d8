package robust

import (
	"syscall"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

func TestAnIdleConnectionCostsLittleMemory(t *testing.T) {
	const (
		wanted        = 10_000
		perConnection = 12 << 10 // bytes of resident memory
		spareFiles    = 200      // for everything but these connections
	)
	count := min(wanted, openFiles(t)-spareFiles)
	if count < wanted {
		t.Logf("only %d connections: this process may not open more files", count)
	}
	server := process.QuotaDB(t, "--max-connections", "10100")
	want(t, server.Dial(t), "+PONG", "PING")
	before := server.RSS(t)
	idle := make([]*wire.Conn, count)
	for i := range idle {
		c, err := wire.Dial(server.Addr)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		defer func() { _ = c.Close() }()
		idle[i] = c
	}
	for _, c := range idle { // an idle client has been served before
		want(t, c, ":1", "SETNX", "k", "v")
		want(t, c, ":1", "DEL", "k")
	}
	limit := before + int64(count)*perConnection
	rss := server.RSSBelow(t, limit, settleTime)
	t.Logf("%d connections: %d bytes each", count, (rss-before)/int64(count))
	if rss > limit {
		t.Errorf("more than %d bytes each", perConnection)
	}
}

// openFiles raises the limit of open files as far as allowed and returns it.
func openFiles(t *testing.T) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return int(min(limit.Cur, 1<<20))
}
