// Package docs runs the examples of docs/commands.md.
package docs

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/quotadb/quota-db/tests/internal/process"
)

func TestMain(m *testing.M) { os.Exit(process.Main(m)) }

const page = "../../docs/commands.md"

// blocks are the fenced blocks of the page in one language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, part := range strings.Split(string(text), "```"+language+"\n")[1:] {
		block, _, ok := strings.Cut(part, "```")
		if !ok {
			t.Fatal("a block without end")
		}
		found = append(found, block)
	}
	if len(found) == 0 {
		t.Fatalf("%s has no %s examples", page, language)
	}
	return found
}

func TestExamplesPrintWhatThePageSays(t *testing.T) {
	cli := process.Tool(t, "redis-cli")
	for _, block := range blocks(t, "redis") {
		server := process.QuotaDB(t)
		_, port, err := net.SplitHostPort(server.Addr)
		if err != nil {
			t.Fatal(err)
		}
		var commands, want strings.Builder
		for line := range strings.Lines(block) {
			if command, ok := strings.CutPrefix(line, "> "); ok {
				commands.WriteString(command)
			} else {
				want.WriteString(line)
			}
		}
		run := exec.Command(cli, "-p", port, "--no-raw")
		run.Stdin = strings.NewReader(commands.String())
		got, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("redis-cli: %v\n%s", err, got)
		}
		if string(got) != want.String() {
			t.Errorf("the page says\n%s\nredis-cli prints\n%s", block, got)
		}
	}
}

// allow is the page's example, letter by letter; TestTheGoExampleIsTheOneThatRuns checks that.
func allow(ctx context.Context, db *redis.Client, user string) (bool, error) {
	left, err := db.Do(ctx, "QUOTAINCR", "api:"+user, 100, 60).Int64()
	return left >= 0, err
}

func TestTheGoExampleIsTheOneThatRuns(t *testing.T) {
	source, err := os.ReadFile("docs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range blocks(t, "go") {
		if !strings.Contains(string(source), block) {
			t.Errorf("this is not what the test runs:\n%s", block)
		}
	}
}

func TestTheGoExampleAdmitsTheLimitAndNoMore(t *testing.T) {
	server := process.QuotaDB(t)
	db := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer db.Close()
	admitted := 0
	for range 150 {
		ok, err := allow(t.Context(), db, "ada")
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			admitted++
		}
	}
	if admitted < 100 || admitted > 149 { // 100 and what is earned meanwhile
		t.Errorf("150 requests at once: %d admitted", admitted)
	}
}
