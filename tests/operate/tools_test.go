package operate

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// patience is how long a test waits for what must happen soon.
const patience = 30 * time.Second

// eventually polls until ok, and fails with what it has seen last.
func eventually(t *testing.T, ok func() (bool, string)) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		done, seen := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v:\n%s", patience, seen)
		}
	}
}

// pair starts two nodes that replicate.
func pair(t *testing.T) (a, b *process.Server) {
	t.Helper()
	ports := []string{port(t), port(t)}
	start := func(id int) *process.Server {
		return process.QuotaDB(t, "--node-id", fmt.Sprint(id+1), "--replication-port", ports[id], "--peers", "127.0.0.1:"+ports[1-id], "--anti-entropy-interval", "1s")
	}
	return start(0), start(1)
}

func port(t *testing.T) string {
	_, p, err := net.SplitHostPort(process.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPingSaysWhetherANodeAnswers(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	out, _, code := tool(t, nil, "ping", server.Addr)
	if wants(t, out, server.Addr+" answers after"); code != 0 {
		t.Errorf("exit code %d", code)
	}
	_, errs, code := tool(t, nil, "ping", process.FreeAddr(t))
	if wants(t, errs, "cannot be reached"); code != 1 {
		t.Errorf("nobody there: exit code %d", code)
	}
	server.Signal(t, syscall.SIGSTOP)
	_, errs, code = tool(t, nil, "ping", "--patience", "200ms", server.Addr)
	if wants(t, errs, "does not answer in time"); code != 1 {
		t.Errorf("a stopped process: exit code %d", code)
	}
	server.Signal(t, syscall.SIGCONT)
}

func TestPingKnowsThePasswordOfTheServersEnvironment(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t, "--requirepass", "open sesame")
	out, _, code := tool(t, []string{"QUOTADB_REQUIREPASS=open sesame"}, "ping", server.Addr)
	if code != 0 || strings.Contains(out, "wants a password") {
		t.Errorf("with the password: code %d, %s", code, out)
	}
	out, _, code = tool(t, nil, "ping", server.Addr)
	if wants(t, out, "wants a password"); code != 0 {
		t.Errorf("without: exit code %d", code)
	}
	if _, errs, code := tool(t, nil, "ping", "--password", "wrong", server.Addr); code != 1 || !strings.Contains(errs, "WRONGPASS") {
		t.Errorf("a wrong one: code %d, %s", code, errs)
	}
}

// say sends a command that has to succeed.
func say(t *testing.T, s *process.Server, command string) {
	t.Helper()
	if v, err := s.Dial(t).Do(strings.Fields(command)...); err != nil || v.IsError() {
		t.Fatal(command, v, err)
	}
}

func TestANodeWithAllConnectionsTakenIsAliveAndSaysSo(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t, "--max-connections", "2")
	for range 2 { // the harness's own may still be counted: those that are refused do not matter
		eventually(t, func() (bool, string) {
			v, err := server.Dial(t).Do("PING")
			return err == nil && v.Text == "PONG", fmt.Sprint(v, err)
		})
	}
	for range 20 {
		out, errs, code := tool(t, nil, "ping", server.Addr)
		if wants(t, out, "accepts no more clients"); code != 0 {
			t.Fatalf("exit code %d: %s", code, errs)
		}
	}
	out, _, code := tool(t, nil, "status", server.Addr)
	if wants(t, out, "problem: "+server.Addr+": the node answers: ERR max number of clients"); code != 1 || strings.Contains(out, "no answer") {
		t.Errorf("status: code %d: %s", code, out)
	}
}

// TestTheToolsNeedNoRightsBeyondWhatTheyAsk: no tool sends commands about its connection that its user may not run.
func TestTheToolsNeedNoRightsBeyondWhatTheyAsk(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	say(t, server, "ACL SETUSER watcher on >w ~bench:* -@all +ping +info +cluster|digest +incr +unlink")
	login := []string{"--user", "watcher", "--password", "w"}
	for _, args := range [][]string{{"ping"}, {"status"}, {"bench", "-t", "incr", "-n", "10", "-c", "1"}} {
		if out, errs, code := tool(t, nil, append(append(args, login...), server.Addr)...); code != 0 {
			t.Errorf("%v: code %d: %s%s", args, code, out, errs)
		}
	}
	say(t, server, "ACL SETUSER nobody on >n -@all")
	out, _, code := tool(t, nil, "ping", "--user", "nobody", "--password", "n", server.Addr)
	if wants(t, out, "with an error: NOPERM"); code != 0 {
		t.Errorf("a user without rights: exit code %d", code)
	}
	if v, err := server.Dial(t).Do("ACL", "LOG"); err != nil || strings.Contains(v.String(), "watcher") {
		t.Errorf("the access log has %v %v", v, err)
	}
}

