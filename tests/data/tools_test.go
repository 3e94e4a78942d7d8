package data

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

func TestCheckSaysHowADirectoryIs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	must(t, 1, []string{"check", dir}, "the directory holds no data")
	s := serve(t, dir, "--durability", "always")
	c := s.Dial(t)
	for i := range 100 {
		do(t, c, "INCR", fmt.Sprint("key", i))
	}
	must(t, 0, []string{"check", dir}, "100 records; node 1, identity [0-9a-f]{16}; a server uses it", "sound")
	end(t, s, syscall.SIGTERM)
	must(t, 0, []string{"check", dir}, "; stopped clean", "sound")

	s = serve(t, dir)
	do(t, s.Dial(t), "INCR", "key1")
	end(t, s, syscall.SIGKILL)
	f, err := os.OpenFile(newest(t, dir, "log"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("half a write"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	must(t, 0, []string{"check", dir}, "not stopped clean", `torn tail: .*log-\d+ from offset \d+ on, 12 bytes.*normal`, "sound")

	end(t, serve(t, dir), syscall.SIGTERM)
	must(t, 0, []string{"check", dir}, "; stopped clean", "sound")
	name := damage(t, dir, "log")
	must(t, 1, []string{"check", dir}, regexp.QuoteMeta(name)+` is damaged at offset \d+`, "FAILS", "restore a backup, or .*check --salvage "+regexp.QuoteMeta(dir)+" OUT")
	must(t, 1, []string{"--data-dir", dir, "-b", process.FreeAddr(t)}, regexp.QuoteMeta(name)+` is damaged at offset \d+`)
}

func TestWrongUsageOfAToolEndsWith2(t *testing.T) {
	for _, args := range [][]string{
		{"check"}, {"check", "a", "b"}, {"check", "--salvage", "a"}, {"check", "--repair", "a"}, {"backup", "a"}, {"backup", "a", "b", "c"}, {"backup", "--data-dir", "a"},
	} {
		must(t, 2, args, "Usage: quota-db check DIR", "check --salvage DIR OUT", "backup DIR OUT")
	}
	must(t, 0, []string{"check", "--help"}, "Usage: quota-db check DIR")
	must(t, 0, []string{"--help"}, "quota-db check DIR", "quota-db backup DIR OUT")
}

// TestASnapshotThatIsDamagedLosesOnlyItsOwnKeys: later changes are in the log.
func TestASnapshotThatIsDamagedLosesOnlyItsOwnKeys(t *testing.T) {
	const keys, changed = 5000, 100
	dir, out := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "out")
	s := serve(t, dir)
	c := s.Dial(t)
	for i := range keys {
		do(t, c, "SET", fmt.Sprint("a key of some length ", i), fmt.Sprint("value ", i))
	}
	do(t, c, "SAVE")
	for i := range changed {
		do(t, c, "SET", fmt.Sprint("a key of some length ", i), fmt.Sprint("value ", i))
	}
	end(t, s, syscall.SIGTERM)
	name := damage(t, dir, "snapshot")
	must(t, 1, []string{"check", dir}, regexp.QuoteMeta(name)+" is damaged")
	said, code := tool(t, "check", "--salvage", dir, out)
	found := regexp.MustCompile(`lost: (\d+) keys`).FindStringSubmatch(said)
	if code != 0 || found == nil {
		t.Fatalf("salvage ends with %d:\n%s", code, said)
	}
	most, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	must(t, 0, []string{"check", out}, "sound")
	c = serve(t, out).Dial(t)
	lost := 0
	for i := range keys {
		switch v := do(t, c, "GET", fmt.Sprint("a key of some length ", i)); {
		case v.IsNull() && i >= changed:
			lost++
		case v.Text != fmt.Sprint("value ", i):
			t.Fatalf("key %d is %v", i, v)
		}
	}
	if lost == 0 || lost > most || lost < most-changed || most > keys/2 {
		t.Errorf("%d keys are lost, %d were said to be", lost, most)
	}
}

// TestALogThatIsDamagedCountsUpToTheDamage: everything that was written before the damage is there.
func TestALogThatIsDamagedCountsUpToTheDamage(t *testing.T) {
	const keys = 100
	dir, out := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "out")
	s := serve(t, dir, "--durability", "always")
	c := s.Dial(t)
	for i := range keys {
		do(t, c, "INCR", fmt.Sprint("key", i))
	}
	end(t, s, syscall.SIGTERM)
	name := damage(t, dir, "log")
	must(t, 0, []string{"check", "--salvage", dir, out}, "kept: log-", "lost: "+regexp.QuoteMeta(name)+` from offset \d+ on, \d+ bytes, \d+ records or more`, "new identity")
	must(t, 1, []string{"check", "--salvage", dir, out}, "the directory is not empty")
	c = serve(t, out).Dial(t)
	there := 0
	for there < keys && !do(t, c, "GET", fmt.Sprint("key", there)).IsNull() {
		there++
	}
	if size := do(t, c, "DBSIZE"); size.Text != fmt.Sprint(there) || there < keys/3 || there > keys*2/3 {
		t.Errorf("%s keys, of which the first %d follow each other", size.Text, there)
	}
}

// patience is how long a test waits for what must happen soon.
const patience = 20 * time.Second

// TestABackupOfAServerUnderLoadIsOfOneMoment has transactions raise two counters, and snapshots replace files, while
// backups are made.
func TestABackupOfAServerUnderLoadIsOfOneMoment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := serve(t, dir)
	stop, done := make(chan struct{}), make(chan error, 2)
	go func() {
		done <- load(s.Addr, stop, []string{"MULTI"}, []string{"INCR", "a"}, []string{"INCR", "b"}, []string{"EXEC"})
	}()
	go func() { done <- load(s.Addr, stop, []string{"SAVE"}) }()
	c := s.Dial(t)
	for i := range 5 {
		out := filepath.Join(t.TempDir(), "out")
		before := counter(t, c, "a")
		for deadline := time.Now().Add(patience); counter(t, c, "a") < before+100; {
			if time.Now().After(deadline) {
				t.Fatal("no load")
			}
		}
		do(t, c, "WAITAOF", "1", "0", "0") // everything before is on disk
		must(t, 0, []string{"backup", dir, out}, "new identity")
		after := counter(t, c, "a")
		must(t, 0, []string{"check", out}, "sound")
		copied := serve(t, out)
		d := copied.Dial(t)
		if a, b := counter(t, d, "a"), counter(t, d, "b"); a != b || a < before || a > after {
			t.Errorf("backup %d: %d and %d, of what was between %d and %d", i, a, b, before, after)
		}
		do(t, d, "INCR", "a")
		if life(t, out) == life(t, dir) {
			t.Error("the copy has the original's life")
		}
		end(t, copied, syscall.SIGTERM)
	}
	close(stop)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if a, b := counter(t, c, "a"), counter(t, c, "b"); a != b {
		t.Errorf("the original goes on: %d and %d", a, b)
	}
	end(t, s, syscall.SIGTERM)
	must(t, 0, []string{"check", dir}, "; stopped clean", "sound")
}

// load sends commands until it is told to stop.
func load(addr string, stop <-chan struct{}, commands ...[]string) error {
	c, err := wire.Dial(addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		for _, args := range commands {
			if v, err := c.Do(args...); err != nil || v.IsError() {
				return fmt.Errorf("%q: %v, %w", args, v, err)
			}
		}
	}
}

func counter(t *testing.T, c *wire.Conn, name string) int {
	t.Helper()
	v := do(t, c, "GET", name)
	if v.IsNull() {
		return 0
	}
	n, err := strconv.Atoi(v.Text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
