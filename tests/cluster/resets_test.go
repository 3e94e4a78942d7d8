package cluster

import (
	"strconv"
	"testing"
	"time"
)

// TestResetsRemoveWhatTheirNodeHasSeen tests SET, DEL and similar commands on nodes that are cut off from each other.
// Each script has its own keys; all use one cluster.
func TestResetsRemoveWhatTheirNodeHasSeen(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	before := func(words ...string) { r.do(t, 0, "+OK", words...) }
	incr := func(place int, want int, words ...string) { r.do(t, place, ":"+strconv.Itoa(want), words...) }

	for _, k := range []string{"del", "getdel", "set", "sets", "flushed", "kept"} {
		before("SET", k, "10")
	}
	incr(1, 1, "INCR", "del:by-two")
	r.becomes(t, `$"1"`, "GET", "del:by-two")
	r.becomes(t, `$"10"`, "GET", "kept")

	r.around(0, mode{kind: cut})
	r.do(t, 0, ":1", "DEL", "del")
	incr(1, 13, "INCRBY", "del", "3")
	r.do(t, 0, `$"10"`, "GETDEL", "getdel")
	incr(1, 8, "DECRBY", "getdel", "2")
	r.do(t, 0, "+OK", "SET", "set", "100")
	incr(1, 14, "INCRBY", "set", "4")
	r.do(t, 0, "+OK", "SET", "sets", "1000")
	incr(0, 1001, "INCR", "sets")
	r.do(t, 0, ":1", "DEL", "del:by-two")
	incr(0, 1, "INCR", "del:by-two")
	r.do(t, 2, ":1", "DEL", "del:by-two")
	incr(2, 5, "INCRBY", "del:by-two", "5")
	incr(0, 7, "INCRBY", "made:apart", "7")
	incr(2, 8, "INCRBY", "made:apart", "8")
	within(t, patience, "a later millisecond", later())
	r.do(t, 2, "+OK", "SET", "sets", "2000")
	incr(2, 2003, "INCRBY", "sets", "3")
	r.heal()

	for k, want := range map[string]string{
		"del":        "3",    // the increment that DEL could not see
		"getdel":     "-2",   // the same
		"set":        "104",  // added to the SET
		"sets":       "2004", // the later SET, and the increments on either side, which the other SET could not see
		"del:by-two": "6",
		"made:apart": "15",
	} {
		r.becomes(t, "$"+strconv.Quote(want), "GET", k)
	}
	r.equal(t)
}

// later waits until the clock has advanced by a millisecond, so that stamps of different nodes have an order.
func later() func() (bool, string) {
	from := time.Now().UnixMilli()
	return func() (bool, string) { return time.Now().UnixMilli() > from+1, "the clock stands still" }
}

func TestFLUSHALLRemovesWhatItsNodeHasSeen(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	for _, k := range []string{"a", "b", "c"} {
		r.do(t, 0, ":5", "INCRBY", k, "5")
	}
	r.do(t, 1, "+OK", "SET", "limited", "1", "EX", "1000")
	for _, k := range []string{"a", "b", "c"} {
		r.becomes(t, `$"5"`, "GET", k)
	}
	r.becomes(t, `$"1"`, "GET", "limited")
	r.around(1, mode{kind: cut})
	r.do(t, 1, "+OK", "FLUSHALL")
	r.do(t, 1, ":0", "DBSIZE")
	r.do(t, 1, ":1", "INCR", "b")
	r.do(t, 2, ":7", "INCRBY", "c", "2")
	r.do(t, 0, ":1", "INCR", "d")
	r.heal()
	for k, want := range map[string]string{"a": "$nil", "b": `$"1"`, "c": `$"2"`, "d": `$"1"`, "limited": "$nil"} {
		r.becomes(t, want, "GET", k)
	}
	r.becomes(t, ":3", "DBSIZE")
	r.equal(t)
}

// TestADeletedKeyStaysDeletedThroughRestarts has remains of keys outlive the processes.
func TestADeletedKeyStaysDeletedThroughRestarts(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	r.do(t, 0, ":5", "INCRBY", "gone", "5")
	r.becomes(t, `$"5"`, "GET", "gone")
	r.around(2, mode{kind: cut})
	r.do(t, 0, ":1", "DEL", "gone")
	r.do(t, 1, ":6", "INCRBY", "counted", "6")
	r.equal(t, 0, 1)
	for place := range 2 {
		r.restart(t, place)
	}
	r.do(t, 2, `$"5"`, "GET", "gone")
	r.heal()
	r.becomes(t, "$nil", "GET", "gone")
	r.becomes(t, `$"6"`, "GET", "counted")
	r.equal(t)
}

func TestTheLaterOfEXPIREAndPERSISTWins(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	for _, k := range []string{"persisted", "expiring"} {
		r.do(t, 0, "+OK", "SET", k, "1", "EX", "1000")
		r.becomes(t, `$"1"`, "GET", k)
	}
	r.between(0, 1, mode{kind: cut})
	r.around(2, mode{kind: cut})
	r.do(t, 0, ":1", "EXPIRE", "persisted", "500")
	r.do(t, 1, ":1", "PERSIST", "expiring")
	within(t, patience, "a later millisecond", later())
	r.do(t, 1, ":1", "PERSIST", "persisted")
	r.do(t, 0, ":1", "PEXPIREAT", "expiring", "33333333333333")
	r.heal()
	r.becomes(t, ":-1", "TTL", "persisted")
	r.becomes(t, ":33333333333333", "PEXPIRETIME", "expiring")
	r.equal(t)
}

// TestAWindowEndsOnAllNodesAndDoesNotComeBack counts in a window that ends while nodes are cut off.
func TestAWindowEndsOnAllNodesAndDoesNotComeBack(t *testing.T) {
	t.Parallel()
	const window = 2 * time.Second // long enough for the commands in it
	r := newTrio(t)
	r.do(t, 0, ":1", "INCR", "window")
	r.do(t, 0, ":1", "INCR", "anew")
	end := strconv.FormatInt(time.Now().Add(window).UnixMilli(), 10)
	r.do(t, 0, ":1", "PEXPIREAT", "window", end)
	r.do(t, 0, ":1", "PEXPIREAT", "anew", end)
	r.becomes(t, ":"+end, "PEXPIRETIME", "window")
	r.becomes(t, ":"+end, "PEXPIRETIME", "anew")
	r.around(2, mode{kind: cut})
	r.do(t, 1, ":2", "INCR", "window")
	r.do(t, 1, ":2", "INCR", "anew")
	r.do(t, 2, ":11", "INCRBY", "window", "10")
	r.do(t, 2, ":11", "INCRBY", "anew", "10")
	r.becomes(t, "$nil", "GET", "anew")
	r.do(t, 0, ":7", "INCRBY", "anew", "7")
	r.do(t, 0, ":-1", "TTL", "anew")
	r.heal()
	r.equal(t)
	r.becomes(t, `$"7"`, "GET", "anew")
	r.becomes(t, ":-1", "TTL", "anew")
	r.becomes(t, "$nil", "GET", "window")
	r.becomes(t, ":1", "DBSIZE")
}
