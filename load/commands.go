package load

import (
	"fmt"
	"math/rand/v2"
)

// The kinds of keys that tests make.
const (
	counters = "c:"
	buckets  = "q:"
	throttle = "t:"
)

var families = []string{counters, buckets, throttle}

// commandOf is what a test sends, each time with a key at random. The names are those of config.BenchTests.
func commandOf(test, prefix string, plan Plan) func(*rand.Rand) []any {
	key := func(r *rand.Rand, family string) string { return fmt.Sprint(prefix, family, r.IntN(plan.Keys)) }
	return map[string]func(*rand.Rand) []any{
		"ping":  func(*rand.Rand) []any { return []any{"PING"} },
		"get":   func(r *rand.Rand) []any { return []any{"GET", key(r, counters)} },
		"set":   func(r *rand.Rand) []any { return []any{"SET", key(r, counters), r.IntN(1 << 20)} },
		"incr":  func(r *rand.Rand) []any { return []any{"INCR", key(r, counters)} },
		"quota": func(r *rand.Rand) []any { return []any{"QUOTAINCR", key(r, buckets), plan.Limit, plan.Window} },
		"throttle": func(r *rand.Rand) []any {
			return []any{"CL.THROTTLE", key(r, throttle), plan.Limit - 1, plan.Limit, plan.Window}
		},
	}[test]
}
