package command

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
)

// TestNoEventLoopWaitsForTheFileOfUsers makes ACL LOAD wait for its file, as if the disk hung. The command returns
// without a reply, other commands run, a stop does not wait for the work, and the reply comes when the file can be
// read.
func TestNoEventLoopWaitsForTheFileOfUsers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(path, []byte("user default on nopass ~* &* +@all\nuser u on nopass ~k +get\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(c *config.Config) { c.UserFile = path })
	other := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	b.userFile.Lock()
	if out := b.run(b.client, batchOf("ACL LOAD", "PING")); len(out) > 0 || b.turn.Next != Late {
		t.Errorf("ACL LOAD answers %q before there is a file", out)
	}
	if out := b.run(other, batchOf("PING")); out != "+PONG\r\n" {
		t.Errorf("another client: %q", out)
	}
	b.Server.Wait() // does not wait for files
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.WaitFiles(ended); err == nil {
		t.Error("a stop does not hear of the file that hangs")
	}
	b.userFile.Unlock()
	b.Wait()
	if out := b.run(b.client, batchOf("PING")); out != "+OK\r\n+PONG\r\n" {
		t.Errorf("once there is a file: %q", out)
	}
	if b.Users.User("u") == nil {
		t.Error("the users were not loaded")
	}
}

func TestAFileOfUsersThatIsAPipeIsRefusedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	b := newBench(t, func(c *config.Config) { c.UserFile = path })
	if got := b.do("ACL", "LOAD"); !strings.Contains(got, "not a regular file") {
		t.Errorf("%q", got)
	}
}

// TestWorkBesideTheLoopIsBounded: clients connect, send slow commands, and disconnect.
func TestWorkBesideTheLoopIsBounded(t *testing.T) {
	b := newBench(t, nil)
	b.purges.mu.Lock() // a MEMORY PURGE runs
	begun := b.purges.begun.Load()
	refused := 0
	const more = 10
	for range maxBeside + more {
		c := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
		if b.run(c, batchOf("MEMORY PURGE")) == "-"+errManyBeside+"\r\n" {
			refused++
		}
		b.Disconnect(c)
	}
	b.purges.mu.Unlock()
	b.Wait()
	if passes := b.purges.begun.Load() - begun; refused != more || passes != 1 {
		t.Errorf("%d were refused, %d passes", refused, passes)
	}
	if got := b.do("MEMORY", "PURGE"); got != "+OK\r\n" {
		t.Errorf("afterwards: %q", got)
	}
}

func TestWorkBesideTheLoopIsNotForATransaction(t *testing.T) {
	b := newBench(t, func(c *config.Config) { c.UserFile = filepath.Join(t.TempDir(), "users") })
	for _, command := range []string{"ACL SAVE", "ACL LOAD", "MEMORY PURGE"} {
		b.do("MULTI")
		if got := b.do(strings.Fields(command)...); got != "-"+errNotInMulti+"\r\n" {
			t.Errorf("%s in MULTI: %q", command, got)
		}
		b.do("DISCARD")
	}
	for _, command := range []string{"ACL SAVE", "ACL LOAD", "MEMORY PURGE"} {
		if got := b.do(strings.Fields(command)...); got != "+OK\r\n" {
			t.Errorf("%s: %q", command, got)
		}
	}
}

func TestKeysOfALargeDatabaseAreListedBesideTheLoop(t *testing.T) {
	b := newBench(t, nil)
	for i := range keysAtOnce + 1 {
		b.do("SET", "key"+strconv.Itoa(i), "v")
	}
	out := b.run(b.client, batchOf("KEYS key1*7", "PING"))
	if len(out) > 0 || b.turn.Next != Late {
		t.Fatalf("KEYS answers %q in the loop", out)
	}
	other := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	if out := b.run(other, batchOf("PING")); out != "+PONG\r\n" {
		t.Errorf("another client: %q", out)
	}
	b.Wait()
	out = b.run(b.client, batchOf("PING"))
	listed, rest := string(out[:len(out)-len("+PONG\r\n")]), string(out[len(out)-len("+PONG\r\n"):])
	want := 0
	for i := range keysAtOnce + 1 {
		if n := strconv.Itoa(i); n[0] == '1' && len(n) > 1 && n[len(n)-1] == '7' {
			want++
		}
	}
	if got := len(bulks(t, listed)); got != want || rest != "+PONG\r\n" {
		t.Errorf("KEYS lists %d of %d keys, and then %q", got, want, rest)
	}
	if got := b.do("CLIENT", "REPLY", "SKIP") + b.do("KEYS", "*") + b.do("PING"); got != "+PONG\r\n" {
		t.Errorf("CLIENT REPLY SKIP lets %.100q through", got)
	}
}

func TestAClientThatHasGoneIsNotListedKeysFor(t *testing.T) {
	b := newBench(t, nil)
	for i := range 2 * keysAtOnce {
		b.do("SET", "key"+strconv.Itoa(i), "v")
	}
	b.Server.listing.Lock() // another KEYS runs
	b.x.Run(b.client, batchOf("KEYS *"), nil)
	late := b.client.late
	b.Disconnect(b.client)
	b.Server.listing.Unlock()
	b.Wait()
	var x call
	if done := late(&x, false); !done || string(x.out) != "*0\r\n" {
		t.Errorf("%d bytes were listed", len(x.out))
	}
}

func TestAPatternThatWouldTakeLongIsRefused(t *testing.T) {
	b := newBench(t, nil)
	b.do("SET", strings.Repeat("y", 1<<21-1), "v")
	pattern := "*" + strings.Repeat("y?", 1<<19) + "z*"
	begin := time.Now()
	for _, command := range [][]string{{"KEYS", pattern}, {"SCAN", "0", "MATCH", pattern}} {
		if got := b.do(command...); got != "-"+errPattern+"\r\n" {
			t.Errorf("%s: %.100q", command[0], got)
		}
	}
	if took := time.Since(begin); took > 5*time.Second { // 0.2 s on an idle machine
		t.Errorf("took %v", took)
	}
}
