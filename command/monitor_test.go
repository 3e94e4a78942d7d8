package command

import (
	"bytes"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestMonitorIsSilentUnderClientReply(t *testing.T) {
	b := newBench(t, nil)
	other := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	b.do("MONITOR")
	for _, step := range []struct {
		command string
		shown   bool // MONITOR shows the next command of another client
	}{
		{"CLIENT REPLY OFF", false},
		{"PING", false},
		{"CLIENT REPLY SKIP", false},
		{"CLIENT REPLY ON", true},
		{"CLIENT REPLY SKIP", false},
		{"PING", true},
		{"MULTI", true},
		{"CLIENT REPLY OFF", false},
		{"EXEC", false},
		{"CLIENT REPLY ON", true},
	} {
		b.do(strings.Fields(step.command)...)
		b.client.TakePushed()
		b.x.Run(other, [][][]byte{words([]string{"ECHO", "x"})}, nil)
		if got := string(b.client.TakePushed()); strings.Contains(got, "ECHO") != step.shown {
			t.Errorf("after %s: %q", step.command, got)
		}
	}
}

// TestMonitorShowsCommandsInTheOrderInWhichTheyRun: clients set one key to different numbers. The reply of each GETSET
// says which GETSET ran before it; that must be the line before it.
func TestMonitorShowsCommandsInTheOrderInWhichTheyRun(t *testing.T) {
	const clients, each = 8, 2000
	b := newBench(t, nil)
	b.do("MONITOR")
	var lines strings.Builder
	collected := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(collected)
		for done := false; !done; {
			select {
			case <-stop:
				done = true
			default:
				runtime.Gosched()
			}
			lines.Write(b.client.TakePushed())
		}
	}()
	before := make(map[string]string) // the value that a GETSET found, by the value that it set
	var mu sync.Mutex
	var wait sync.WaitGroup
	for i := range clients {
		x, client := b.NewExecutor(), b.Connect("127.0.0.1:"+strconv.Itoa(10+i), "127.0.0.1:6380", Connection{})
		wait.Go(func() {
			for n := range each {
				value := strconv.Itoa(i) + "x" + strconv.Itoa(n)
				reply, _ := x.Run(client, [][][]byte{words([]string{"GETSET", "k", value})}, nil)
				mu.Lock()
				before[value] = string(bytes.TrimSpace(reply[bytes.Index(reply, []byte("\r\n")):]))
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	close(stop)
	<-collected
	last, shown := "", 0
	for line := range strings.Lines(lines.String()) {
		fields := strings.Fields(line)
		value := strings.Trim(fields[len(fields)-1], `"`)
		if before[value] != last {
			t.Fatalf("line %d has %s, which ran behind %q; the line before has %q", shown, value, before[value], last)
		}
		last = value
		shown++
	}
	if shown != clients*each {
		t.Errorf("%d lines for %d commands", shown, clients*each)
	}
}

func TestMonitorShowsWhatRedisShows(t *testing.T) {
	b := newBench(t, nil)
	other := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	b.do("MONITOR")
	for _, command := range []string{"AUTH user secret", "HELLO 3 AUTH user secret SETNAME n", "HELLO 2", "EXEC", "MULTI", "NOSUCH", "EXEC", "MULTI", "INCR k", "EXEC",
		"WATCH k", "ACL WHOAMI", "CONFIG GET maxmemory", "GET", "SET k"} {
		b.x.Run(other, [][][]byte{words(strings.Fields(command))}, nil)
	}
	var got []string
	for line := range strings.Lines(string(b.client.TakePushed())) {
		_, shown, _ := strings.Cut(strings.TrimSpace(line), "] ")
		got = append(got, shown)
	}
	want := []string{`"AUTH" "(redacted)" "(redacted)"`, `"HELLO" "3" "AUTH" "(redacted)" "(redacted)" "SETNAME" "n"`, `"HELLO" "2"`, `"EXEC"`, `"MULTI"`, `"EXEC"`,
		`"MULTI"`, `"INCR" "k"`, `"EXEC"`, `"WATCH" "k"`, `"ACL" "WHOAMI"`}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestClientsThatWaitAreCounted(t *testing.T) {
	b := newBench(t, nil)
	others := []*Client{b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{}), b.Connect("127.0.0.1:7", "127.0.0.1:6380", Connection{})}
	b.do("CLIENT", "PAUSE", "100000", "WRITE")
	for _, other := range others {
		b.x.Run(other, [][][]byte{words([]string{"INCR", "k"})}, nil)
	}
	expectLines(t, b.do("INFO", "clients"), "blocked_clients:2")
	b.do("CLIENT", "UNPAUSE")
	for _, other := range others {
		b.x.Run(other, [][][]byte{words([]string{"INCR", "k"})}, nil)
	}
	expectLines(t, b.do("INFO", "clients"), "blocked_clients:0")
}