func TestStatusTurnsFromHealthyToNotWhenANodeGoes(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	var out string
	eventually(t, func() (bool, string) {
		var code int
		out, _, code = tool(t, nil, "status", a.Addr, b.Addr)
		return code == 0 && strings.Contains(out, "1 -> 2  online"), out
	})
	wants(t, out, "NODE", a.Addr, b.Addr, "2 -> 1", "healthy")
	b.Signal(t, syscall.SIGKILL)
	eventually(t, func() (bool, string) {
		out, _, code := tool(t, nil, "status", a.Addr)
		return code == 1 && strings.Contains(out, "problem: "+a.Addr+": node 2 is offline"), out
	})
	out, _, code := tool(t, nil, "status", "--json", a.Addr, b.Addr)
	var report struct {
		Healthy bool
		Nodes   []struct{ Answers bool }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || report.Healthy || !report.Nodes[0].Answers || report.Nodes[1].Answers {
		t.Errorf("code %d, %v: %s", code, err, out)
	}
}

func TestStatusCountsQuotasAndDeletedKeys(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	c := a.Dial(t)
	eventually(t, func() (bool, string) { // before the nodes have met, no quota can be used
		v, err := c.Do("QUOTASET", "q1", "10", "60")
		return err == nil && v.String() == "+OK", v.String()
	})
	for _, command := range []string{"QUOTASET q1 10 60", "QUOTASET q2 10 60", "INCR n", "INCR gone", "DEL gone", "QUOTASET q3 5 5", "QUOTADEL q3"} {
		if v, err := c.Do(strings.Fields(command)...); err != nil || v.IsError() {
			t.Fatal(command, v, err)
		}
	}
	eventually(t, func() (bool, string) {
		out, _, _ := tool(t, nil, "status", "--json", a.Addr, b.Addr)
		var report struct {
			Nodes []struct {
				Quotas  int `json:"quotas"`
				Keys    int `json:"keys"`
				Deleted int `json:"deleted_keys_kept"`
			}
		}
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			t.Fatal(err)
		}
		first := report.Nodes[0]
		return first.Quotas == 2 && first.Keys == 3 && first.Deleted == 2, out
	})
}

func TestBenchLoadsSeveralNodesAndLeavesNoKeys(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	out, errs, code := tool(t, nil, "bench", "--json", "-t", "ping,set,get,incr,quota,throttle", "-c", "4", "-P", "8", "-n", "4000", "-k", "100", a.Addr, b.Addr)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var results []struct {
		Test             string
		Commands, Errors int64
		P50              float64 `json:"p50_ms"`
		Max              float64 `json:"max_ms"`
	}
	if err := json.Unmarshal([]byte(out), &results); err != nil || len(results) != 6 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, r := range results {
		if r.Commands != 4000 || r.Errors != 0 || r.P50 <= 0 || r.Max < r.P50 {
			t.Errorf("%+v", r)
		}
	}
	eventually(t, func() (bool, string) {
		for _, s := range []*process.Server{a, b} {
			if v, err := s.Dial(t).Do("DBSIZE"); err != nil || v.String() != ":0" {
				return false, fmt.Sprintf("%s: %v %v", s.Addr, v, err)
			}
		}
		return true, ""
	})
}

func TestABenchOfSoManyRequestsSendsThemAllAndDeletesItsKeysAlone(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	say(t, server, "SET other 1")
	for _, more := range [][]string{nil, {"--duration", "24h"}} {
		out, errs, code := tool(t, nil, append(append([]string{"bench", "--json", "-t", "incr", "-c", "2", "-n", "20", "-k", "10"}, more...), server.Addr)...)
		if code != 0 || !strings.Contains(out, `"commands": 20`) {
			t.Errorf("%q: code %d: %s%s", more, code, out, errs)
		}
	}
	if v, err := server.Dial(t).Do("KEYS", "*"); err != nil || v.String() != `*[$"other"]` {
		t.Errorf("keys are left, or too many are deleted: %v %v", v, err)
	}
}

