package robust

import (
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	garbageEnv       = "QUOTADB_TEST_GARBAGE_MB"
	garbageDefaultMB = 100 // what is promised
	connections      = 50
	garbageTimeout   = time.Minute // for one connection

	// allowedGrowth is how much more memory a server may hold after hostile
	// input, once settleTime has passed.
	allowedGrowth = 32 * mib
	settleTime    = 10 * time.Second
)

func garbageBytes(t *testing.T) int {
	t.Helper()
	text := os.Getenv(garbageEnv)
	if text == "" {
		return garbageDefaultMB * mib
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", garbageEnv, err)
	}
	return n * mib
}

func TestRandomBytesLeaveTheServerServingAndSmall(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	observer := server.Dial(t)
	want(t, observer, ":1", "INCR", "witness")
	before := server.RSS(t)

	share := garbageBytes(t) / connections
	var all sync.WaitGroup
	for seed := range connections {
		all.Go(func() {
			noise := rand.NewChaCha8([32]byte{byte(seed)})
			sendGarbage(t, server.Addr, share, noise, seed%2 == 1)
		})
	}
	all.Wait()

	want(t, observer, ":2", "INCR", "witness")
	want(t, server.Dial(t), "+PONG", "PING")
	if rss := server.RSSBelow(t, before+allowedGrowth, settleTime); rss > before+allowedGrowth {
		t.Errorf("resident: %d MiB before, %d MiB after %v", before/mib, rss/mib, settleTime)
	}
}

// sendGarbage writes size random bytes, on a new connection whenever the server closes one. Plain noise soon has an
// unbalanced quote, which ends its connection. With endless, the noise has no such bytes, so that the server reads all
// of it.
func sendGarbage(t *testing.T, addr string, size int, noise io.Reader, endless bool) {
	chunk := make([]byte, 16<<10)
	for sent := 0; sent < size; {
		c, err := wire.Dial(addr)
		if err != nil {
			t.Error(err)
			return
		}
		discarded := make(chan struct{})
		go func() {
			defer close(discarded)
			_ = c.SetReadDeadline(time.Now().Add(garbageTimeout))
			_, _ = io.Copy(io.Discard, c.Conn)
		}()
		for open := true; open && sent < size; {
			_, _ = io.ReadFull(noise, chunk)
			if endless {
				defuse(chunk)
			}
			if open = c.Send(chunk) == nil; open {
				sent += len(chunk)
			}
			select { // bytes after the server's close would test nothing
			case <-discarded:
				open = false
			default:
			}
		}
		_ = c.CloseWrite() // a full close would discard bytes that the server has not read yet
		<-discarded
		_ = c.Close()
	}
}

// defuse replaces the bytes that can make an inline command a protocol error.
func defuse(chunk []byte) {
	for i, b := range chunk {
		if b == '"' || b == '\'' || b == '*' {
			chunk[i] = 'x'
		}
	}
}

// TestDamagedCommandsHarmNobody flips bytes in valid pipelines, which get further than noise. The data of another
// client must not change.
func TestDamagedCommandsHarmNobody(t *testing.T) {
	t.Parallel()
	const rounds = 2_000
	server := process.QuotaDB(t)
	observer := server.Dial(t)
	want(t, observer, "+OK", "SET", "other client's key", "intact")
	valid := wire.AppendCommand(nil, "SET", "key", "value", "PX", "100000", "NX")
	valid = wire.AppendCommand(valid, "MSET", "a", "1", "b", "2")
	valid = wire.AppendCommand(valid, "INCRBY", "a", "100")
	valid = wire.AppendCommand(valid, "HELLO", "3")
	valid = wire.AppendCommand(valid, "GET", "b")
	valid = append(valid, "SET inline \"quo\\x41ted\"\r\n"...)

	rng := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		damaged := append([]byte(nil), valid...)
		for range 1 + rng.IntN(4) {
			damaged[rng.IntN(len(damaged))] = byte(rng.Uint32())
		}
		c, err := wire.Dial(server.Addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Send(damaged) // the server may close early
		if rng.IntN(8) == 0 {
			// What it answers is still well-formed.
			if v, open, err := c.ReceiveOrEnd(); open && err == nil && v.Kind == 0 {
				t.Errorf("%q answers %v", damaged, v)
			}
		}
		_ = c.Close()
	}
	want(t, observer, `$"intact"`, "GET", "other client's key")
}

func TestAnnouncedSizesCostNothingUntilTheBytesArrive(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	observer := server.Dial(t)
	want(t, observer, "+PONG", "PING")
	before := server.RSS(t)
	for range connections {
		for _, start := range []string{
			"*1048576\r\n", "*1\r\n$536870912\r\n", "*1048576\r\n$536870912\r\nabc", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nx",
		} {
			if err := server.Dial(t).Send([]byte(start)); err != nil {
				t.Fatal(err)
			}
		}
	}
	want(t, observer, "$nil", "GET", "k")
	if rss := server.RSSBelow(t, before+allowedGrowth, settleTime); rss > before+allowedGrowth {
		t.Errorf("resident: %d MiB before, %d MiB after", before/mib, rss/mib)
	}
}

func TestHugeLengthsAreRefusedAndTheConnectionClosed(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	for raw, reply := range map[string]string{
		"*2147483648\r\n":                       "-ERR Protocol error: invalid multibulk length",
		"*9223372036854775808\r\n":              "-ERR Protocol error: invalid multibulk length",
		"*1\r\n$536870913\r\n":                  "-ERR Protocol error: invalid bulk length",
		"*1\r\n$99999999999999999999999999\r\n": "-ERR Protocol error: invalid bulk length",
		"*1\r\n$-9223372036854775808\r\n":       "-ERR Protocol error: invalid bulk length",
		"*2\r\n$3\r\nGET\r\n$4294967297\r\nabc": "-ERR Protocol error: invalid bulk length",
	} {
		c := server.Dial(t)
		if err := c.Send([]byte(raw)); err != nil {
			t.Fatal(err)
		}
		got, err := c.Drain()
		if err != nil || len(got) != 1 || got[0].String() != reply {
			t.Errorf("%q answers %v, %v; want %s and the end", raw, got, err, reply)
		}
	}
}
