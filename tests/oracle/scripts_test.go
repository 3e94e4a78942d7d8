package oracle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/script"
)

// minCases guards against a suite that passes because it read nothing.
const minCases = 300

func TestScriptsGetTheSameRepliesAsFromRedis(t *testing.T) {
	t.Parallel()
	both := startServers(t)
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, file := range files {
		cases := readScript(t, file)
		total += len(cases)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.Name, func(t *testing.T) { runCase(t, both, file, c) })
			}
		})
	}
	if total < minCases {
		t.Errorf("%d cases in %d files; expected at least %d", total, len(files), minCases)
	}
}

func readScript(t *testing.T, path string) []script.Case {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	cases, err := script.Parse(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return cases
}

func runCase(t *testing.T, both servers, file string, c script.Case) {
	both.empty(t)
	clients := map[string]client{}
	current := "1"
	for _, step := range c.Steps {
		if step.Directive == "client" {
			current = step.Param
			continue
		}
		if _, ok := clients[current]; !ok {
			clients[current] = both.dial(t)
		}
		redis, quotadb, same := runStep(t, both, clients[current], step)
		if !same(redis, quotadb) {
			t.Errorf("%s:%d: %s\n  redis:    %s\n  quota-db: %s",
				file, step.Line, step.Text, clip(redis.String()), clip(quotadb.String()))
		}
	}
}
