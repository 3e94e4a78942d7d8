package cluster

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/internal/history"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// command is how an operation is sent.
func command(op history.Op) []string {
	switch op.Kind {
	case history.Get:
		return []string{"GET", op.Key}
	case history.Incr:
		return []string{"INCRBY", op.Key, strconv.FormatInt(op.Delta, 10)}
	case history.Set:
		return []string{"SET", op.Key, strconv.FormatInt(op.Value, 10)}
	case history.GetSet:
		return []string{"SET", op.Key, strconv.FormatInt(op.Value, 10), "GET"}
	case history.Del:
		return []string{"DEL", op.Key}
	case history.GetDel:
		return []string{"GETDEL", op.Key}
	case history.Expire:
		return []string{"PEXPIRE", op.Key, strconv.FormatInt(op.TTL, 10)}
	case history.Persist:
		return []string{"PERSIST", op.Key}
	case history.TTL:
		return []string{"PTTL", op.Key}
	}
	panic("cluster: an operation that no client sends")
}

// outcome translates a reply for the history. done is false if the operation had no effect: a DEL of a key that is past
// its deadline on this node removes nothing, and the key may live on by a later deadline from another node. Errors: the
// command cannot have this reply.
func outcome(op history.Op, v wire.Value) (n int64, done bool, err error) {
	switch op.Kind {
	case history.Get, history.GetSet, history.GetDel:
		if v.IsNull() {
			return 0, op.Kind != history.GetDel, nil
		}
		if v.Kind == wire.Bulk {
			n, err = strconv.ParseInt(v.Text, 10, 64)
			return n, err == nil, err
		}
	case history.Set:
		if v.String() == "+OK" {
			return 0, true, nil
		}
	default:
		if n, ok := v.Int(); ok {
			found := n != 0 || op.Kind != history.Del && op.Kind != history.Expire && op.Kind != history.Persist
			return n, found, nil
		}
	}
	return 0, false, fmt.Errorf("the reply is %v", v)
}

const (
	// resetKeys is the number of keys in use at a time that are not only incremented, but also set, deleted and given
	// deadlines.
	resetKeys = 6
	// longestWindow is the longest TTL of such a key.
	longestWindow = time.Second
	// readingSlack is the largest difference between a node's reading of the clock and the test's: both are on one
	// machine, and one reading serves several commands.
	readingSlack = 20 * time.Millisecond
)

// nodeClock bounds the clock of a node, for the history.
func nodeClock(int) (earliest, latest int64) {
	now := time.Now()
	return now.Add(-readingSlack).UnixMilli(), now.Add(readingSlack).UnixMilli()
}

// resets makes operations for keys that are not only incremented. Only the history knows their possible values.
type resets struct {
	mu   sync.Mutex // protects the fields below
	keys int
	open []openKey
}

func isReset(key string) bool {
	return strings.HasPrefix(key, "reset:") || strings.HasPrefix(key, "window:")
}

// next is an operation of a client of the node in a place. Each increment and SET of a key has a digit of its own.
func (r *resets) next(place int, rng *rand.Rand) history.Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.open) < resetKeys {
		name := "reset:"
		if r.keys%2 == 1 {
			name = "window:"
		}
		r.open = append(r.open, openKey{name: name + itoa(r.keys)})
		r.keys++
	}
	at := rng.IntN(len(r.open))
	k := &r.open[at]
	op := history.Op{Node: place, Key: k.name}
	choice := rng.IntN(16)
	switch {
	case choice == 0:
		op.Kind = history.Del
		return op
	case choice == 1:
		op.Kind = history.GetDel
		return op
	case choice < 5:
		op.Kind = history.Get
		return op
	case choice < 8 && strings.HasPrefix(k.name, "window:"):
		return r.limit(op, choice, rng)
	case choice == 8:
		op.Kind, op.Value = history.Set, history.Digit(k.next)
	case choice == 9:
		op.Kind, op.Value = history.GetSet, history.Digit(k.next)
	default:
		op.Kind, op.Delta = history.Incr, history.Digit(k.next)
	}
	if k.next++; k.next == history.Digits {
		r.open[at] = r.open[len(r.open)-1]
		r.open = r.open[:len(r.open)-1]
	}
	return op
}

// limit makes the operation one on the key's deadline. r.mu is held.
func (r *resets) limit(op history.Op, choice int, rng *rand.Rand) history.Op {
	switch choice {
	case 5:
		op.Kind, op.TTL = history.Expire, 1+rng.Int64N(longestWindow.Milliseconds())
	case 6:
		op.Kind = history.Persist
	default:
		op.Kind = history.TTL
	}
	return op
}

// awaitEnds waits until all deadlines have passed. The clients have ended.
func (r *resets) awaitEnds(t *testing.T) {
	t.Helper()
	end := time.Now().Add(longestWindow + readingSlack)
	within(t, patience, "the end of all windows", func() (bool, string) { return time.Now().After(end), "" })
}
