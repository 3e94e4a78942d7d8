package robust

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	server.Signal(t, syscall.SIGKILL) // leaves the socket's file behind
	server.Exit(t)
	visit(process.QuotaDBAt(t, server.Addr, bind...).Addr)
}

func TestATakenAddressIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	first := process.QuotaDB(t)
	out, err := exec.Command(process.Binary(t), "--bind", first.Addr).CombinedOutput()
	if err == nil || !strings.Contains(string(out), first.Addr) {
		t.Errorf("%v, and it says\n%s", err, out)
	}
	want(t, first.Dial(t), "+PONG", "PING")
}

func TestABadFlagIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--shards", "0"}, {"--shards", "many"}, {"--node-id", "0"}, {"--node-id", "65536"}, {"--bind", "nowhere"},
		{"--max-connections", "0"}, {"--enable-ttl", "perhaps"}, {"--ttl-tick-ms", "0"}, {"--log-level", "loud"},
		{"--maxmemory", "much"}, {"--no-such-flag", "1"},
	} {
		out, err := exec.Command(process.Binary(t), args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), args[0]) {
			t.Errorf("%q: %v, and it says\n%s", args, err, out)
		}
	}
}

func TestHelpAndVersionEndWithZero(t *testing.T) {
	t.Parallel()
	for flag, text := range map[string]string{"--help": "--max-connections", "--version": "quota-db"} {
		out, err := exec.Command(process.Binary(t), flag).CombinedOutput()
		if err != nil || !strings.Contains(string(out), text) {
			t.Errorf("%s: %v, and it says\n%s", flag, err, out)
		}
	}
}