func TestBenchSaysHowFarItIsAndWhatWasRefused(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	out, errs, code := tool(t, nil, "bench", "-t", "incr", "-c", "2", "-d", "1500ms", server.Addr)
	if wants(t, out+errs, "incr: 1 s, ", "p99.9 ms", "connections: 2, nodes: 1\n"); code != 0 {
		t.Errorf("exit code %d", code)
	}
	locked := process.QuotaDB(t, "--requirepass", "x")
	_, errs, code = tool(t, nil, "bench", "-t", "get", "-c", "1", "-n", "10", locked.Addr)
	if wants(t, errs, "NOAUTH"); code != 1 {
		t.Errorf("without a password: exit code %d", code)
	}
}

func TestANodeTakesItsOptionsFromAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "node.toml")
	text := "node-id = 9\nlog-format = \"json\"\nlog-level = \"info\"\ndata-dir = \"\"\nrequirepass = \"hush\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, code := tool(t, []string{"QUOTADB_SHARDS=8"}, "config", "check", file, "--timeout", "3")
	if wants(t, out, `node-id = "9"`, "# file", `shards = "8"`, "# environment", `timeout = "3"`, "# flag", `requirepass = "***"`); code != 0 {
		t.Errorf("exit code %d", code)
	}
	server := process.QuotaDB(t, "--config", file, "--log-level", "info", "--requirepass", "hush")
	c := server.Dial(t)
	if v, err := c.Do("AUTH", "hush"); err != nil || v.String() != "+OK" {
		t.Fatal(v, err)
	}
	if v, err := c.Do("INFO", "server"); err != nil || !strings.Contains(v.Text, "node_id:9\r\n") || !strings.Contains(v.Text, "config_file:"+file) {
		t.Errorf("%v %v", v.Text, err)
	}
	shown := 0
	for line := range strings.Lines(server.Output()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("%v: %s", err, line)
		}
		if entry["msg"] == "configuration" {
			shown++
		}
	}
	if shown != 1 || strings.Contains(server.Output(), "hush") {
		t.Errorf("the configuration is logged %d times:\n%s", shown, server.Output())
	}
	if err := os.WriteFile(file, []byte("node-idd = 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"config", "check", file}, {"--config", file}} {
		if _, errs, code := tool(t, nil, args...); code != 1 || !strings.Contains(errs, file+":1: node-idd: there is no such option") {
			t.Errorf("%v: code %d: %s", args, code, errs)
		}
	}
}

func TestANodeTellsSystemdWhenItServesAndWhenItStops(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	told := func() string {
		t.Helper()
		if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		message := make([]byte, 100)
		n, err := socket.Read(message)
		if err != nil {
			t.Fatal(err)
		}
		return string(message[:n])
	}
	addr := process.FreeAddr(t)
	server := process.Start(t, addr, process.Command(t, addr), wire.Dial, "NOTIFY_SOCKET="+path)
	if got := told(); got != "READY=1" {
		t.Errorf("told %q", got)
	}
	server.Signal(t, syscall.SIGTERM)
	if got := told(); got != "STOPPING=1" {
		t.Errorf("told %q", got)
	}
	if code := server.Exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestWrongUsageOfAToolIsSaidWithExitCodeTwo(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"completion", "csh"}, {"completion"}, {"man", "x"}, {"check"}, {"check", "--what", "x"}, {"backup", "a"}, {"clock"}, {"config"}, {"config", "chek"}} {
		if _, errs, code := tool(t, nil, args...); code != 2 || !strings.Contains(errs, "Usage: quota-db") {
			t.Errorf("%v: code %d: %s", args, code, errs)
		}
	}
	for args, want := range map[string]string{
		"ping a:1 b:1": "ping --help", "ping --no-such": "ping --help", "status x": "status --help", "status --patience 0": "status --help",
		"bench --test dance": "bench --help", "config check --shards 0": "config check --help", "--shards 0": "--shards", "--no-such": "--no-such", "word": `"word"`,
	} {
		if _, errs, code := tool(t, nil, strings.Fields(args)...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%v: code %d: %s", args, code, errs)
		}
	}
	for _, args := range [][]string{{"completion", "--help"}, {"config", "check", "--help"}, {"ping", "-h"}, {"backup", "--help"}} {
		if out, _, code := tool(t, nil, args...); code != 0 || !strings.Contains(out, "Usage: quota-db") {
			t.Errorf("%v: code %d: %s", args, code, out)
		}
	}
}
