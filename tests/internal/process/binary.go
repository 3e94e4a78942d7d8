// Package process starts the real programs that the black-box suites talk to:
// quota-db, built from this tree, redis-server as the oracle, and the Redis tools.
//
// A suite's TestMain calls Main, which builds quota-db once for that suite.
// Every server gets a free port on 127.0.0.1 and ends with its test. Redis is
// optional: without it the tests that need it are skipped with a message, or
// fail when QUOTADB_REQUIRE_REDIS=1 says that the machine is meant to have it.
package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const (
	// binaryEnv names a quota-db to test instead of building one, for instance a release.
	binaryEnv = "QUOTADB_TEST_BINARY"
	// requireEnv set to 1 turns "Redis is not installed" from a skip into a failure.
	requireEnv = "QUOTADB_REQUIRE_REDIS"

	mainPackage = "github.com/quotadb/quota-db/cmd/quota-db"
)

// Main builds quota-db unless QUOTADB_TEST_BINARY names one, runs the tests and
// returns the exit code for TestMain.
func Main(m *testing.M) int {
	if os.Getenv(binaryEnv) != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "quota-db-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "directory for the binary:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "quota-db")
	if out, err := exec.Command("go", "build", "-o", binary, mainPackage).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build %s: %v\n%s", mainPackage, err, out)
		return 1
	}
	if err := os.Setenv(binaryEnv, binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Binary is the path of the quota-db under test.
func Binary(t testing.TB) string {
	t.Helper()
	path := os.Getenv(binaryEnv)
	if path == "" {
		t.Fatal("the suite's TestMain must call process.Main")
	}
	path, err := filepath.Abs(path) // its working directory will be another
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Tool is the path of a program that Redis ships; see the package comment for
// what happens when it is missing.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv(requireEnv) == "1" {
		t.Fatalf("%s=1, but %v", requireEnv, err)
	}
	t.Skipf("needs %s: %v", name, err)
	return ""
}
