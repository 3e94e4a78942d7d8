// Package deploy tests everything for the deployment of nodes: the image, the files of Compose and Kubernetes, the unit
// of systemd, the Debian package.
//
// If a program of the system (buildah, debootstrap, systemd-analyze) is missing, its tests are skipped with a message.
// With QUOTADB_REQUIRE_DEPLOY=1 they fail instead. Containers and packages need root.
package deploy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	requireEnv = "QUOTADB_REQUIRE_DEPLOY"
	// patience is how long a test waits for something that must happen soon.
	patience = 60 * time.Second
	// programTimeout ends a program that hangs.
	programTimeout = 10 * time.Minute
)

// root is the root of the source tree.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// need skips the test, or fails it, if one of the programs is missing or the test does not run as root.
func need(t *testing.T, programs ...string) {
	t.Helper()
	missing := ""
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			missing = err.Error()
		}
	}
	if os.Geteuid() != 0 {
		missing = "not root"
	}
	switch {
	case missing == "":
	case os.Getenv(requireEnv) == "1":
		t.Fatalf("%s=1, but: %s", requireEnv, missing)
	default:
		t.Skipf("needs root and %v: %s", programs, missing)
	}
}

// program runs a program in the root of the source tree and returns what it printed on both outputs. It must succeed.
func program(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := attempt(t, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// built is quota-db, built once for all tests.
var built = struct {
	sync.Once
	path string
}{}

// binary is the path of quota-db.
func binary(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		path := filepath.Join(os.TempDir(), fmt.Sprintf("quota-db-%d", os.Getpid()))
		program(t, "go", "build", "-o", path, "./cmd/quota-db")
		built.path = path
	})
	if built.path == "" {
		t.Fatal("it was not built")
	}
	return built.path
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.Remove(built.path)
	os.Exit(code)
}

// attempt runs a program and returns what it printed on both outputs, and whether it failed.
func attempt(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), programTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = root(t)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// eventually polls until ok is true, and fails with the last text that it has seen.
func eventually(t *testing.T, what string, ok func() (bool, string)) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		done, seen := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %v:\n%s", what, patience, seen)
		}
	}
}
