package linear

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	// seedsEnv is how many histories there are for each server; firstEnv the number of the first.
	seedsEnv     = "QUOTADB_TEST_LINEAR_SEEDS"
	firstEnv     = "QUOTADB_TEST_LINEAR_FIRST"
	defaultSeeds = 3

	// historyActions is how many actions each client has in a history.
	historyActions = 32
	// checkTimeout ends the search for an order; then nothing is said of the history.
	checkTimeout = 30 * time.Second
	// slowBytes is how long the texts are that slow commands compare: some milliseconds for each.
	slowBytes = 4000
)

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestWhatClientsSeeIsWhatOneCommandAfterTheOtherGives runs servers with different numbers of processors and shards.
func TestWhatClientsSeeIsWhatOneCommandAfterTheOtherGives(t *testing.T) {
	t.Parallel()
	seeds, first := number(t, seedsEnv, defaultSeeds), number(t, firstEnv, 1)
	unknown := 0
	for _, processors := range []int{1, 2, 8} {
		for _, shards := range []int{1, 2, 64} {
			server := startServer(t, processors, shards)
			for seed := first; seed < first+seeds; seed++ {
				history := record(t, server, uint64(seed*1000+processors*100+shards))
				result, info := porcupine.CheckOperationsVerbose(model(), history, checkTimeout)
				switch result {
				case porcupine.Unknown:
					unknown++
				case porcupine.Illegal:
					t.Errorf("%d processors, %d shards, seed %d: no order of the commands gives these answers\n%s", processors, shards, seed, explain(history, info))
				}
			}
		}
	}
	if t.Logf("%d histories of %d servers, %d of them not decided", seeds*9, 9, unknown); unknown*4 > seeds*9 {
		t.Errorf("%d of %d histories were not decided: this tests too little", unknown, seeds*9)
	}
}

func startServer(t *testing.T, processors, shards int) *process.Server {
	t.Helper()
	addr := process.FreeAddr(t)
	cmd := exec.Command(process.Binary(t), "--bind", addr, "--data-dir", "", "--log-level", "warn", "--shards", strconv.Itoa(shards))
	return process.Start(t, addr, cmd, wire.Dial, "GOMAXPROCS="+strconv.Itoa(processors))
}

// explain prints the history in the order of requests, and the longest part for which an order exists.
func explain(history []porcupine.Operation, info porcupine.LinearizationInfo) string {
	var text strings.Builder
	for _, op := range history {
		fmt.Fprintln(&text, describe(op.Input.(*action), op.Output.([]string)))
	}
	var longest []int
	for _, parts := range info.PartialLinearizations() {
		for _, part := range parts {
			if len(part) > len(longest) {
				longest = part
			}
		}
	}
	fmt.Fprintf(&text, "in order, as far as there is one:\n")
	for _, i := range longest {
		fmt.Fprintln(&text, describe(history[i].Input.(*action), history[i].Output.([]string)))
	}
	return text.String()
}

