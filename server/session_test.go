package server

import (
	"testing"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/config"
)

// lonely is a session with its own empty engine and account.
func lonely(t testing.TB) (*session, *worker) {
	t.Helper()
	commands := newCommands(t, config.Default())
	w := &worker{executor: commands.NewExecutor()}
	s := newSession(commands, commands.Connect("a:1", "b:2", command.Connection{}), &w.parsed)
	return &s, w
}

// converse gives the session each part as one round and returns all replies.
func converse(s *session, w *worker, parts ...string) (replies string, turn command.Turn) {
	for _, part := range parts {
		s.feed([]byte(part))
		for turn.Next = command.Full; turn.Next == command.Full; {
			var out []byte
			out, turn = s.run(w, nil)
			replies += string(out)
		}
		s.keep()
		if turn.Next == command.Bye {
			break
		}
	}
	return replies, turn
}

func TestSplitOfAPipelineChangesNothing(t *testing.T) {
	input := request("SET", "k", "a\r\nb") + "GET k\r\n" + request("INCR", "n") + request("INCR", "n") + "*x\r\n"
	want := "+OK\r\n$4\r\na\r\nb\r\n:1\r\n:2\r\n-ERR Protocol error: invalid multibulk length\r\n"
	for i := range len(input) {
		s, w := lonely(t)
		got, turn := converse(s, w, input[:i], input[i:])
		if got != want || turn.Next != command.Bye {
			t.Fatalf("split at %d: got %q, turn %+v", i, got, turn)
		}
	}
}

func TestSessionAccountsForWhatItHolds(t *testing.T) {
	s, w := lonely(t)
	converse(s, w, "PING\r\nPI")
	if s.held() < 2 {
		t.Errorf("holds 2 bytes, accounts for %d", s.held())
	}
	converse(s, w, "NG\r\n")
	if s.held() != 0 {
		t.Errorf("holds nothing, accounts for %d", s.held())
	}
}
