package command

import (
	"strings"
	"testing"
	"time"
)

func TestATurnSaysHowItsClientGoesOn(t *testing.T) {
	large := strings.Repeat("x", ReplyBytes)
	for _, c := range []struct {
		name   string
		batch  string // commands, separated by commas
		fences bool
		lines  int // of the replies
		want   Turn
	}{
		{"all have run", "INCR k,INCR k", true, 2, Turn{Ran: 2}},
		{"nothing was given", "", true, 0, Turn{}},
		{"the replies are enough", "GET large,PING,PING", true, 2, Turn{Next: Full, Ran: 1}},
		{"an order ends the batch", "PING,CLIENT PAUSE 100 WRITE,PING", true, 2, Turn{Next: Held, Ran: 2, Hold: Hold{Order: true}}},
		{"nobody keeps to orders", "PING,CLIENT PAUSE 100 WRITE,PING", false, 3, Turn{Ran: 3}},
		{"a paused command does not run", "GET k,SET k 1,GET k", true, 1, Turn{Next: Paused, Ran: 1, Wait: 100 * time.Millisecond}},
		{"a late reply", "PING,WAITAOF 0 1 50,PING", true, 1, Turn{Next: Late, Ran: 2, Wait: 50 * time.Millisecond}},
		{"the last command", "PING,QUIT,PING", true, 2, Turn{Next: Bye, Ran: 2}},
		{"the last command gives an order", "PING,CLIENT KILL ID 2 SKIPME no,PING", true, 2, Turn{Next: Bye, Ran: 2, Hold: Hold{Order: true}}},
	} {
		b := newBench(t, nil)
		b.do("SET", "large", large)
		client := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
		if c.want.Next == Paused {
			b.do("CLIENT", "PAUSE", "100", "WRITE")
		}
		b.Fences = c.fences
		var batch [][][]byte
		if c.batch != "" {
			batch = batchOf(strings.Split(c.batch, ",")...)
		}
		out := b.run(client, batch)
		if n := strings.Count(out, "\r\n"); b.turn != c.want || n != c.lines {
			t.Errorf("%s: %d lines of replies, turn %+v; want %d and %+v", c.name, n, b.turn, c.lines, c.want)
		}
	}
}
