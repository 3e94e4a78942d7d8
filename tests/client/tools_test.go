package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// toolTimeout ends a tool that waits for something the server never says.
const toolTimeout = 60 * time.Second

// toolCommand prepares a Redis tool that talks to the server.
func toolCommand(t *testing.T, server *process.Server, tool string, args ...string) *exec.Cmd {
	t.Helper()
	path := process.Tool(t, tool)
	host, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), toolTimeout)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, path, append([]string{"-h", host, "-p", port}, args...)...)
}

// runTool runs a Redis tool to its end and returns what it printed; it must exit with 0.
func runTool(t *testing.T, server *process.Server, stdin io.Reader, tool string, args ...string) string {
	t.Helper()
	cmd := toolCommand(t, server, tool, args...)
	cmd.Stdin = stdin
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", tool, args, err, out)
	}
	return string(out)
}

// wantText checks that the output has every text.
func wantText(t *testing.T, out string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("no %q in\n%s", text, out)
		}
	}
}

func TestRedisBenchmarkRunsWithoutErrors(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	tests := "ping_inline,ping_mbulk,set,get,incr,mset"
	out := runTool(t, server, nil, "redis-benchmark", "-q", "-n", "20000", "-t", tests, "-P", "16")
	wantText(t, out, "PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)", "requests per second")
	for _, bad := range []string{"rror", "ERR", "WARNING", "failed"} {
		if strings.Contains(out, bad) {
			t.Errorf("%q in\n%s", bad, out)
		}
	}
}

func TestPipeModeLoadsAHundredThousandCommands(t *testing.T) {
	t.Parallel()
	const commands = 100_000
	server := process.QuotaDB(t)
	var input []byte
	for i := range commands {
		input = wire.AppendCommand(input, "SET", fmt.Sprintf("pipe:%d", i), fmt.Sprint(i))
	}
	out := runTool(t, server, bytes.NewReader(input), "redis-cli", "--pipe")
	wantText(t, out, "errors: 0, replies: 100000")
	if got := runTool(t, server, nil, "redis-cli", "DBSIZE"); strings.TrimSpace(got) != fmt.Sprint(commands) {
		t.Errorf("DBSIZE is %s", got)
	}
	keys := strings.Fields(runTool(t, server, nil, "redis-cli", "--scan"))
	distinct := map[string]bool{}
	for _, key := range keys {
		distinct[key] = true
	}
	if len(distinct) != commands {
		t.Errorf("--scan shows %d keys, %d of them different", len(keys), len(distinct))
	}
	few := strings.Fields(runTool(t, server, nil, "redis-cli", "--scan", "--pattern", "pipe:9999?"))
	if len(few) != 10 {
		t.Errorf("--scan --pattern shows %q", few)
	}
}

func TestKeyReportsOfRedisCLIWork(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	input := "SET small 1\nSET large " + strings.Repeat("x", 1000) + "\nINCR counter\n"
	wantText(t, runTool(t, server, strings.NewReader(input), "redis-cli"), "OK\nOK\n1")
	wantText(t, runTool(t, server, nil, "redis-cli", "--bigkeys"),
		"Sampled 3 keys in the keyspace!", `Biggest string found '"large"' has 1000 bytes`)
	wantText(t, runTool(t, server, nil, "redis-cli", "--memkeys"),
		"Sampled 3 keys in the keyspace!", `Biggest string found '"large"' has`)
}

func TestStatModePrintsNumbers(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	runTool(t, server, nil, "redis-cli", "MSET", "a", "1", "b", "2", "c", "3")
	// --stat runs until it is killed and pads its columns; three lines show that it goes on.
	cmd := toolCommand(t, server, "redis-cli", "-i", "0.05", "--stat")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^3 +\S+[BKMG] +\d+ +\d+ +\d+ \(\+\d+\) +\d+`)
	var text []byte
	buffer := make([]byte, 4096)
	for len(row.FindAll(text, -1)) < 3 && err == nil {
		var n int
		n, err = out.Read(buffer)
		text = append(text, buffer[:n]...)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		t.Errorf("%v after\n%s", err, text)
	}
}

func TestPlainCommandsOfRedisCLIWork(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"PING"}, "PONG"},
		{[]string{"-3", "PING"}, "PONG"},
		{[]string{"-3", "HELLO"}, "proto 3"},
		{[]string{"SET", "k", "v"}, "OK"},
		{[]string{"-3", "GET", "k"}, "v"},
		{[]string{"-n", "0", "GET", "k"}, "v"},
		{[]string{"-r", "3", "INCR", "n"}, "1\n2\n3"},
		{[]string{"-3", "CONFIG", "GET", "maxmemory"}, "maxmemory 0"},
		{[]string{"GETRANGE"}, "ERR "},
	} {
		wantText(t, runTool(t, server, nil, "redis-cli", tt.args...), tt.want)
	}
	wantText(t, runTool(t, server, nil, "redis-cli", "INFO", "server"), "redis_version:7.2.", "quotadb_version:")
}
