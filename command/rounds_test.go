package command

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// round is an executor that works in rounds, with some clients.
type round struct {
	*bench
	clients []*Client
	read    int // how often the clock was read
}

func newRound(t *testing.T, clients int) *round {
	r := &round{bench: newBench(t, nil)}
	r.x.InRounds = true
	now := r.Server.Now
	r.Server.Now = func() engine.Moment {
		r.read++
		return now()
	}
	for i := range clients {
		r.clients = append(r.clients, r.Connect(fmt.Sprint("127.0.0.1:", 100+i), "127.0.0.1:6380", Connection{}))
	}
	return r
}

// run runs a line for a client, from memory that is overwritten afterwards, as an event loop's is.
func (r *round) run(client int, line string) string {
	batch := batchOf(line)
	out, _ := r.x.Run(r.clients[client], batch, nil)
	for _, word := range batch[0] {
		copy(word, strings.Repeat("#", len(word)))
	}
	clear(batch[0])
	return string(out)
}

func TestShortCommandsOfARoundShareAReading(t *testing.T) {
	r := newRound(t, 2*groupCommands)
	r.read = 0
	for i := range r.clients {
		r.run(i, "INCR k")
	}
	r.x.Settle()
	if r.read != 3 { // one to begin with, and one at the end of each group, by which the next one goes
		t.Errorf("the clock was read %d times for %d commands", r.read, len(r.clients))
	}
	r.run(0, "INCR k")
	if r.read != 4 {
		t.Error("the next round goes by an old reading")
	}
}

// TestACommandBehindALongOneOfAnotherClientGoesByANewReading: the clock goes on by 10 ms between two readings.
func TestACommandBehindALongOneOfAnotherClientGoesByANewReading(t *testing.T) {
	const shared, own = "$1\r\nv\r\n", "$-1\r\n"
	for line, want := range map[string]string{
		"INCR n": shared, "NOSUCH": shared,
		"DEL a b c": own, "KEYS *": own, "INFO": own, "SET n " + strings.Repeat("x", 1<<20): own,
	} {
		r := newRound(t, 2)
		r.pace = 10 * time.Millisecond
		wall := r.Server.Now
		r.Server.Now = func() engine.Moment {
			m := wall()
			m.Wall += m.Mono / 1e6
			return m
		}
		r.run(0, "SET k v PX 9")
		r.run(1, line)
		if got := r.run(0, "GET k"); got != want {
			t.Errorf("behind %.20s: %q, want %q", line, got, want)
		}
	}
}

func TestCommandsThatAreRefusedDoNotKeepAReadingForEver(t *testing.T) {
	r := newRound(t, 1)
	r.run(0, "SET k v PX 9")
	r.wall += 10
	for range groupCommands {
		r.run(0, "NOSUCH")
	}
	if got := r.run(0, "GET k"); got != "$-1\r\n" {
		t.Errorf("got %q", got)
	}
}

// TestASlowGroupOfSeveralClientsNamesItsFirstCommand, though the memory that the command stood in is another's by then.
func TestASlowGroupOfSeveralClientsNamesItsFirstCommand(t *testing.T) {
	r := newRound(t, 3)
	r.run(0, "INCRBY first 5")
	r.run(1, "INCRBY second 6")
	r.run(2, "INCRBY third 7")
	r.wall += 12
	r.x.Settle()
	got := r.run(0, "SLOWLOG GET -1")
	want := "*4\r\n$6\r\nINCRBY\r\n$5\r\nfirst\r\n$1\r\n5\r\n$35\r\n... (and 2 more pipelined commands)\r\n$13\r\n127.0.0.1:100\r\n"
	if !strings.Contains(got, want) || strings.Contains(got, "second") {
		t.Errorf("got %q\nwant %q in it", got, want)
	}
}

func TestInfoOfTheSameRoundCountsAllThatRanBefore(t *testing.T) {
	r := newRound(t, 2)
	r.pace = time.Millisecond
	r.run(0, "INCR k")
	r.run(0, "GET nothing")
	info := r.run(1, "INFO all")
	expectLines(t, info, "keyspace_misses:1")
	if !strings.Contains(info, "cmdstat_incr:calls=1,") {
		t.Errorf("INCR is not counted:\n%s", info)
	}
}
