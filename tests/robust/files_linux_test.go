package robust

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// limited is quota-db with a limit of open files.
func limited(t *testing.T, files int, args ...string) *exec.Cmd {
	t.Helper()
	script := "ulimit -n " + strconv.Itoa(files) + ` && exec "$0" "$@"`
	return exec.Command("bash", append([]string{"-c", script, process.Binary(t)}, args...)...)
}

func TestClientsDoNotTakeTheServersOwnOpenFiles(t *testing.T) {
	t.Parallel()
	addr := process.FreeAddr(t)
	server := process.Start(t, addr, limited(t, 160, "--bind", addr, "--data-dir", t.TempDir()), wire.Dial)
	c := server.Dial(t)
	most, err := strconv.Atoi(do(t, c, "CONFIG", "GET", "maxclients").Elems[1].Text)
	if err != nil || most < 1 || most > 160-64 {
		t.Fatalf("maxclients is %d, %v: want at most %d", most, err, 160-64)
	}
	says(t, server, "fewer clients may connect")
	if v := do(t, c, "CONFIG", "SET", "maxclients", strconv.Itoa(most+1)); !strings.Contains(v.Text, "try with "+strconv.Itoa(most)) {
		t.Errorf("more clients than open files: %s", v)
	}
	for range most - 1 {
		want(t, server.Dial(t), "+PONG", "PING")
	}
	for range 20 {
		got, err := server.Dial(t).Drain()
		if err != nil || len(got) != 1 || got[0].Text != "ERR max number of clients reached" {
			t.Fatalf("a client too many is told %v, %v", got, err)
		}
	}
	want(t, c, "+OK", "SET", "k", "v")
	want(t, c, "+OK", "SAVE")
	if n := strings.Count(server.Output(), "could not serve a connection") + strings.Count(server.Output(), "could not accept a connection"); n > 0 {
		t.Errorf("%d lines about connections that were not served:\n%s", n, server.Output())
	}
}

func TestAServerThatWouldHaveNoOpenFileForAClientDoesNotStart(t *testing.T) {
	t.Parallel()
	for _, files := range []int{10, 14, 64} {
		out, err := limited(t, files, "--bind", "127.0.0.1:0", "--data-dir", "").CombinedOutput()
		if err == nil || !strings.Contains(string(out), "the limit of open files (ulimit -n) is "+strconv.Itoa(files)) {
			t.Errorf("%d open files: %v, and it says\n%.500s", files, err, out)
		}
	}
}

// TestTooFewOpenFilesAreAClearError: fewer than the server needs, fewer than a tool needs, and fewer than Go's runtime
// needs to start.
func TestTooFewOpenFilesAreAClearError(t *testing.T) {
	t.Parallel()
	for files := 5; files <= 12; files++ { // with less than 5, bash itself cannot start a program
		for _, args := range [][]string{{"--bind", "127.0.0.1:0", "--data-dir", ""}, {"ping", "127.0.0.1:1"}} {
			out, err := limited(t, files, args...).CombinedOutput()
			if err == nil || strings.Contains(string(out), "goroutine") || !strings.Contains(string(out), "quota-db: ") {
				t.Errorf("%d open files, %q: %v, and it says\n%.500s", files, args, err, out)
			}
		}
	}
}
