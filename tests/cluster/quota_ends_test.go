package cluster

import (
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

// quotaEnds is all that ends a quota: the commands, with %s for the key, and what GET is then.
var quotaEnds = map[string]struct {
	do   [][]string
	then string
}{
	"quotadel":  {[][]string{{"QUOTADEL", "%s"}}, "$nil"},
	"del":       {[][]string{{"DEL", "%s"}}, "$nil"},
	"unlink":    {[][]string{{"UNLINK", "%s"}}, "$nil"},
	"getdel":    {[][]string{{"GETDEL", "%s"}}, "$nil"},
	"set":       {[][]string{{"SET", "%s", "7"}}, `$"7"`},
	"getset":    {[][]string{{"GETSET", "%s", "7"}}, `$"7"`},
	"rename":    {[][]string{{"SET", "from:%s", "7"}, {"RENAME", "from:%s", "%s"}}, `$"7"`},
	"copy":      {[][]string{{"SET", "from:%s", "7"}, {"COPY", "from:%s", "%s", "REPLACE"}}, `$"7"`},
	"expiry":    {[][]string{{"PEXPIRE", "%s", "1"}}, "$nil"},
	"multi":     {[][]string{{"MULTI"}, {"DEL", "%s"}, {"INCR", "other:%s"}, {"EXEC"}}, "$nil"},
	"throttled": {[][]string{{"CL.THROTTLE", "%s", "4", "5", "60"}, {"DEL", "%s"}}, "$nil"},
}

func (r *trio) end(t *testing.T, place int, way string) {
	t.Helper()
	for _, words := range quotaEnds[way].do {
		words = append([]string{}, words...)
		for i, word := range words[1:] {
			if words[i+1] = word; len(word) >= 2 && word[len(word)-2:] == "%s" {
				words[i+1] = word[:len(word)-2] + way
			}
		}
		ask(t, r.conns[place], words...)
	}
}

// limited waits until all nodes say that a key has a quota of so many tokens in so many seconds.
func (r *trio) limited(t *testing.T, key string, limit, window int) {
	t.Helper()
	want := fmt.Sprintf("%d in %d s", limit, window)
	within(t, patience, key+" has a quota of "+want, func() (bool, string) {
		for place, c := range r.conns {
			if got := limits(ask(t, c, "QUOTAGET", key)); got != want {
				return false, fmt.Sprintf("node %d: %s", place+1, got)
			}
		}
		return true, ""
	})
}

// startAgain stops all nodes, looks at their files, and starts them.
func (r *trio) startAgain(t *testing.T) {
	t.Helper()
	for place := range nodes {
		r.stop(t, place)
		if out, err := exec.Command(process.Binary(t), "check", r.nodes[place].dir).CombinedOutput(); err != nil {
			t.Errorf("node %d: check: %v\n%s", place+1, err, out)
		}
	}
	for place := range nodes {
		r.run(t, place)
	}
	r.connected(t)
}

// TestAnEndedQuotaStaysEndedOnAllNodesThroughRestarts ends quotas in every way on one node, restarts all, and kills
// all.
func TestAnEndedQuotaStaysEndedOnAllNodesThroughRestarts(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	for way := range quotaEnds {
		r.do(t, 0, "+OK", "QUOTASET", way, "5", "60")
		r.do(t, 0, ":3", "INCRBY", way, "2")
	}
	r.do(t, 0, "+OK", "QUOTASET", "stays", "5", "60")
	for way := range quotaEnds {
		r.limited(t, way, 5, 60)
	}
	for way := range quotaEnds {
		r.end(t, 1, way)
	}
	ended := func() {
		t.Helper()
		for way, end := range quotaEnds {
			r.becomes(t, "*nil", "QUOTAGET", way)
			r.becomes(t, end.then, "GET", way)
		}
		r.limited(t, "stays", 5, 60)
		r.equal(t)
	}
	ended()
	r.startAgain(t)
	ended()
	for place := range nodes {
		r.servers[place].Signal(t, syscall.SIGKILL)
		r.servers[place].Exit(t)
	}
	for place := range nodes {
		r.run(t, place)
	}
	ended()
}

func TestFLUSHALLEndsQuotasOnAllNodesThroughARestart(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	const quotas = 20
	for n := range quotas {
		r.do(t, n%nodes, "+OK", "QUOTASET", "q"+itoa(n), "5", "60")
		r.do(t, n%nodes, ":4", "INCR", "q"+itoa(n))
	}
	r.becomes(t, ":"+itoa(quotas), "DBSIZE")
	r.do(t, 2, "+OK", "FLUSHALL")
	r.do(t, 2, ":2", "QUOTAINCR", "q0", "3", "1") // above the limit that has ended
	r.do(t, 2, "+OK", "QUOTASET", "q1", "9", "60")
	check := func() {
		t.Helper()
		r.becomes(t, "*nil", "QUOTAGET", "q2")
		r.limited(t, "q1", 9, 60)
		r.becomes(t, "*nil", "QUOTAGET", "q0") // once it is full again
		r.becomes(t, ":1", "DBSIZE")
		r.equal(t)
	}
	check()
	r.startAgain(t)
	check()
}

// TestATransientQuotaMadeAfterAnEndDoesNotUndoIt makes one at once, while a peer is away.
func TestATransientQuotaMadeAfterAnEndDoesNotUndoIt(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	for way := range quotaEnds {
		r.do(t, 0, "+OK", "QUOTASET", way, "1000", "3600")
	}
	for way := range quotaEnds {
		r.limited(t, way, 1000, 3600)
	}
	r.around(2, mode{kind: cut})
	for way := range quotaEnds {
		r.end(t, 0, way)
		if way == "expiry" {
			within(t, patience, "its end", func() (bool, string) {
				v := ask(t, r.conns[0], "QUOTAGET", way)
				return v.IsNull(), v.String()
			})
		}
		if left, ok := ask(t, r.conns[0], "QUOTAINCR", way, "5", "1").Int(); !ok || left < 0 {
			t.Fatalf("%s: no token after the end: %d", way, left)
		}
	}
	check := func() {
		t.Helper()
		for way, end := range quotaEnds {
			r.becomes(t, "*nil", "QUOTAGET", way)
			r.becomes(t, end.then, "GET", way)
		}
		r.equal(t)
	}
	r.equal(t, 0, 1)
	r.heal()
	check()
	r.startAgain(t)
	check()
}

// TestWhatAPeerSetsRefillsNoBucket has a quota that is in use be set on another node, to the same and to others.
func TestWhatAPeerSetsRefillsNoBucket(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	took := map[string]int{}
	take := func() {
		for _, key := range []string{"incr", "throttle"} {
			for {
				words := []string{"QUOTAINCR", key, "5", "1000"}
				if key == "throttle" {
					words = []string{"CL.THROTTLE", key, "4", "5", "1000"}
				}
				v := ask(t, r.conns[0], words...)
				if left, ok := v.Int(); ok && left < 0 || len(v.Elems) > 0 && v.Elems[0].String() == ":1" {
					break
				}
				took[key]++
			}
		}
	}
	began := time.Now()
	take()
	for _, limit := range []string{"5", "2", "5", "1", "5"} {
		for _, key := range []string{"incr", "throttle"} {
			r.do(t, 1, "+OK", "QUOTASET", key, limit, "1000")
			r.limited(t, key, tokens(limit), 1000)
		}
		take()
	}
	r.startAgain(t)
	take()
	for key, n := range took {
		if most := 5 + int(5*time.Since(began).Seconds()/1000); n > most {
			t.Errorf("%s: node 1 has admitted %d tokens of 5 in %v", key, n, time.Since(began))
		}
	}
}
