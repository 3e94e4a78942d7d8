package crash

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// move is a client's next step on a unit: the commands, the reply to the last of them, and the counts then.
type move struct {
	commands [][]string
	reply    string
	after    []count
}

// kind is a way to use the keys of a unit.
type kind struct {
	name   string
	keys   int  // in a unit
	units  int  // of a client
	quotas bool // the kind uses quotas
	// hot is how often a unit is chosen, beside 1.
	hot int
	// next chooses a step after the last one; none if it has to wait for time to pass.
	next func(rng *rand.Rand, keys []string, last step) (m move, ok bool)
}

var kinds = []kind{
	{"hot", 1, 2, false, 40, nextCount},
	{"cold", 1, 60, false, 1, nextCount},
	{"deleted", 1, 6, false, 4, nextDelete},
	{"set", 1, 6, false, 4, nextSet},
	{"together", 3, 4, false, 6, nextTransaction},
	{"renamed", 2, 4, false, 6, nextRename},
	{"window", 1, 12, false, 2, nextWindow},
	{"again", 1, 12, true, 2, nextAgain},
}

const (
	// A short deadline passes within a life or the next start, a long one lives through some.
	shortTTL, longTTL = 100 * time.Millisecond, 5 * time.Second
	maxAmount         = 100
)

func one(after count, reply string, command ...string) (move, bool) {
	return move{[][]string{command}, reply, []count{after}}, true
}

// add counts up or down, by one or more.
func add(rng *rand.Rand, key string, c count) (move, bool) {
	by := 1 + rng.Int64N(maxAmount)
	words := []string{"INCRBY", key, strconv.FormatInt(by, 10)}
	switch rng.IntN(3) {
	case 0:
		words, by = []string{"INCR", key}, 1
	case 1:
		words[0], by = "DECRBY", -by
	}
	after := count{value: c.value + by, there: true, ttl: c.ttl}
	return one(after, fmt.Sprint(":", after.value), words...)
}

func nextCount(rng *rand.Rand, keys []string, last step) (move, bool) {
	return add(rng, keys[0], last.after[0])
}

func nextDelete(rng *rand.Rand, keys []string, last step) (move, bool) {
	if last.after[0].there && rng.IntN(4) == 0 {
		return one(count{}, ":1", "DEL", keys[0])
	}
	return add(rng, keys[0], last.after[0])
}

func nextSet(rng *rand.Rand, keys []string, last step) (move, bool) {
	if rng.IntN(4) > 0 {
		return add(rng, keys[0], last.after[0])
	}
	value := rng.Int64N(1 << 40)
	return one(count{value: value, there: true}, "+OK", "SET", keys[0], strconv.FormatInt(value, 10))
}

func nextTransaction(rng *rand.Rand, keys []string, last step) (move, bool) {
	m := move{commands: [][]string{{"MULTI"}}}
	var replies []string
	for i, k := range keys {
		by := 1 + rng.Int64N(maxAmount)
		after := last.after[i].value + by
		m.commands = append(m.commands, []string{"INCRBY", k, strconv.FormatInt(by, 10)})
		m.after = append(m.after, count{value: after, there: true})
		replies = append(replies, fmt.Sprint(":", after))
	}
	m.commands = append(m.commands, []string{"EXEC"})
	m.reply = "*[" + strings.Join(replies, " ") + "]"
	return m, true
}

// nextRename counts on whichever key is there, and sometimes moves it to the other name.
func nextRename(rng *rand.Rand, keys []string, last step) (move, bool) {
	holder := 0
	if last.after[1].there {
		holder = 1
	}
	after := make([]count, 2)
	if last.after[holder].there && rng.IntN(3) == 0 {
		after[1-holder] = last.after[holder]
		return move{[][]string{{"RENAME", keys[holder], keys[1-holder]}}, "+OK", after}, true
	}
	m, _ := add(rng, keys[holder], last.after[holder])
	after[holder] = m.after[0]
	m.after = after
	return m, true
}

// nextWindow makes a count, gives it a deadline, and waits until that has certainly passed.
func nextWindow(rng *rand.Rand, keys []string, last step) (move, bool) {
	c := last.after[0]
	switch {
	case !c.there:
		return add(rng, keys[0], c)
	case c.ttl > 0:
		if last.acked.IsZero() || time.Since(last.acked) < c.ttl+clockSlack {
			return move{}, false
		}
		return add(rng, keys[0], count{})
	case rng.IntN(2) == 0:
		return add(rng, keys[0], c)
	}
	limit := shortTTL
	if rng.IntN(4) == 0 {
		limit = longTTL
	}
	c.ttl = time.Duration(1+rng.Int64N(limit.Milliseconds())) * time.Millisecond
	return one(c, ":1", "PEXPIRE", keys[0], strconv.FormatInt(c.ttl.Milliseconds(), 10))
}

// againTokens are what a quota of nextAgain holds. It earns none within the test.
const againTokens = 1000

// nextAgain uses one name for counters and quotas, one after the other, which end by a deadline or by a command.
func nextAgain(rng *rand.Rand, keys []string, last step) (move, bool) {
	c := last.after[0]
	switch n := rng.IntN(6); {
	case c.ttl > 0:
		return nextWindow(rng, keys, last)
	case !c.there && n < 3:
		return one(count{value: againTokens, there: true, quota: true}, "+OK", "QUOTASET", keys[0], strconv.Itoa(againTokens), "1000000000")
	case !c.there:
		return add(rng, keys[0], c)
	case n == 0 && c.quota:
		return one(count{}, ":1", "QUOTADEL", keys[0])
	case n == 1:
		return one(count{}, ":1", "DEL", keys[0])
	case n == 2:
		c.ttl = time.Duration(1+rng.Int64N(shortTTL.Milliseconds())) * time.Millisecond
		return one(c, ":1", "PEXPIRE", keys[0], strconv.FormatInt(c.ttl.Milliseconds(), 10))
	case c.quota: // refused or not: no more tokens are left
		return one(count{value: max(0, c.value-1), there: true, quota: true}, "", "INCR", keys[0])
	}
	return add(rng, keys[0], c)
}
