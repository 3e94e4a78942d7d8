package robust

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
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

// refused waits until a server refuses writes.
func refused(t *testing.T, c *wire.Conn) {
	t.Helper()
	for deadline := time.Now().Add(runTimeout); ; time.Sleep(10 * time.Millisecond) {
		if v := do(t, c, "INCR", "probe"); strings.HasPrefix(v.Text, "MISCONF") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("writes are not refused")
		}
	}
}

// accepted waits until a server accepts writes.
func accepted(t *testing.T, c *wire.Conn) {
	t.Helper()
	for deadline := time.Now().Add(runTimeout); do(t, c, "SET", "probe", "1").Text != "OK"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("writes are still refused")
		}
	}
}

func TestAServerWithoutItsLOCKKeepsItsDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := process.QuotaDB(t, "--data-dir", dir)
	remove(t, filepath.Join(dir, "LOCK"))
	if out, err := run(t, "--bind", "127.0.0.1:0", "--data-dir", dir); err == nil || !strings.Contains(out, "in use by another process") {
		t.Errorf("a second start: %v, and it says\n%s", err, out)
	}
	says(t, server, "LOCK was removed while the server held it")
	if _, err := os.Stat(filepath.Join(dir, "LOCK")); err != nil {
		t.Error(err)
	}
	want(t, server.Dial(t), "+OK", "SAVE")
}

func TestADirectoryThatWasMovedAwayIsNoticedAndFoundAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	server := process.QuotaDB(t, "--data-dir", dir)
	c := server.Dial(t)
	want(t, c, ":1", "INCR", "n")
	if err := os.Rename(dir, dir+"2"); err != nil {
		t.Fatal(err)
	}
	refused(t, c)
	says(t, server, "the data directory was taken over, moved away, deleted or changed")
	want(t, c, `$"1"`, "GET", "n")
	if err := os.Rename(dir+"2", dir); err != nil {
		t.Fatal(err)
	}
	accepted(t, c)
	want(t, c, ":2", "INCR", "n")
	server.Signal(t, syscall.SIGTERM)
	if code := server.Exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	want(t, process.QuotaDB(t, "--data-dir", dir).Dial(t), `$"2"`, "GET", "n")
}

func TestAServerWhoseDirectoryIsGoneOrNotItsOwnSaysSoAtTheStop(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, dir string){
		"deleted": func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		},
		"replaced": func(t *testing.T, dir string) {
			if err := os.Rename(dir, dir+"2"); err != nil {
				t.Fatal(err)
			}
			process.QuotaDB(t, "--data-dir", dir)
		},
		"overwritten with a backup": func(t *testing.T, dir string) {
			if out, err := run(t, "backup", dir, dir+"2"); err != nil {
				t.Fatal(err, out)
			}
			if out, err := exec.Command("cp", "-a", dir+"2/.", dir).CombinedOutput(); err != nil {
				t.Fatal(err, string(out))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			server := process.QuotaDB(t, "--data-dir", dir)
			c := server.Dial(t)
			want(t, c, ":1", "INCR", "n")
			change(t, dir)
			refused(t, c)
			server.Signal(t, syscall.SIGTERM)
			if code := server.Exit(t); code != 1 || !strings.Contains(server.Output(), "the data directory is not this server's any more") {
				t.Errorf("exit code %d, and it says\n%s", code, server.Output())
			}
		})
	}
}

func TestALogThatSomebodyHasCutOrRemovedIsReplaced(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(file string) error{
		"cut":     func(file string) error { return os.Truncate(file, 0) },
		"removed": os.Remove,
		"replaced": func(file string) error {
			return errors.Join(os.Remove(file), os.WriteFile(file, make([]byte, 300), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			server := process.QuotaDB(t, "--data-dir", dir, "--durability", "always", "--log-level", "info")
			c := server.Dial(t)
			want(t, c, ":1", "INCR", "n")
			if err := change(filepath.Join(dir, "log-000000000001")); err != nil {
				t.Fatal(err)
			}
			says(t, server, "somebody else has changed it")
			says(t, server, "the disk has recovered")
			accepted(t, c)
			want(t, c, ":2", "INCR", "n")
			server.Signal(t, syscall.SIGKILL)
			server.Exit(t)
			want(t, process.QuotaDB(t, "--data-dir", dir).Dial(t), `$"2"`, "GET", "n")
		})
	}
}

func TestTwoBackupsIntoOneDirectoryLeaveOneThatIsSound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := process.QuotaDB(t, "--data-dir", dir)
	c := server.Dial(t)
	for n := range 200 {
		want(t, c, "+OK", "SET", "k"+strconv.Itoa(n), strings.Repeat("x", 10_000))
	}
	want(t, c, "+OK", "SAVE")
	for round := range 5 {
		out := filepath.Join(t.TempDir(), strconv.Itoa(round))
		ended := make(chan error, 4)
		for range cap(ended) {
			go func() { ended <- exec.Command(process.Binary(t), "backup", dir, out).Run() }()
		}
		kept := 0
		for range cap(ended) {
			if err := <-ended; err == nil {
				kept++
			}
		}
		if text, err := run(t, "check", out); kept != 1 || err != nil {
			t.Errorf("%d of %d backups say that they have written %s; check: %v\n%s", kept, cap(ended), out, err, text)
		}
	}
}
