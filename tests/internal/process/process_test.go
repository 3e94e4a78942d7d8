package process

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

func TestTailKeepsTheEnd(t *testing.T) {
	var o tail
	for range 100 {
		if _, err := o.Write([]byte(strings.Repeat("x", 1000))); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = o.Write([]byte("end"))
	if got := o.String(); len(got) != maxTail || !strings.HasSuffix(got, "xend") {
		t.Errorf("%d bytes, ending %q", len(got), got[len(got)-4:])
	}
}

func TestAProcessThatEndsAtTheStartIsAnErrorWithItsOutput(t *testing.T) {
	_, err := startAt(FreeAddr(t), exec.Command("go", "no-such-command"))
	if err == nil || !strings.Contains(err.Error(), "unknown command") {
		t.Errorf("got %v; want the output of the process", err)
	}
}

func TestRedisStartsAnswersAndIsIdentified(t *testing.T) {
	s := Redis(t)
	c := s.Dial(t)
	if v, err := c.Do("PING"); err != nil || v.Text != "PONG" {
		t.Fatalf("got %v, %v", v, err)
	}
	if s.RSS(t) < 1<<20 {
		t.Errorf("a server of %d bytes", s.RSS(t))
	}
	other := &Server{Addr: s.Addr, dial: wire.Dial, cmd: exec.Command("go", "version"), output: &tail{}}
	if err := other.cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if other.answers() {
		t.Error("a process took another one's answer for its own")
	}
}

func TestRedisOnATakenPortIsAnError(t *testing.T) {
	path := Tool(t, "redis-server")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if _, err := startAt(l.Addr().String(), exec.Command(path, "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir())); err == nil {
		t.Error("it claims to run")
	}
}
