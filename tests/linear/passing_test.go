package linear

import (
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// passingRounds is how often a deadline passes within a pipeline.
const passingRounds = 20

// TestADeadlineThatPassesWithinAPipelineHasPassedForTheRestOfIt: one client creates a key whose deadline passes while
// the slow commands after it run. Another client waits for that, and then writes to a second key. If the rest of the
// pipeline sees that write, it must not see the first key any more.
func TestADeadlineThatPassesWithinAPipelineHasPassedForTheRestOfIt(t *testing.T) {
	t.Parallel()
	server := startServer(t, 8, 64)
	for round := range passingRounds {
		setUp(t, server)
		history := passing(t, server.Dial(t), server.Dial(t))
		if result, info := porcupine.CheckOperationsVerbose(model(), history, checkTimeout); result != porcupine.Ok {
			t.Fatalf("round %d: %v: no order of the commands is known to give these answers\n%s", round, result, explain(history, info))
		}
	}
}

// passing is what the two clients do and see.
func passing(t *testing.T, pipelining, other *wire.Conn) (history []porcupine.Operation) {
	t.Helper()
	begin := time.Now()
	note := func(a *action, replies ...string) {
		history = append(history, porcupine.Operation{ClientId: a.client, Input: a, Call: int64(a.call), Output: replies, Return: int64(a.done)})
	}
	do := func(index int, command ...string) string {
		a := &action{client: 1, index: index, commands: [][]string{command}, call: time.Since(begin)}
		v, err := other.Do(command...)
		if err != nil {
			t.Fatal(err)
		}
		a.done = time.Since(begin)
		note(a, v.String())
		return v.String()
	}
	do(0, "DEL", "a")
	do(1, "DEL", "b")
	commands := [][]string{{"SET", "a", "7", "PX", "10"}, {"GET", "b"}, {"GET", "a"}, {"INCR", "a"}}
	request := wire.AppendCommand(nil, commands[0]...)
	const slow = 5
	for range slow {
		request = wire.AppendCommand(request, "LCS", "slow1", "slow2", "LEN")
	}
	for _, command := range commands[1:] {
		request = wire.AppendCommand(request, command...)
	}
	call := time.Since(begin)
	if err := pipelining.Send(request); err != nil {
		t.Fatal(err)
	}
	index, seen := 2, false
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); index++ {
		reply := do(index, "GET", "a")
		if seen = seen || reply == `$"7"`; seen && reply == "$nil" {
			index++
			break
		}
	}
	time.Sleep(slack) // the largest difference of two clock readings
	do(index, "SET", "b", "1")
	var replies []string
	for range len(commands) + slow {
		v, err := pipelining.Receive()
		if err != nil {
			t.Fatal(err)
		}
		replies = append(replies, v.String())
	}
	replies = slices.Delete(replies, 1, 1+slow)
	for i, command := range commands {
		note(&action{client: 0, index: i, commands: [][]string{command}, call: call, done: time.Since(begin)}, replies[i])
	}
	return history
}
