package robust

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// logPipe is a pipe for the log of a server, as small as the system makes one.
func logPipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	const setPipeSize = 1031 // F_SETPIPE_SZ
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, write.Fd(), setPipeSize, 4096); errno != 0 {
		t.Fatal(errno)
	}
	t.Cleanup(func() { _, _ = read.Close(), write.Close() })
	return read, write
}

// logging starts a server at a durability whose log goes into a pipe.
func logging(t *testing.T, dir, durability string, log *os.File) *process.Server {
	t.Helper()
	addr := process.FreeAddr(t)
	cmd := exec.Command(process.Binary(t), "--bind", addr, "--data-dir", dir, "--durability", durability)
	cmd.Stderr = log
	return process.Start(t, addr, cmd, wire.Dial)
}

func TestALogThatNobodyReadsStopsNeitherTheDiskNorAStop(t *testing.T) {
	t.Parallel()
	for _, durability := range []string{"always", "interval"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			_, log := logPipe(t)
			server := logging(t, dir, durability, log)
			c := server.Dial(t)
			for range 60 { // a line each: more than the pipe takes
				want(t, c, "+OK", "SAVE")
			}
			const writes = 300
			for n := 1; n <= writes; n++ {
				want(t, c, ":"+strconv.Itoa(n), "INCR", "n")
			}
			want(t, c, "*[:1 :0]", "WAITAOF", "1", "0", "5000")
			server.Signal(t, syscall.SIGTERM)
			began := time.Now()
			if code := server.Exit(t); code != 0 || time.Since(began) > 10*time.Second {
				t.Errorf("exit code %d after %v, want 0 within 10 s", code, time.Since(began))
			}
			again := process.QuotaDB(t, "--data-dir", dir)
			want(t, again.Dial(t), `$"`+strconv.Itoa(writes)+`"`, "GET", "n")
		})
	}
}

func TestLinesOfALogThatNobodyReadsAreCountedAndTold(t *testing.T) {
	t.Parallel()
	read, log := logPipe(t)
	server := logging(t, "", "none", log)
	c := server.Dial(t)
	const lines = 12_000 // a line for each: 2 MB
	if err := c.Send(bytes.Repeat(wire.AppendCommand(nil, "CONFIG", "SET", "requirepass", ""), lines)); err != nil {
		t.Fatal(err)
	}
	for range lines {
		if v, err := c.Receive(); err != nil || v.Text != "OK" {
			t.Fatal(v, err)
		}
	}
	if infoField(t, c, "stats", "dropped_log_lines") == "0" {
		t.Fatal("nothing is counted as lost")
	}
	text := make(chan string)
	go func() {
		var all strings.Builder
		buf := make([]byte, 1<<16)
		for !strings.Contains(all.String(), "log lines were lost") {
			n, err := read.Read(buf)
			all.Write(buf[:n])
			if err != nil {
				break
			}
		}
		text <- all.String()
	}()
	select {
	case got := <-text:
		if !strings.Contains(got, "log lines were lost") {
			t.Errorf("the log does not say that lines were lost; it ends with %.300s", got[max(0, len(got)-300):])
		}
	case <-time.After(runTimeout):
		t.Error("the log does not say that lines were lost")
	}
}

func TestAServerWhoseLogReaderHasGoneGoesOn(t *testing.T) {
	t.Parallel()
	read, log := logPipe(t)
	dir := t.TempDir()
	server := logging(t, dir, "interval", log)
	_ = log.Close()
	_ = read.Close()
	c := server.Dial(t)
	for range 3 {
		want(t, c, "+OK", "SAVE") // a line each
	}
	want(t, c, ":1", "INCR", "n")
	server.Signal(t, syscall.SIGTERM)
	if code := server.Exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	want(t, process.QuotaDB(t, "--data-dir", dir).Dial(t), `$"1"`, "GET", "n")
}
