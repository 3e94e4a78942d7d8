package robust

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// says waits until the log of a server has a text.
func says(t *testing.T, s *process.Server, text string) {
	t.Helper()
	for deadline := time.Now().Add(runTimeout); !strings.Contains(s.Output(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log does not say %q:\n%s", text, s.Output())
		}
	}
}

// dialRoot connects as the user root.
func dialRoot(addr string) (*wire.Conn, error) {
	c, err := wire.Dial(addr)
	if err == nil {
		_, err = c.Do("AUTH", "root", "r")
	}
	return c, err
}

func TestSIGHUPReadsUsersAndPasswordAgainAndEndsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	users, password := filepath.Join(dir, "users"), filepath.Join(dir, "password")
	write := func(file, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(users, "user root on >r ~* +@all\nuser ann on >old ~* +@all\nuser bob on >b ~* +@all\n")
	write(password, "first\n")
	addr := process.FreeAddr(t)
	server := process.Start(t, addr,
		exec.Command(process.Binary(t), "--bind", addr, "--data-dir", dir+"/data", "--user-file", users, "--requirepass-file", password), dialRoot)
	bob := server.Dial(t)
	want(t, bob, "+OK", "AUTH", "bob", "b")
	want(t, bob, ":1", "INCR", "n")

	write(users, "user root on >r ~* +@all\nuser ann on >new ~* +@all\n")
	write(password, "second\n")
	server.Signal(t, syscall.SIGHUP)
	says(t, server, "SIGHUP: read again")
	c := server.Dial(t)
	want(t, c, "+OK", "AUTH", "ann", "new")
	want(t, c, "+OK", "AUTH", "second")
	want(t, c, `$"1"`, "GET", "n")
	if _, err := bob.Do("PING"); err == nil {
		t.Error("a client of a user that is no more goes on")
	}

	write(users, "user ann on >new ~* +@nosuch\n")
	write(password, "third\n")
	server.Signal(t, syscall.SIGHUP)
	says(t, server, "SIGHUP: could not read a file again, nothing has changed")
	want(t, c, "+OK", "AUTH", "ann", "new")
	want(t, c, "+OK", "AUTH", "second")
}
