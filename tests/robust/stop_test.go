package robust

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// TestEverythingReceivedBeforeASignalIsAnswered pauses the process while clients write, so that their commands are
// unread in its sockets when the signal comes.
func TestEverythingReceivedBeforeASignalIsAnswered(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			const clients, each = 20, 1000
			server := process.QuotaDB(t)
			conns := make([]*wire.Conn, clients)
			for i := range conns {
				conns[i] = server.Dial(t)
				want(t, conns[i], "+PONG", "PING")
			}
			var raw []byte
			for range each {
				raw = wire.AppendCommand(raw, "INCR", "k")
			}
			server.Signal(t, syscall.SIGSTOP)
			for _, c := range conns {
				if err := c.Send(raw); err != nil {
					t.Fatal(err)
				}
			}
			server.Signal(t, sig)
			server.Signal(t, syscall.SIGCONT)

			numbers := map[int64]bool{}
			for i, c := range conns {
				replies, err := c.Drain()
				if err != nil || len(replies) != each {
					t.Errorf("client %d: %d replies, %v; want %d and the end", i, len(replies), err, each)
				}
				for _, v := range replies {
					if n, ok := v.Int(); ok && n >= 1 && n <= clients*each {
						numbers[n] = true
					}
				}
			}
			if len(numbers) != clients*each {
				t.Errorf("%d different numbers, want %d", len(numbers), clients*each)
			}
			if code := server.Exit(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
			want(t, process.QuotaDBAt(t, server.Addr).Dial(t), "+PONG", "PING")
		})
	}
}

func TestIdleAndHalfWayClientsDoNotDelayAStop(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	for i := range 100 {
		c := server.Dial(t)
		want(t, c, "+PONG", "PING")
		if i%2 == 0 {
			if err := c.Send([]byte("*2\r\n$3\r\nGET\r\n$10\r\nhal")); err != nil {
				t.Fatal(err)
			}
		}
	}
	server.Signal(t, syscall.SIGTERM)
	if code := server.Exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestAClientThatNeverReadsDoesNotPreventAStop(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	want(t, server.Dial(t), "+OK", "SET", "large", string(make([]byte, mib)))
	c := server.Dial(t)
	var raw []byte
	for range 100 {
		raw = wire.AppendCommand(raw, "GET", "large")
	}
	if err := c.Send(raw); err != nil {
		t.Fatal(err)
	}
	server.Signal(t, syscall.SIGTERM)
	server.Exit(t)
}

func TestShutdownAnswersWhatCameBeforeAndEndsWithZero(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"", " NOSAVE", " NOW FORCE"} {
		server := process.QuotaDB(t)
		c := server.Dial(t)
		if err := c.Send([]byte("INCR k\r\nINCR k\r\nSHUTDOWN" + words + "\r\nINCR k\r\n")); err != nil {
			t.Fatal(err)
		}
		got, err := c.Drain()
		if err != nil || fmt.Sprint(got) != "[:1 :2]" {
			t.Errorf("SHUTDOWN%s: got %v, %v", words, got, err)
		}
		if code := server.Exit(t); code != 0 {
			t.Errorf("SHUTDOWN%s: exit code %d", words, code)
		}
	}
}

func TestAKilledServerStartsAgainOnItsPortAtOnce(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	for range 10 {
		want(t, server.Dial(t), "+PONG", "PING")
	}
	server.Signal(t, syscall.SIGKILL)
	server.Exit(t)
	want(t, process.QuotaDBAt(t, server.Addr).Dial(t), "+PONG", "PING")
}
