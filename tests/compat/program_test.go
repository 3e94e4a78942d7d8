package compat

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

const (
	// requireEnv set to 1 turns "the library is not installed" from a skip into a failure.
	requireEnv = "QUOTADB_REQUIRE_COMPAT"
	// quotaHasPasswords says whether quota-db knows --requirepass and ACL SETUSER.
	quotaHasPasswords = true

	password       = "secret"
	programTimeout = 30 * time.Second
)

// lockedClaims are those of a program that is given a password.
var lockedClaims = []string{"noauth", "password", "user"}

// installed skips the test unless the command succeeds.
func installed(t *testing.T, command ...string) {
	t.Helper()
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	if err == nil {
		return
	}
	if os.Getenv(requireEnv) == "1" {
		t.Fatalf("%s=1, but %q: %v\n%s", requireEnv, command, err, out)
	}
	t.Skipf("needs %q: %v", command, err)
}

// holds runs a library's program beside both servers, open and locked.
func holds(t *testing.T, claims []string, command ...string) {
	t.Helper()
	servers := []struct {
		name   string
		start  func(testing.TB, ...string) *process.Server
		locked bool
	}{
		{"quota", process.QuotaDB, quotaHasPasswords},
		{"redis", process.Redis, true},
	}
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Run("open", func(t *testing.T) { check(t, s.start(t), claims, command) })
			if s.locked {
				t.Run("locked", func(t *testing.T) {
					check(t, s.start(t, "--requirepass", password), lockedClaims, command, password)
				})
			}
		})
	}
}

// check runs the program and has a subtest for each claim.
func check(t *testing.T, server *process.Server, claims, command []string, args ...string) {
	t.Helper()
	host, port, _ := net.SplitHostPort(server.Addr)
	ctx, cancel := context.WithTimeout(t.Context(), programTimeout)
	defer cancel()
	arguments := slices.Concat(command[1:], []string{host, port}, args)
	output, err := talk(t, server, exec.CommandContext(ctx, command[0], arguments...))
	results := verdicts(output)
	for _, claim := range claims {
		t.Run(claim, func(t *testing.T) {
			if verdict := results[claim]; verdict != "ok" {
				t.Errorf("%q; the program ended with %v:\n%s", verdict, err, output)
			}
			delete(results, claim)
		})
	}
	for claim := range results {
		t.Errorf("nobody asks for claim %q", claim)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// talk runs the program to its end, restarts the server when asked to, and returns what the program printed.
func talk(t *testing.T, server *process.Server, program *exec.Cmd) (string, error) {
	t.Helper()
	program.WaitDelay = time.Second // a child of the program may hold the pipe
	stdin, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, w := io.Pipe()
	program.Stdout, program.Stderr = w, w
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- program.Wait()
		_ = w.Close()
	}()
	var output strings.Builder
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		output.WriteString(lines.Text() + "\n")
		if lines.Text() == "restart" {
			server.Restart(t)
			_, _ = io.WriteString(stdin, "restarted\n")
		}
	}
	return output.String(), <-ended
}

// verdicts reads "ok name" and "FAIL name: why".
func verdicts(output string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "ok "); ok {
			found[name] = "ok"
		} else if failed, ok := strings.CutPrefix(line, "FAIL "); ok {
			name, why, _ := strings.Cut(failed, ": ")
			found[name] = why
		}
	}
	return found
}
