package process

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	// startAttempts is how often another port is tried when somebody else took ours.
	startAttempts = 5
	startTimeout  = 20 * time.Second
	stopTimeout   = 20 * time.Second
	pollInterval  = 5 * time.Millisecond
)

// Server is a running server process.
type Server struct {
	// Addr is where clients connect, "127.0.0.1:port".
	Addr string

	cmd    *exec.Cmd
	dial   func(addr string) (*wire.Conn, error)
	env    []string // beside ours
	output *tail
	exited chan struct{} // closed once the process has been waited for
}

// QuotaDB starts the quota-db under test with these extra flags and waits until it answers.
func QuotaDB(t testing.TB, flags ...string) *Server {
	t.Helper()
	return start(t, func(addr string) *exec.Cmd { return quotaDB(t, addr, flags) })
}

// QuotaDBAt starts quota-db on addr, at once and only there.
func QuotaDBAt(t testing.TB, addr string, flags ...string) *Server {
	t.Helper()
	s, err := startAt(addr, quotaDB(t, addr, flags))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.end(t) })
	return s
}

// Start starts a command that will serve at addr, which dial can reach, and waits until it answers. Variables that
// configure quota-db are only those in env. A command that has a standard error of its own keeps it.
func Start(t testing.TB, addr string, cmd *exec.Cmd, dial func(addr string) (*wire.Conn, error), env ...string) *Server {
	t.Helper()
	s, err := launch(addr, cmd, dial, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.end(t) })
	return s
}

// Command is quota-db under test that will serve at addr, not yet started: for Start.
func Command(t testing.TB, addr string, flags ...string) *exec.Cmd {
	t.Helper()
	return quotaDB(t, addr, flags)
}

// quotaDB is the command in a working directory that goes with the test, so that what it writes by default never lands
// in the source tree.
func quotaDB(t testing.TB, addr string, flags []string) *exec.Cmd {
	cmd := exec.Command(Binary(t), append([]string{"--bind", addr, "--log-level", "warn"}, flags...)...)
	cmd.Dir = t.TempDir()
	return cmd
}

// Redis starts redis-server, without persistence and with the one database that quota-db has too.
func Redis(t testing.TB, flags ...string) *Server {
	t.Helper()
	path := Tool(t, "redis-server")
	dir := t.TempDir()
	return start(t, func(addr string) *exec.Cmd {
		_, port, _ := net.SplitHostPort(addr)
		args := []string{
			"--bind", "127.0.0.1", "--port", port, "--dir", dir,
			"--save", "", "--appendonly", "yes", "--databases", "1", "--loglevel", "warning",
		}
		return exec.Command(path, append(args, flags...)...)
	})
}

// FreeAddr returns an address that was free a moment ago.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func start(t testing.TB, command func(addr string) *exec.Cmd) *Server {
	t.Helper()
	var failures []error
	for range startAttempts {
		addr := FreeAddr(t)
		s, err := startAt(addr, command(addr))
		if err == nil {
			t.Cleanup(func() { s.end(t) })
			return s
		}
		failures = append(failures, err)
	}
	t.Fatal(errors.Join(failures...))
	return nil
}

func startAt(addr string, cmd *exec.Cmd) (*Server, error) {
	return launch(addr, cmd, wire.Dial, nil)
}

func launch(addr string, cmd *exec.Cmd, dial func(addr string) (*wire.Conn, error), env []string) (*Server, error) {
	s := &Server{Addr: addr, cmd: cmd, dial: dial, env: env, output: &tail{}, exited: make(chan struct{})}
	cmd.Stdout = s.output
	if cmd.Stderr == nil {
		cmd.Stderr = s.output
	}
	cmd.Env = append(cleanEnvironment(), env...)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	go func() {
		_ = cmd.Wait() // the exit code is read from ProcessState
		close(s.exited)
	}()
	for deadline := time.Now().Add(startTimeout); ; {
		if s.answers() {
			return s, nil
		}
		select {
		case <-s.exited:
			return nil, fmt.Errorf("%s ended at the start with code %d:\n%s", cmd, cmd.ProcessState.ExitCode(), s.output)
		case <-time.After(pollInterval):
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			<-s.exited
			return nil, fmt.Errorf("%s does not answer PING after %v:\n%s", cmd, startTimeout, s.output)
		}
	}
}

// cleanEnvironment is the test's environment without the variables that configure quota-db: a test configures its
// servers by flags alone.
func cleanEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "QUOTADB_") })
}

// answers reports whether this process, and not another one on the same port, answers.
func (s *Server) answers() bool {
	c, err := s.Connect()
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	if i := slices.Index(s.cmd.Args, "--requirepass"); i >= 0 {
		_, _ = c.Do("AUTH", s.cmd.Args[i+1]) // PING shows whether it was right
	}
	if pong, err := c.Do("PING"); err != nil || pong.Text != "PONG" {
		return false
	}
	info, err := c.Do("INFO", "server")
	if err != nil {
		return false
	}
	_, pid, known := strings.Cut(info.Text, "process_id:")
	pid, _, _ = strings.Cut(pid, "\r\n")
	return !known || pid == fmt.Sprint(s.PID())
}

// PID is the process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Connect connects a client, which the caller closes.
func (s *Server) Connect() (*wire.Conn, error) { return s.dial(s.Addr) }

// Dial connects a client that is closed with the test.
func (s *Server) Dial(t testing.TB) *wire.Conn {
	t.Helper()
	c, err := s.Connect()
	if err != nil {
		t.Fatalf("connect: %v\n%s", err, s.output)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Signal sends a signal to the process.
func (s *Server) Signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("signal %v: %v\n%s", sig, err, s.output)
	}
}

// Exit waits for the process to end by itself and returns its exit code, -1 after a signal.
func (s *Server) Exit(t testing.TB) int {
	t.Helper()
	select {
	case <-s.exited:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(stopTimeout):
		t.Fatalf("still running after %v\n%s", stopTimeout, s.output)
		return 0
	}
}

// Output is the end of what the process has written to stdout and stderr.
func (s *Server) Output() string { return s.output.String() }

// end kills the process; a test that failed shows what the process had to say.
func (s *Server) end(t testing.TB) {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.exited
	if t.Failed() && s.output.String() != "" {
		t.Logf("%s said:\n%s", s.cmd, s.output)
	}
}
