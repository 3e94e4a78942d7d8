package command

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/manual"
	"github.com/quotadb/quota-db/resp"
)

// TestTheValueOfACallIsTheReplyOfACommand runs every row on two equal servers, by a client and by Call, and compares
// the bytes of the reply with those of the value. The arguments come from the row's usage line, and at random.
func TestTheValueOfACallIsTheReplyOfACommand(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, r := range newTable(commands()).rows {
		a, b := newTwin(t), newTwin(t)
		pool, answered := append(anyArguments(), wordsIn(r.usage)...), 0
		for i := range callsEach {
			args := strings.Split(r.full, "|")
			if i%2 == 0 {
				args = append(args, template(rnd, r.arguments)...)
			} else {
				for range rnd.IntN(9) {
					args = append(args, pool[rnd.IntN(len(pool))])
				}
			}
			if compareCall(t, a, b, r, args, 2+i/2%2) {
				answered++
			}
		}
		if answered == 0 && isCallable(r) && !isAlwaysRefused(r) {
			t.Errorf("%s: no call had a reply that is no error", r.full)
		}
	}
}

// newTwin is a server that gives the same replies as every other twin.
func newTwin(t *testing.T) *bench {
	b := newBench(t, func(cfg *config.Config) { cfg.RequirePass = "" })
	b.failures.rate.Capacity = 1_000_000               // so that no reply is delayed
	b.do("CONFIG", "SET", "proto-max-bulk-len", "1mb") // so that no argument creates a value of 512 MB
	b.random = func() uint64 { return 12345 }
	b.do("CONFIG", "SET", "latency-monitor-threshold", "1")
	b.take(0, 20*time.Millisecond, "DEL none") // for LATENCY
	return b
}

// compareCall runs a command on a, calls it on b, and reports whether the reply was no error.
func compareCall(t *testing.T, a, b *bench, r *row, args []string, proto int) bool {
	t.Helper()
	var clients [2]*Client
	for i, s := range []*bench{a, b} {
		s.pause.stop()
		s.do("MSET", "counter", "5", "bytes", "abc")
		s.do("QUOTASET", "quota", "10", "60")
		clients[i] = s.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
		clients[i].Proto = proto
		defer s.Disconnect(clients[i])
	}
	value, _, err := b.x.Call(clients[1], words(args))
	if !isCallable(b.x.resolve(words(args)).row) {
		if err == nil && value.Kind != resp.KindError {
			t.Fatalf("%q was called, and answered %+v", args, value)
		}
		return false
	}
	want, turn := a.x.Run(clients[0], [][][]byte{words(args)}, nil)
	if len(want) == 0 && turn.Next == Late {
		return false // the command waits, and a call does not
	}
	if err != nil {
		t.Fatalf("%q: %v, and a client gets %.500q", args, err, want)
	}
	got := resp.AppendValue(nil, value, proto)
	if isOfTheProcess(r) {
		if kinds := kindsOf(string(got)); kinds != kindsOf(string(want)) {
			t.Fatalf("%q: the value has the types %s, the reply %.500q", args, kinds, want)
		}
	} else if !bytes.Equal(got, want) {
		t.Fatalf("%q, RESP%d\nvalue %.500q\nreply %.500q", args, proto, got, want)
	}
	return value.Kind != resp.KindError
}

// isCallable is the rule for commands that can be called, as a list; nil is a command that does not exist.
func isCallable(r *row) bool {
	return r == nil || !slices.Contains([]string{
		// Commands of a connection.
		"auth", "hello", "quit", "reset", "multi", "exec", "discard", "watch", "unwatch", "monitor", "client|reply",
		// Commands with a late reply, or without one.
		"save", "shutdown", "cluster|digest", "memory|purge", "acl|load", "acl|save",
	}, r.full)
}

// isAlwaysRefused reports whether every reply of a row is an error on a server without disk, peers and file of users.
func isAlwaysRefused(r *row) bool {
	return strings.HasPrefix(r.summary, "Not supported") || r.handler == nil ||
		slices.Contains([]string{"bgsave", "bgrewriteaof", "client|caching"}, r.full)
}

// isOfTheProcess reports whether the replies of a row are about the process, and so differ from call to call.
func isOfTheProcess(r *row) bool {
	return slices.Contains([]string{"info", "acl|genpass", "memory|stats", "memory|doctor", "memory|malloc-stats"}, r.full)
}

// template makes arguments that a usage line allows, with names of existing keys.
func template(rnd *rand.Rand, arguments []manual.Argument) (words []string) {
	for _, a := range arguments {
		if a.Optional && rnd.IntN(2) == 0 {
			continue
		}
		for n := 1 + rnd.IntN(2); n > 0; n-- {
			if a.Token != "" {
				words = append(words, a.Token)
			}
			switch a.Kind {
			case manual.PureToken:
			case manual.OneOf:
				words = append(words, template(rnd, a.Parts[rnd.IntN(len(a.Parts)):][:1])...)
			case manual.Block:
				words = append(words, template(rnd, a.Parts)...)
			default:
				words = append(words, sample(rnd, a))
			}
			if !a.Multiple {
				break
			}
		}
	}
	return words
}

