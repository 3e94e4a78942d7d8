package oracle

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/wire"
	"pgregory.net/rapid"
)

// actor is one client of a generated history, and what it has queued.
type actor struct {
	client
	open   bool
	queued [][]string
}

// TestGeneratedTransactionsGetTheSameReplies compares histories of three clients on few keys, which take turns: they
// watch what others write, between and within their transactions.
func TestGeneratedTransactionsGetTheSameReplies(t *testing.T) {
	t.Parallel()
	both := startServers(t)
	rapid.Check(t, func(r *rapid.T) {
		both.empty(t)
		choose := func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "choice") }
		g := generator{choose: choose, keys: 3}
		actors := make([]*actor, 3)
		for i := range actors {
			actors[i] = &actor{client: both.dial(t)}
			defer actors[i].close()
		}
		var history strings.Builder
		step := func(who int, args []string) {
			_, _ = fmt.Fprintf(&history, "  client %d: %s\n", who, clip(fmt.Sprintf("%q", args)))
			if err := actors[who].step(t, args); err != nil {
				r.Fatalf("%v\n%s", err, history.String())
			}
		}
		for range rapid.IntRange(1, 80).Draw(r, "commands") {
			step(choose(len(actors)), g.transactional())
		}
		for i := range actors {
			step(i, []string{"EXEC"})
		}
		for _, args := range g.inspection() {
			step(0, args)
		}
	})
}

// transactional makes one command, often one about transactions. It never appends an empty text, since WATCH does not
// notice that here.
func (g generator) transactional() []string {
	switch g.choose(12) {
	case 0, 1:
		return []string{"MULTI"}
	case 2, 3:
		return []string{"EXEC"}
	case 4, 5:
		return []string{"WATCH", g.key(g.choose(g.keys)), g.key(g.choose(g.keys))}
	case 6:
		return []string{[]string{"DISCARD", "UNWATCH", "FLUSHALL"}[g.choose(3)]}
	}
	args := g.command()
	if strings.EqualFold(args[0], "APPEND") && args[len(args)-1] == "" {
		return append(args, "extra")
	}
	return args
}

func (a *actor) close() {
	_ = a.redis.Close()
	_ = a.quotadb.Close()
}

// step runs a command on both servers and compares the replies. Of the replies in EXEC's array, each is compared by its
// own rule.
func (a *actor) step(t *testing.T, args []string) error {
	redis, quotadb := a.do(t, args...)
	same := comparisonFor(args)
	word := strings.ToUpper(args[0])
	switch {
	case word == "EXEC" && len(redis.Elems) == len(a.queued) && len(redis.Elems) == len(quotadb.Elems):
		same = func(redis, quotadb wire.Value) bool {
			for i, queued := range a.queued {
				if !comparisonFor(queued)(redis.Elems[i], quotadb.Elems[i]) {
					return false
				}
			}
			return redis.Kind == quotadb.Kind && redis.Nil == quotadb.Nil
		}
	case redis.Text == "QUEUED":
		a.queued = append(a.queued, args)
	case word == "MULTI" && redis.Text == "OK":
		a.open = true
	}
	queued := a.queued
	if a.open && (word == "EXEC" || word == "DISCARD") && redis.Text != "QUEUED" {
		defer func() { a.open, a.queued = false, nil }()
	}
	if !same(redis, quotadb) {
		return fmt.Errorf("%q after %q\n  redis:    %s\n  quota-db: %s", args, queued, clip(redis.String()), clip(quotadb.String()))
	}
	return nil
}
