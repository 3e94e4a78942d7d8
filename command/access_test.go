package command

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
)

func TestManyWrongPasswordsAreAnsweredLateAndRightOnesAtOnce(t *testing.T) {
	b := newBench(t, nil)
	b.do("ACL", "SETUSER", "u", "on", ">right", "+@all", "~*")
	wrong := "-" + errWrongPass + "\r\n"
	for i := range failureRate().Capacity {
		if got := b.do("AUTH", "u", "wrong"); got != wrong || b.turn.Wait != 0 {
			t.Fatalf("%d: %q, and waits %v", i, got, b.turn.Wait)
		}
	}
	batch := [][][]byte{words([]string{"AUTH", "u", "wrong"}), words([]string{"PING"})}
	if got := b.run(b.client, batch); got != "" || b.turn.Wait != loginDelay || b.turn.Ran != 1 {
		t.Fatalf("%q, waits %v, %d ran", got, b.turn.Wait, b.turn.Ran)
	}
	other := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	if got := b.run(other, [][][]byte{words([]string{"AUTH", "u", "right"}), words([]string{"ACL", "WHOAMI"})}); got != "+OK\r\n$1\r\nu\r\n" {
		t.Errorf("the right password: %q", got)
	}
	if got := b.run(b.client, batch[1:]); got != "" || b.turn.Wait == 0 {
		t.Errorf("before its time: %q", got)
	}
	b.wall += loginDelay.Milliseconds()
	if got := b.run(b.client, batch[1:]); got != wrong+"+PONG\r\n" {
		t.Errorf("afterwards: %q", got)
	}
	for range failureRate().Count { // as many as one second refills
		b.do("AUTH", "u", "wrong")
	}
	b.do("CLIENT", "REPLY", "SKIP")
	if got := b.run(b.client, batch); got != "" || b.turn.Wait == 0 {
		t.Errorf("without a reply it does not wait: %q", got)
	}
	b.wall += loginDelay.Milliseconds()
	if got := b.run(b.client, batch[1:]); got != "+PONG\r\n" {
		t.Errorf("then: %q", got)
	}
	for range failureRate().Count {
		b.do("AUTH", "u", "wrong")
	}
	skipped := append([][][]byte{words([]string{"CLIENT", "REPLY", "SKIP"}), words([]string{"PING"})}, batch...)
	if got := b.run(b.client, skipped); got != "" || b.turn.Wait == 0 || b.turn.Ran != 3 {
		t.Errorf("after a skipped reply: %q", got)
	}
	b.wall += loginDelay.Milliseconds()
	if got := b.run(b.client, batch[1:]); got != wrong+"+PONG\r\n" {
		t.Errorf("the reply behind a skipped one: %q", got)
	}
	b.do("MULTI")
	for range 2 * failureRate().Capacity {
		b.do("AUTH", "u", "wrong")
	}
	if got := b.do("EXEC"); strings.Count(got, wrong) != 2*int(failureRate().Capacity) {
		t.Errorf("within a transaction nothing waits: %q", got)
	}
}

func TestTransactionGuessesNoMorePasswordsThanAreAnsweredAtOnce(t *testing.T) {
	for _, login := range []string{"AUTH u", "HELLO 2 AUTH u"} {
		b := newBench(t, nil)
		b.do("ACL", "SETUSER", "u", "on", ">right", "+@all", "~*")
		// whoAfter is the client's user after a transaction of wrong passwords and then the right one.
		whoAfter := func(wrong uint64) string {
			b.do("RESET")
			b.do("MULTI")
			for range wrong {
				b.do(strings.Fields(login + " wrong")...)
			}
			b.do(strings.Fields(login + " right")...)
			if got := b.do("EXEC"); uint64(strings.Count(got, errWrongPass)) < wrong {
				t.Errorf("%s: %q", login, got)
			}
			return b.client.userName()
		}
		most := failureRate().Capacity
		for _, step := range []struct {
			wrong uint64
			want  string
		}{{most - 1, "u"}, {0, "u"}, {1, "default"}, {0, "default"}, {100 * most, "default"}} {
			if got := whoAfter(step.wrong); got != step.want {
				t.Errorf("%s: after %d wrong passwords it is %s, want %s", login, step.wrong, got, step.want)
			}
		}
		if got := b.do("AUTH", "u", "right"); got != "+OK\r\n" || b.turn.Wait != 0 {
			t.Errorf("outside of a transaction: %q", got)
		}
		b.wall += time.Second.Milliseconds()
		if got := whoAfter(failureRate().Count - 1); got != "u" {
			t.Errorf("%s: a second later it is %s", login, got)
		}
	}
}

