package resp

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// requireRedis set to 1 makes these tests fail, not skip, without redis-server.
const requireRedis = "QUOTADB_REQUIRE_REDIS"

// redis is a redis-server of the test on a unix socket.
type redis struct{ socket string }

func startRedis(t *testing.T) redis {
	t.Helper()
	server, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv(requireRedis) == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir, err := os.MkdirTemp("", "resp") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	r := redis{socket: filepath.Join(dir, "redis")}
	cmd := exec.Command(server, "--port", "0", "--unixsocket", r.socket, "--save", "", "--dir", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("unix", r.socket)
		if err == nil {
			_ = conn.Close()
			return r
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// answer sends a stream and returns all that Redis answers until it has read it to the end, or has closed.
func (r redis) answer(t *testing.T, stream []byte) []byte {
	t.Helper()
	conn, err := net.Dial("unix", r.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(stream); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// answer is what Redis should say to the commands and the error that we read.
func answer(commands [][]string, text string) (out []byte) {
	for _, args := range commands {
		switch args[0] {
		case "PING":
			out = AppendSimple(out, "PONG")
		case "ECHO":
			out = AppendBulkString(out, args[1])
		default:
			out = AppendError(out, fmt.Sprintf("ERR unknown command %q", args))
		}
	}
	if text != "" {
		out = AppendError(out, "ERR "+text)
	}
	return out
}

func TestRedisReadsTheSame(t *testing.T) {
	server := startRedis(t)
	for _, s := range streams {
		if s.own {
			continue
		}
		commands, text := readStream(NewReader(DefaultLimits()), []byte(s.bytes), whole, manyCommands)
		if got, want := server.answer(t, []byte(s.bytes)), answer(commands, text); !bytes.Equal(got, want) {
			t.Errorf("%s: Redis answers %.200q, we %.200q", s.name, got, want)
		}
	}
}

func TestRedisSplitsInlineWordsTheSame(t *testing.T) {
	server := startRedis(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	pieces := []string{`"`, `"`, `'`, `'`, `\`, `\`, " ", " ", "\t", "\r", "\v", "\f", `\x`, `\"`, `\'`, "4", "1", "a", "n", "g", "F", "\x80", "\xff", "é"}
	for range 2000 {
		var line []byte
		for range rnd.IntN(12) {
			line = append(line, pieces[rnd.IntN(len(pieces))]...)
		}
		stream := append(append([]byte("EVAL 'return ARGV' 0 "), line...), '\n')
		commands, text := readStream(NewReader(DefaultLimits()), stream, whole, manyCommands)
		var want []byte
		if text != "" {
			want = AppendError(want, "ERR "+text)
		} else {
			words := commands[0][3:]
			want = AppendArray(want, len(words))
			for _, word := range words {
				want = AppendBulkString(want, word)
			}
		}
		if got := server.answer(t, stream); !bytes.Equal(got, want) {
			t.Fatalf("%q: Redis answers %q, we %q", line, got, want)
		}
	}
}

func TestRedisWritesDoublesTheSame(t *testing.T) {
	server := startRedis(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	numbers := []float64{0, 1, -1, 0.1, 0.5, 1.5, 1e-4, 1e-5, 123456789, 1e15, 1e16, 1e17, 1e18, 1e21, 1e100, 5e-324, math.MaxFloat64, math.Inf(1), math.Inf(-1)}
	for range 500 {
		f := math.Float64frombits(rnd.Uint64())
		if !math.IsNaN(f) {
			numbers = append(numbers, f, float64(rnd.IntN(1000000))/1000, math.Trunc(rnd.Float64()*1e18))
		}
	}
	for _, proto := range []int{2, 3} {
		stream, want := fmt.Appendf(nil, "HELLO %d\n", proto), []byte{}
		for _, f := range numbers {
			text := strings.Replace(strconv.FormatFloat(f, 'g', 17, 64), "Inf", "1e999", 1)
			stream = fmt.Appendf(stream, "EVAL 'redis.setresp(3) return {double=tonumber(ARGV[1])}' 0 %s\n", text)
			want = AppendDouble(want, f, proto)
		}
		got := server.answer(t, stream)
		if !bytes.HasSuffix(got, want) { // what HELLO answers is before
			t.Errorf("RESP%d: Redis writes %q, we %q", proto, got, want)
		}
	}
}