// sample is a value for an argument.
func sample(rnd *rand.Rand, a manual.Argument) string {
	some := map[string][]string{
		manual.Key:      {"counter", "bytes", "quota", "none", "other"},
		manual.Integer:  {"0", "1", "2", "60", "100"},
		manual.Pattern:  {"*", "c*", "[bq]*"},
		manual.UnixTime: {"1800000000", "1800000000000"},
		manual.String:   {"x", "1"},
	}[a.Kind]
	byName := map[string][]string{
		"section": {"server", "stats", "everything"}, "parameter": {"timeout", "maxmemory", "*"}, "command": {"get", "set"}, "arg": {"counter", "1"},
		"command-name": {"get", "config|get", "nosuch"}, "event": {"command"}, "username": {"default", "other"}, "rule": {"on", "+@all", "~*", "nopass"},
		"categoryname": {"string", "slow"}, "ip:port": {"127.0.0.1:77"}, "yes/no": {"yes", "no"}, "type": {"string"}, "db": {"0"}, "index": {"0"},
		"destination-db": {"0"}, "index1": {"0"}, "index2": {"0"}, "category": {"read"}, "numlocal": {"0"}, "numreplicas": {"0", "1"},
		"clientname": {"me"}, "connection-name": {"me"}, "bit": {"0", "1"}, "user": {"default"},
	}[a.Name]
	if byName != nil {
		some = byName
	}
	return some[rnd.IntN(len(some))]
}

func TestACallRunsUnderTheRightsAndPausesOfItsClient(t *testing.T) {
	b := newBench(t, nil)
	client := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	var turn Turn
	call := func(line string) (v resp.Value, err error) {
		v, turn, err = b.x.Call(client, words(strings.Fields(line)))
		return v, err
	}
	if v, err := call("INCRBY k 5"); err != nil || v.Kind != resp.KindInteger || v.Int != 5 {
		t.Errorf("got %+v, %v", v, err)
	}
	if v, err := call("NOSUCH"); err != nil || v.Kind != resp.KindError || !strings.HasPrefix(v.Text, "ERR unknown command") {
		t.Errorf("got %+v, %v", v, err)
	}
	for line, want := range map[string]error{"MULTI": ErrNeedsConnection, "SAVE": ErrAnswersLate, "POST / HTTP/1.1": ErrNoReply} {
		if _, err := call(line); !errors.Is(err, want) {
			t.Errorf("%s: got %v", line, err)
		}
	}
	client = b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	b.do("CLIENT", "PAUSE", "100", "WRITE")
	if _, err := call("INCR k"); !errors.Is(err, ErrNoReply) || turn.Next != Paused || turn.Wait == 0 {
		t.Errorf("while writes are paused: got %v, turn %+v", err, turn)
	}
	b.do("CLIENT", "UNPAUSE")
	if v, err := call("INCR k"); err != nil || v.Int != 6 {
		t.Errorf("got %+v, %v", v, err)
	}
	b.do("ACL", "SETUSER", "default", "-incr")
	if v, err := call("INCR k"); err != nil || v.Kind != resp.KindError || !strings.HasPrefix(v.Text, "NOPERM") {
		t.Errorf("got %+v, %v", v, err)
	}
	if v, err := call("GET k"); err != nil || v.Text != "6" {
		t.Errorf("got %+v, %v", v, err)
	}
}

// TestNothingWaitsInACall: in a call, commands do at once the work that they otherwise do beside the event loop.
func TestNothingWaitsInACall(t *testing.T) {
	b := newReplicatedBench(t, keysAtOnce+1)
	client := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	for _, s := range []struct {
		line string
		is   func(resp.Value) bool
	}{
		{"KEYS key*", func(v resp.Value) bool { return len(v.Items) == keysAtOnce+1 }},
		{"WAITAOF 0 5 0", func(v resp.Value) bool { return len(v.Items) == 2 && v.Items[0].Int == 0 }},
		{"FLUSHALL", func(v resp.Value) bool { return v.Text == "OK" && b.DB.All(b.Now()).Len() == 0 }},
	} {
		if v, turn, err := b.x.Call(client, words(strings.Fields(s.line))); err != nil || turn != (Turn{Ran: 1}) || !s.is(v) {
			t.Errorf("%s: %d values, %.100q, %v; turn %+v", s.line, len(v.Items), v.Text, err, turn)
		}
	}
}

func TestAnAnswerThatIsTakenBackLeavesNoTrace(t *testing.T) {
	b := newBench(t, nil)
	c := &b.x.call
	c.tape, c.client = new(tape), b.client
	c.array(2)
	mark, size := c.mark(), c.size()
	c.bulk("abc")
	c.integer(5)
	c.cut(mark)
	if c.size() != size {
		t.Errorf("%d bytes before, %d after", size, c.size())
	}
	c.null()
	c.simple("x")
	got := string(resp.AppendValue(nil, c.tape.take(), 2))
	c.tape = nil
	if want := "*2\r\n$-1\r\n+x\r\n"; got != want {
		t.Errorf("got %q", got)
	}
}