func TestWrongPasswordsAreLoggedWithoutThemAndNotTooOften(t *testing.T) {
	b := newBench(t, nil)
	var out bytes.Buffer
	b.Log = slog.New(slog.NewTextHandler(&out, nil))
	b.wall += 1000
	for range 15 {
		b.do("AUTH", "somebody", "hunter2")
	}
	b.wall += time.Second.Milliseconds()
	b.do("AUTH", "somebody", "hunter2")
	text := out.String()
	if strings.Count(text, "login failed") != 2 || !strings.Contains(text, "user=somebody") || !strings.Contains(text, "=14") {
		t.Errorf("got %s", text)
	}
	for _, words := range [][]string{{"ACL", "SETUSER", "u", ">hunter2", "nosuch"}, {"ACL", "SETUSER", "u", ">hunter2"}, {"HELLO", "2", "AUTH", "u", "hunter2"}, {"CONFIG", "SET", "requirepass", "hunter2"}} {
		text += b.do(words...)
	}
	text += out.String()
	for _, words := range [][]string{{"INFO", "everything"}, {"ACL", "LOG"}, {"ACL", "LIST"}, {"ACL", "GETUSER", "u"}, {"SLOWLOG", "GET"}, {"CLIENT", "LIST"}} {
		text += b.do(words...)
	}
	if strings.Contains(text, "hunter2") {
		t.Errorf("a password is shown: %s", text)
	}
}

func TestAccessLogIsBoundedAndCounts(t *testing.T) {
	b := newBench(t, nil)
	b.failures.rate.Capacity = 1_000_000
	b.do("CONFIG", "SET", "acllog-max-len", "5")
	for i := range 20 {
		b.do("AUTH", fmt.Sprint("user", i), "x")
	}
	b.do("AUTH", "user19", "x")
	if got := b.do("ACL", "LOG", "100"); !strings.HasPrefix(got, "*5\r\n") || strings.Count(got, "$5\r\ncount\r\n:2\r\n") != 1 {
		t.Errorf("got %s", got)
	}
	if got := b.do("INFO", "stats"); !strings.Contains(got, "acl_access_denied_auth:21\r\n") {
		t.Errorf("got %s", got)
	}
	long := strings.Repeat("x", 100_000)
	b.do("AUTH", long, "x")
	if got := b.do("ACL", "LOG"); strings.Contains(got, long) {
		t.Error("a name is kept whole")
	}
}

func TestNobodyLogsInAsAUserWhoIsDeletedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(path, []byte("user default on nopass ~* &* +@all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(c *config.Config) { c.UserFile = path })
	for _, end := range []string{"ACL DELUSER u", "ACL LOAD"} {
		b.do("ACL", "SETUSER", "u", "on", ">pw", "+@all", "~*")
		other := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
		u := b.Users.Login([]byte("u"), []byte("pw")) // the first step of AUTH
		if got := b.do(strings.Fields(end)...); u == nil || strings.HasPrefix(got, "-") {
			t.Fatalf("%s: %q", end, got)
		}
		if other.login(b.Server, u) || other.userName() != "default" || other.killed.Load() {
			t.Errorf("%s: logged in as %s", end, other.userName())
		}
	}
}

func TestFileWithoutTheDefaultUserLeavesItThePassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.acl")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := newBench(t, func(c *config.Config) { c.UserFile = path })
	key := func() string { // the password with which a new client can log in
		client := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
		defer b.Disconnect(client)
		if !client.NeedsLogin() {
			return "nothing"
		}
		for _, password := range []string{"first", "second", "file"} {
			if b.x.Run(client, [][][]byte{words([]string{"AUTH", password})}, nil); !client.NeedsLogin() {
				return password
			}
		}
		return "nobody"
	}
	const silent, loud = "user u on >pw ~k +get\n", "user default on >file ~* &* +@all\n"
	write(silent)
	if err := b.SetUp("first"); err != nil {
		t.Fatal(err)
	}
	if got := key(); got != "first" {
		t.Errorf("at start the key is %s", got)
	}
	for _, step := range []struct{ file, command, want string }{
		{silent, "ACL LOAD", "first"},
		{silent, "CONFIG SET requirepass second", "second"},
		{silent, "ACL SETUSER default nopass", "nothing"},
		{silent, "ACL LOAD", "second"},
		{silent, "ACL SETUSER default off", "nobody"},
		{silent, "ACL LOAD", "second"},
		{loud, "ACL LOAD", "file"},
		{silent, "ACL LOAD", "second"},
		{silent, `CONFIG SET requirepass ""`, "nothing"},
		{silent, "ACL LOAD", "nothing"},
	} {
		write(step.file)
		if got := b.do(splitWords(t, step.command)...); got != "+OK\r\n" {
			t.Fatalf("%s: %q", step.command, got)
		}
		if got := key(); got != step.want {
			t.Errorf("%s with the file %q: the key is %s, want %s", step.command, step.file, got, step.want)
		}
	}
}

func TestUsersComeFromTheirFileAndGoBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(path, []byte("user default on nopass ~* &* +@all\nuser u on >pw ~k +get\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(c *config.Config) { c.UserFile = path })
	if err := b.SetUp(""); err != nil {
		t.Fatal(err)
	}
	u := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	if got := b.run(u, [][][]byte{words([]string{"AUTH", "u", "pw"}), words([]string{"GET", "k"}), words([]string{"GET", "l"})}); got != "+OK\r\n$-1\r\n-"+errNoPermKey+"\r\n" {
		t.Errorf("got %q", got)
	}
	b.do("ACL", "SETUSER", "u", "+set")
	if got := b.do("ACL", "SAVE"); got != "+OK\r\n" {
		t.Fatal(got)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), ">") || !strings.Contains(string(text), "+get +set") {
		t.Fatalf("%v: %s", err, text)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("user default on nopass ~* &* +@all\nuser v on\nuser w nosuch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := b.do("ACL", "LOAD"); !strings.Contains(got, path+": line 3: user \"w\"") {
		t.Error(got)
	}
	if b.Users.User("u") == nil || u.killed.Load() {
		t.Error("a file that cannot be read has changed the users")
	}
	if err := os.WriteFile(path, []byte("user v on nopass +ping\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := b.do("ACL", "LOAD"); got != "+OK\r\n" || !u.killed.Load() || b.turn.Next == Bye {
		t.Errorf("%q; the client of the user that is gone lives", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := b.SetUp(""); err == nil {
		t.Error("no file, no error")
	}
}

// TestACLLOADEndsTheClientsOfDeletedUsersAlsoWhenTheOneWhoAskedHasGone: no client is left that could take the reply.
func TestACLLOADEndsTheClientsOfDeletedUsersAlsoWhenTheOneWhoAskedHasGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(path, []byte("user default on nopass ~* &* +@all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(c *config.Config) { c.UserFile = path })
	b.do("ACL", "SETUSER", "u", "on", ">pw", "+@all")
	u := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	if got := b.run(u, batchOf("AUTH u pw")); got != "+OK\r\n" {
		t.Fatal(got)
	}
	b.x.Run(b.client, batchOf("ACL LOAD"), nil)
	b.Disconnect(b.client)
	b.Wait()
	if b.Users.User("u") != nil || !u.killed.Load() {
		t.Errorf("user: %v; its client is disconnected: %v", b.Users.User("u"), u.killed.Load())
	}
}

// TestAClientWhoseOwnUserACLLOADDeletesGetsItsReplyAndEnds: the reply tells the client that the file was read.
func TestAClientWhoseOwnUserACLLOADDeletesGetsItsReplyAndEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(path, []byte("user default on nopass ~* &* +@all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(c *config.Config) { c.UserFile = path })
	b.do("ACL", "SETUSER", "u", "on", ">pw", "+@all")
	b.do("AUTH", "u", "pw")
	if got := b.do("ACL", "LOAD"); got != "+OK\r\n" || b.turn.Next != Bye || b.client.killed.Load() {
		t.Errorf("%q, turn %+v, killed: %v", got, b.turn, b.client.killed.Load())
	}
}
