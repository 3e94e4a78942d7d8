package command

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// redisPatience is how long a test waits for redis-server, which needs some seconds for the longest LCS on a busy
// machine.
const redisPatience = 2 * time.Minute

// oracle is the redis-server with which the scripts are compared; nil if there is none on PATH.
type oracle struct {
	conn    net.Conn
	replies *bufio.Reader
}

// dialRedis starts a redis-server with an empty database and one client. It listens on a unix socket, so no port can
// collide.
func dialRedis(t *testing.T) *oracle {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil
	}
	dir, err := os.MkdirTemp("", "redis") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	server := exec.Command(path, "--port", "0", "--unixsocket", socket, "--dir", dir,
		"--save", "", "--appendonly", "no", "--databases", "1", "--loglevel", "warning")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		_ = os.RemoveAll(dir)
	})
	for deadline := time.Now().Add(redisPatience); ; time.Sleep(time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			_ = conn.SetDeadline(time.Now().Add(redisPatience))
			return &oracle{conn, bufio.NewReader(conn)}
		}
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not serve: %v", err)
		}
	}
}

// do sends a command, and an ECHO after it, and returns the bytes of the reply: everything before the reply to ECHO.
func (o *oracle) do(t *testing.T, args ...string) string {
	t.Helper()
	const mark = "$20\r\nthe-reply-ends-here!\r\n"
	request := encode(args) + encode([]string{"ECHO", "the-reply-ends-here!"})
	if _, err := o.conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	var reply strings.Builder
	for !strings.HasSuffix(reply.String(), mark) {
		b, err := o.replies.ReadByte()
		if err != nil {
			t.Fatalf("%q: %v after %q", args, err, reply.String())
		}
		reply.WriteByte(b)
	}
	return strings.TrimSuffix(reply.String(), mark)
}

func encode(args []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b.String()
}
