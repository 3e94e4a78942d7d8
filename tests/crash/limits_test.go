package crash

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

// limit is a key that all clients take tokens from, in a way of its own. Over every interval, kills included, at most
// limit + limit * its length / window are admitted.
type limit struct {
	name   string
	tokens int
	window time.Duration
	// take are the commands that take a token.
	take func(rng *rand.Rand, key string) [][]string
	// admitted reads the reply to the last of them.
	admitted func(wire.Value) bool
}

// limits are quotas of all kinds. What a quota earns meanwhile is little beside what it holds.
var limits = []limit{
	// FLUSHALL ends it, so it is made anew in one moment with the take
	{"permanent", 100, 100 * time.Second, func(_ *rand.Rand, key string) [][]string {
		return [][]string{{"MULTI"}, {"QUOTASET", key, "100", "100"}, {"INCR", key}, {"EXEC"}}
	}, func(v wire.Value) bool { return len(v.Elems) == 2 && left(v.Elems[1]) }},
	{"transient", 100, 100 * time.Second, func(_ *rand.Rand, key string) [][]string { return [][]string{{"QUOTAINCR", key, "100", "100"}} }, left},
	{"throttle", 10, time.Second, func(_ *rand.Rand, key string) [][]string { return [][]string{{"CL.THROTTLE", key, "9", "10", "1"}} }, notLimited},
	{"in turns", 100, 100 * time.Second, func(rng *rand.Rand, key string) [][]string { // two versions of a program
		return [][]string{{"QUOTAINCR", key, []string{"100", "20"}[rng.IntN(2)], "100"}}
	}, left},
}

func limitKey(i int) string { return "limit:" + limits[i].name }

func left(v wire.Value) bool {
	n, ok := v.Int()
	return ok && n >= 0
}

func notLimited(v wire.Value) bool { return len(v.Elems) == 5 && v.Elems[0].Text == "0" }

// token is one that a client was given at some moment from sent to acked.
type token struct{ sent, acked time.Time }

// verify checks that no more tokens were given than the limit allows, between the moment before any request and the
// moment after any reply.
func (l limit) verify(tokens []token) error {
	slices.SortFunc(tokens, func(a, b token) int { return a.acked.Compare(b.acked) })
	rate := float64(l.tokens) / l.window.Seconds()
	for i, first := range tokens {
		var within []time.Time // replies to requests sent no earlier
		for _, other := range tokens {
			if !other.sent.Before(first.sent) {
				within = append(within, other.acked)
			}
		}
		for n, acked := range within {
			if most := float64(l.tokens) + rate*acked.Sub(first.sent).Seconds() + 1e-6; float64(n+1) > most {
				return fmt.Errorf("%s: %d tokens within %v, at most %.1f are right (from the %d. of %d)", l.name, n+1, acked.Sub(first.sent), most, i+1, len(tokens))
			}
		}
	}
	return nil
}

// addLimited takes a token from one of the limits.
func (c *client) addLimited(raw []byte) ([]byte, sent) {
	i := c.rng.IntN(len(limits))
	commands := limits[i].take(c.rng, limitKey(i))
	for _, words := range commands {
		raw = wire.AppendCommand(raw, words...)
	}
	began := time.Now()
	return raw, sent{fmt.Sprint(commands), len(commands), "", func(now time.Time, v wire.Value) {
		if limits[i].admitted(v) {
			c.tokens[i] = append(c.tokens[i], token{began, now})
		}
	}}
}

// settleLimits judges the tokens of all lives. Some tokens are left out: FLUSHALL ends a limit, and bytes that the
// harness cut from the log may contain a token that was on disk already.
func (h *harness) settleLimits(flushed, cut time.Time) (complaints []error) {
	for i, l := range limits {
		if !flushed.IsZero() {
			h.tokens[i] = nil
		}
		for _, c := range h.clients {
			for _, given := range c.tokens[i] {
				if cut.IsZero() || given.acked.Before(cut) {
					h.tokens[i] = append(h.tokens[i], given)
				}
			}
			c.tokens[i] = nil
		}
		if err := l.verify(h.tokens[i]); err != nil {
			complaints = append(complaints, err)
		}
		h.tokens[i] = recent(h.tokens[i])
	}
	return complaints
}

// recent are the last of many tokens, so that judging them takes no longer with each life.
func recent(tokens []token) []token {
	const most = 2000
	slices.SortFunc(tokens, func(a, b token) int { return cmp.Compare(a.sent.UnixNano(), b.sent.UnixNano()) })
	return tokens[max(0, len(tokens)-most):]
}
