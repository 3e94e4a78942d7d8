package command

import (
	"context"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/engine"
)

// testWall is the time at which the clocks of all tests start, in unix milliseconds.
const testWall = 1_700_000_000_000

// bench is a server with an empty engine and one client. The test moves its clocks.
type bench struct {
	*Server
	x      *Executor
	client *Client
	wall   int64
	pace   time.Duration // passes at every reading of the clock; must be 0 when several goroutines read it
	passed time.Duration // the sum of all paces that have passed
	stops  int           // how often SHUTDOWN has been called
	turn   Turn          // of the last run
}

func newBench(t testing.TB, change func(*config.Config)) *bench {
	t.Helper()
	cfg := config.Default()
	if change != nil {
		change(cfg)
	}
	db, err := engine.Open(engine.Options{Shards: 8, Node: 1, HashKey: [2]uint64{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{wall: testWall}
	t.Cleanup(func() {
		b.Wait()
		_ = db.Close()
	})
	now := func() engine.Moment {
		if b.pace > 0 {
			b.passed += b.pace
		}
		return engine.Moment{Wall: b.wall, Mono: (b.wall-testWall)*1e6 + int64(b.passed)}
	}
	b.Server = NewServer(cfg, db, now, slog.New(slog.DiscardHandler), func() { b.stops++ })
	b.x = b.NewExecutor()
	b.client = b.Connect("127.0.0.1:5", "127.0.0.1:6380", Connection{})
	return b
}

// Wait waits for all work beside the loop.
func (b *bench) Wait() {
	b.Server.Wait()
	_ = b.WaitFiles(context.Background())
}

// do runs one command and returns the bytes of its reply, also if the reply comes from work beside the loop.
func (b *bench) do(args ...string) string {
	out := b.run(b.client, [][][]byte{words(args)})
	if b.turn.Next == Late && b.client.wait == math.MaxInt64 && b.Store == nil {
		b.Wait()
		out += b.run(b.client, nil)
	}
	return out
}

// run runs commands of a client and returns the bytes of their replies.
func (b *bench) run(c *Client, batch [][][]byte) string {
	var out []byte
	out, b.turn = b.x.Run(c, batch, nil)
	return string(out)
}

func words(args []string) [][]byte {
	command := make([][]byte, len(args))
	for i, arg := range args {
		command[i] = []byte(arg)
	}
	return command
}

// step is one line of a script: a command and the exact bytes of the reply.
type step struct {
	text string
	args []string
	want string
	ours bool // the reply differs from Redis's on purpose
}

// parseScript reads lines of the form
//
//	SET k "a b" => +OK
//
// A quoted argument, and any reply, is written as in a Go string. In replies ¶ is a line break; the last line break is
// left out. An exclamation mark at the start of a line marks a reply that differs from Redis 7.0; # begins a comment.
func parseScript(t testing.TB, script string) []step {
	t.Helper()
	var steps []step
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		text, ours := strings.CutPrefix(line, "! ")
		command, reply, ok := strings.Cut(text, " => ")
		if !ok {
			t.Fatalf("no reply in %q", line)
		}
		reply, err := strconv.Unquote(`"` + strings.ReplaceAll(reply+"¶", "¶", `\r\n`) + `"`)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		steps = append(steps, step{line, splitWords(t, command), reply, ours})
	}
	return steps
}

func splitWords(t testing.TB, line string) []string {
	t.Helper()
	var words []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		word, rest, _ := strings.Cut(line, " ")
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if word, err = strconv.Unquote(quoted); err != nil {
				t.Fatal(err)
			}
			rest = line[len(quoted):]
		}
		words, line = append(words, word), rest
	}
	return words
}

// runScript compares the replies of this package with the script, and those of Redis too if there is one.
func runScript(t *testing.T, script string) {
	t.Helper()
	steps, b := parseScript(t, script), newBench(t, nil)
	redis := dialRedis(t)
	for _, s := range steps {
		if got := b.do(s.args...); got != s.want {
			t.Errorf("%s\ngot  %q\nwant %q", s.text, got, s.want)
		}
		if redis == nil {
			continue
		}
		if got := redis.do(t, s.args...); got != s.want && !s.ours {
			t.Errorf("%s\nRedis %q\nwant  %q", s.text, got, s.want)
		} else if got == s.want && s.ours {
			t.Errorf("%s\nRedis answers the same", s.text)
		}
	}
}
