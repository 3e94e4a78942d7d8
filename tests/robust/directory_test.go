package robust

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
)

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func TestAStartWhoseAddressIsTakenLeavesTheDirectoryOfARunningServerAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := process.QuotaDB(t, "--data-dir", dir, "--durability", "always")
	c := server.Dial(t)
	const writes = 50
	for n := 1; n <= writes; n++ {
		want(t, c, ":"+strconv.Itoa(n), "INCR", "n")
	}
	remove(t, filepath.Join(dir, "LOCK"))
	if out, err := run(t, "--bind", server.Addr, "--data-dir", dir, "--durability", "always"); err == nil || !strings.Contains(out, "listen on "+server.Addr) {
		t.Errorf("the second start: %v, and it says\n%s", err, out)
	}
	for n := writes + 1; n <= 2*writes; n++ {
		want(t, c, ":"+strconv.Itoa(n), "INCR", "n")
	}
	server.Signal(t, syscall.SIGTERM)
	if code := server.Exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	want(t, process.QuotaDB(t, "--data-dir", dir).Dial(t), `$"`+strconv.Itoa(2*writes)+`"`, "GET", "n")
}

func TestAStartThatEndsForAnAddressMakesNoDirectory(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	for flag, args := range map[string][]string{
		"--bind":                {"--bind", server.Addr},
		"--pprof-bind":          {"--bind", "127.0.0.1:0", "--pprof-bind", server.Addr},
		"--requirepass-file":    {"--bind", "127.0.0.1:0", "--requirepass-file", "/no/such/file"},
		"--cluster-secret-file": {"--bind", "127.0.0.1:0", "--cluster-secret-file", "/no/such/file"},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		if out, err := run(t, append(args, "--data-dir", dir)...); err == nil {
			t.Errorf("%s: it starts, and says\n%s", flag, out)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: the directory was touched: %v", flag, err)
		}
	}
}
