package load

import (
	"math/rand/v2"
)

// keyspace is the keys of one run: a family for each kind of command.
type keyspace struct{ counters, buckets, throttles *family }

func newKeyspace(prefix string, keys int) *keyspace {
	return &keyspace{newFamily(prefix+"c:", keys), newFamily(prefix+"q:", keys), newFamily(prefix+"t:", keys)}
}

func (k *keyspace) families() []*family { return []*family{k.counters, k.buckets, k.throttles} }

// commandOf returns the function that makes the next command of a test, with a random key. test is one of
// config.BenchTests.
func commandOf(test string, keys *keyspace, plan Plan) func(*rand.Rand) []any {
	one := func(r *rand.Rand) int { return r.IntN(plan.Keys) }
	return map[string]func(*rand.Rand) []any{
		"ping": func(*rand.Rand) []any { return []any{"PING"} },
		"get":  func(r *rand.Rand) []any { return []any{"GET", keys.counters.key(one(r))} },
		"set":  func(r *rand.Rand) []any { return []any{"SET", keys.counters.make(one(r)), r.IntN(1 << 20)} },
		"incr": func(r *rand.Rand) []any { return []any{"INCR", keys.counters.make(one(r))} },
		"quota": func(r *rand.Rand) []any {
			return []any{"QUOTAINCR", keys.buckets.make(one(r)), plan.Limit, plan.Window}
		},
		"throttle": func(r *rand.Rand) []any {
			return []any{"CL.THROTTLE", keys.throttles.make(one(r)), plan.Limit - 1, plan.Limit, plan.Window}
		},
	}[test]
}
