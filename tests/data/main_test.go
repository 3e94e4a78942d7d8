// Package data uses the tools for data directories as an operator would: on directories of servers that run, were
// stopped, were killed, and on damaged ones.
package data

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

func TestMain(m *testing.M) { os.Exit(process.Main(m)) }

// serve starts a server on a directory.
func serve(t *testing.T, dir string, flags ...string) *process.Server {
	t.Helper()
	return process.QuotaDB(t, append(flags, "--data-dir", dir)...)
}

// tool runs quota-db with these arguments, and returns what it said and its exit code.
func tool(t *testing.T, args ...string) (string, int) {
	t.Helper()
	out, err := exec.Command(process.Binary(t), args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		return string(out), exit.ExitCode()
	}
	return string(out), 0
}

// must runs a tool that is to end with this code and to say what the patterns say.
func must(t *testing.T, code int, args []string, patterns ...string) {
	t.Helper()
	out, got := tool(t, args...)
	if got != code {
		t.Fatalf("%q ends with %d, not %d:\n%s", args, got, code, out)
	}
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(out) {
			t.Errorf("%q does not say %q:\n%s", args, p, out)
		}
	}
}

// life is the identity that check finds in a directory.
func life(t *testing.T, dir string) string {
	t.Helper()
	out, _ := tool(t, "check", dir)
	found := regexp.MustCompile(`identity ([0-9a-f]{16})`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no identity:\n%s", out)
	}
	return found[1]
}

// end ends a server with a signal.
func end(t *testing.T, s *process.Server, sig syscall.Signal) {
	t.Helper()
	s.Signal(t, sig)
	s.Exit(t)
}

// do sends one command, which is not to fail.
func do(t *testing.T, c *wire.Conn, args ...string) wire.Value {
	t.Helper()
	v, err := c.Do(args...)
	if err != nil || v.IsError() {
		t.Fatalf("%q: %v, %v", args, v, err)
	}
	return v
}

// newest is the newest file of a kind.
func newest(t *testing.T, dir, kind string) string {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(dir, kind+"-*")) // fails for a bad pattern only
	if len(names) == 0 {
		t.Fatalf("no %s in %s", kind, dir)
	}
	return slices.Max(names)
}

// damage flips a bit in the middle of the newest file of a kind, and returns its path.
func damage(t *testing.T, dir, kind string) string {
	t.Helper()
	name := newest(t, dir, kind)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 4
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