// record lets clients work on an empty server, and returns their actions and replies in the order of requests.
func record(t *testing.T, server *process.Server, seed uint64) []porcupine.Operation {
	t.Helper()
	setUp(t, server)
	begin := time.Now()
	var mu sync.Mutex
	var history []porcupine.Operation
	var wait sync.WaitGroup
	for i := range clients {
		w := &worker{t: t, client: i, random: rand.New(rand.NewPCG(seed, uint64(i))), conn: server.Dial(t), begin: begin}
		wait.Go(func() {
			for w.next < historyActions {
				w.send()
			}
			mu.Lock()
			defer mu.Unlock()
			history = append(history, w.history...)
		})
	}
	wait.Wait()
	slices.SortStableFunc(history, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	return history
}

// setUp empties a server, except for the texts that slow commands compare.
func setUp(t *testing.T, server *process.Server) {
	t.Helper()
	c := server.Dial(t)
	for _, command := range [][]string{{"FLUSHALL"}, {"SET", "slow1", strings.Repeat("ab", slowBytes/2)}, {"SET", "slow2", strings.Repeat("ba", slowBytes/2)}} {
		if v, err := c.Do(command...); err != nil || v.IsError() {
			t.Fatalf("%s: %s, %v", command[0], v, err)
		}
	}
}

// worker is one client.
type worker struct {
	t       *testing.T
	client  int
	random  *rand.Rand
	conn    *wire.Conn
	begin   time.Time
	next    int // index of its next action
	unique  int
	history []porcupine.Operation
}

// send sends one action, or a pipeline of several with slow commands among them. After a reply that a key is gone it
// waits for as long as two clocks may differ: the server promises no more.
func (w *worker) send() {
	var actions []*action
	var slow []bool // by action: a slow command comes before it
	for range w.batch() {
		actions = append(actions, &action{client: w.client, index: w.next, commands: w.commands()})
		slow = append(slow, w.client == 0 && w.random.IntN(2) == 0)
		w.next++
	}
	var request []byte
	replies := 0
	for i, a := range actions {
		if slow[i] {
			request = wire.AppendCommand(request, "LCS", "slow1", "slow2", "LEN")
			replies++
		}
		request, replies = appendAction(request, replies, a)
	}
	call := time.Since(w.begin)
	values, err := w.conn.Pipeline(request, replies)
	done := time.Since(w.begin)
	if err != nil {
		w.t.Errorf("client %d: %v", w.client, err)
		w.next = historyActions
		return
	}
	gone := false
	for i, a := range actions {
		if slow[i] {
			values = values[1:]
		}
		a.call, a.done = call, done
		var output []string
		output, values = takeReplies(a, values)
		gone = gone || slices.Contains(output, "$nil") || slices.Contains(output, ":0") || slices.Contains(output, ":-2")
		w.history = append(w.history, porcupine.Operation{ClientId: w.client, Input: a, Call: int64(call), Output: output, Return: int64(done)})
	}
	if gone {
		time.Sleep(slack)
	}
}

// batch is how many actions the client sends at once: the first client sends pipelines.
func (w *worker) batch() int {
	left := historyActions - w.next
	if w.client == 0 {
		return min(left, 4+w.random.IntN(9))
	}
	return 1
}

// appendAction appends the commands of an action, a transaction if there are several, and counts their replies.
func appendAction(request []byte, replies int, a *action) ([]byte, int) {
	if len(a.commands) == 1 {
		return wire.AppendCommand(request, a.commands[0]...), replies + 1
	}
	request = wire.AppendCommand(request, "MULTI")
	for _, command := range a.commands {
		request = wire.AppendCommand(request, command...)
	}
	return wire.AppendCommand(request, "EXEC"), replies + len(a.commands) + 2
}

// takeReplies removes an action's replies from the front of all replies.
func takeReplies(a *action, values []wire.Value) (output []string, rest []wire.Value) {
	if len(a.commands) == 1 {
		return []string{values[0].String()}, values[1:]
	}
	exec := len(a.commands) + 1
	for _, v := range values[exec].Elems {
		output = append(output, v.String())
	}
	return output, values[exec+1:]
}

// commands is one command, or sometimes those of a transaction.
func (w *worker) commands() (commands [][]string) {
	n := 1
	if w.random.IntN(8) == 0 {
		n = 2 + w.random.IntN(2)
	}
	for range n {
		commands = append(commands, w.command())
	}
	return commands
}

func (w *worker) command() []string {
	key := string(rune('a' + w.random.IntN(keys)))
	w.unique++
	fresh := strconv.Itoa((w.client+1)*1000 + w.unique)
	millis := strconv.Itoa(3 + w.random.IntN(20))
	switch w.random.IntN(20) {
	case 0, 1, 2, 3:
		return []string{"SET", key, fresh, "PX", millis}
	case 4:
		return []string{"SET", key, fresh}
	case 5:
		return []string{"SET", key, fresh, "KEEPTTL", "GET"}
	case 6, 7:
		return []string{"INCR", key}
	case 8:
		return []string{"DECR", key}
	case 9:
		return []string{"APPEND", key, "7"}
	case 10:
		return []string{"DEL", key}
	case 11:
		return []string{"GETDEL", key}
	case 12:
		return []string{"PEXPIRE", key, millis}
	case 13:
		return []string{"PERSIST", key}
	case 14:
		return []string{"EXISTS", key}
	case 15:
		return []string{"PTTL", key}
	}
	return []string{"GET", key}
}
