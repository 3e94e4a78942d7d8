package command

import (
	"strconv"
	"strings"
	"testing"
)

// TestHitsAndMissesAreCountedAsInRedis runs each command on a missing key, on a number, on a text, and on a key with a
// TTL.
func TestHitsAndMissesAreCountedAsInRedis(t *testing.T) {
	redis := dialRedis(t)
	if redis == nil {
		t.Skip("no redis-server on PATH")
	}
	b := newBench(t, nil)
	commands := []string{"GET k", "SET k v", "SET k v GET", "SET k v NX", "SET k v XX", "SET k v NX GET", "SET k v XX GET", "SET k v KEEPTTL GET",
		"GETSET k 5", "GETDEL k", "GETEX k", "GETEX k EX 5", "SETNX k v", "SETEX k 10 v", "MGET k l", "MSET k 1 l 2", "MSETNX k 1 l 2", "STRLEN k",
		"GETRANGE k 0 1", "SETRANGE k 1 x", "APPEND k x", "LCS k l", "INCR k", "DECRBY k 2", "SETBIT k 1 1", "GETBIT k 1", "BITCOUNT k", "BITPOS k 1",
		"DEL k", "UNLINK k l", "EXISTS k l k", "TOUCH k", "TYPE k", "RANDOMKEY", "KEYS *", "SCAN 0", "RENAME k l", "RENAMENX k l", "COPY k l",
		"EXPIRE k 10", "EXPIRE k 10 NX", "TTL k", "PTTL k", "EXPIRETIME k", "PERSIST k", "OBJECT ENCODING k", "OBJECT IDLETIME k", "OBJECT REFCOUNT k",
		"MEMORY USAGE k", "WATCH k", "DBSIZE"}
	for _, command := range commands {
		for _, before := range []string{"PING", "SET k 10", "SET k hello", "SET k 10 EX 100"} {
			var got [2]string
			for i, do := range []func(args ...string) string{b.do, func(args ...string) string { return redis.do(t, args...) }} {
				do("FLUSHALL")
				do(strings.Fields(before)...)
				hits, misses := lookups(do("INFO", "stats"))
				do(strings.Fields(command)...)
				hitsAfter, missesAfter := lookups(do("INFO", "stats"))
				got[i] = strconv.Itoa(hitsAfter-hits) + " hits, " + strconv.Itoa(missesAfter-misses) + " misses"
				do("UNWATCH")
			}
			if got[0] != got[1] {
				t.Errorf("%s after %s: %s, Redis %s", command, before, got[0], got[1])
			}
		}
	}
}

func lookups(info string) (hits, misses int) {
	fields := infoFields(info)
	hits, _ = strconv.Atoi(fields["keyspace_hits"])
	misses, _ = strconv.Atoi(fields["keyspace_misses"])
	return hits, misses
}

func TestInfoShowsWhatKeysHaveLeftOnAverage(t *testing.T) {
	b := newBench(t, nil)
	for i := range 500 {
		b.do("SET", "k"+strconv.Itoa(i), "v", "PX", strconv.Itoa(10_000+2*i))
	}
	b.do("SET", "forever", "v")
	expectLines(t, b.do("INFO", "keyspace"), "db0:keys=501,expires=500,avg_ttl=10499")
	b.wall += 5_000
	b.do("PERSIST", "k0")
	b.do("DEL", "k499")
	expectLines(t, b.do("INFO", "keyspace"), "db0:keys=500,expires=498,avg_ttl=5499")
	b.do("SET", "far", "v", "PXAT", "9223372036854775807")
	b.do("SET", "farther", "v", "PXAT", "9223372036854775807")
	b.do("FLUSHALL")
	b.do("SET", "k", "v", "PX", "700")
	expectLines(t, b.do("INFO", "keyspace"), "db0:keys=1,expires=1,avg_ttl=700")
}
