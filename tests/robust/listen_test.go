package robust

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

func TestAListOfAddressesServesOneDatabase(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "q") // short: a socket's path has about 100 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := "unix:" + filepath.Join(dir, "s")
	second := process.FreeAddr(t)
	bind := []string{"--bind", socket, "--bind", second}

	server := process.QuotaDB(t, bind...)
	visit := func(first string) {
		for i, addr := range []string{first, socket, second} {
			c, err := wire.Dial(addr)
			if err != nil {
				t.Fatal(err)
			}
			want(t, c, []string{":1", ":2", ":3"}[i], "INCR", "k")
			_ = c.Close()
		}
	}
	visit(server.Addr)
	server.Signal(t, syscall.SIGKILL) // leaves the socket's file
	server.Exit(t)
	visit(process.QuotaDBAt(t, server.Addr, bind...).Addr)
}
