package client

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/quotadb/quota-db/tests/internal/process"
)

func TestRedisCLIHintsWhileOneTypes(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	cmd := toolCommand(t, server, "redis-cli")
	terminal := openTerminal(t, func(end *os.File) {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = end, end, end
		cmd.Env = append(os.Environ(), "TERM=xterm", "REDISCLI_HISTFILE=/dev/null", "REDISCLI_RCFILE=/dev/null")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	})
	screen := "" // what has been read and not yet looked for
	expect := func(typed, hint string) {
		t.Helper()
		if _, err := terminal.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 4096)
		for !strings.Contains(screen, hint) {
			n, err := terminal.Read(buffer) // ends with the tool, at the latest after toolTimeout
			if err != nil {
				t.Fatalf("%q: no %q but %v after %q", typed, hint, err, screen)
			}
			screen += string(buffer[:n])
		}
		_, screen, _ = strings.Cut(screen, hint)
	}
	run := func(typed string) {
		t.Helper()
		expect(typed, "OK")
		expect("", "> ") // what is typed before the prompt may be thrown away
	}
	expect("", "> ")
	expect("QUOTASET user:1 ", "limit window")
	run("100 60\r")
	expect("CONFIG SET ", "parameter value [parameter value ...]")
	run("timeout 0\r")
	expect("GETEX user:1 ", "[EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|PERSIST]")
	if _, err := terminal.WriteString("\x15quit\r"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// openTerminal makes a pseudo-terminal, gives its end to a process that start starts, and returns our side of it.
func openTerminal(t *testing.T, start func(end *os.File)) *os.File {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	fd := int(terminal.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 200}); err != nil {
		t.Fatal(err)
	}
	end, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	start(end)
	_ = end.Close()
	return terminal
}
