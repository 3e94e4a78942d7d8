package cluster

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

const (
	// strangersEnv is for how long strangers stay beside nodes that have met; then the nodes have to meet as fast as is
	// promised.
	strangersEnv     = "QUOTADB_TEST_STRANGERS"
	defaultStrangers = time.Second

	// strangers are so many on each replication port, and fewStrangers when they do not stay for long: more than a node
	// admits at a time all the same.
	strangers    = 500
	fewStrangers = 300

	meetingTime = 2 * time.Second
	// strangerTime is after how long a stranger that was not closed begins again.
	strangerTime = 10 * time.Second
)

// greeting is one that a node of the cluster could send: what is said before anything is proved.
var greeting = "QDBR\x01\x01\x2a\x00" + strings.Repeat("n", 32) + "\x63\x00" + "12345678"

// strangersSay is what a stranger says until its connection is closed: nothing, a byte at a time, garbage, a greeting
// and no more.
var strangersSay = []func(net.Conn, *rand.Rand){
	func(conn net.Conn, _ *rand.Rand) { _, _ = io.Copy(io.Discard, conn) },
	func(conn net.Conn, _ *rand.Rand) {
		for i := range len(greeting) - 1 {
			if _, err := io.WriteString(conn, greeting[i:i+1]); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	},
	func(conn net.Conn, rng *rand.Rand) {
		garbage := make([]byte, 1+rng.IntN(2000))
		for i := range garbage {
			garbage[i] = byte(rng.Uint32())
		}
		if _, err := conn.Write(garbage); err == nil {
			_, _ = io.Copy(io.Discard, conn)
		}
	},
	func(conn net.Conn, _ *rand.Rand) {
		if _, err := io.WriteString(conn, greeting); err == nil {
			_, _ = io.Copy(io.Discard, conn)
		}
	},
}

// crowd has strangers connect with an address, again and again, until the test ends. Each has been connected once
// before it returns.
func crowd(t *testing.T, address string, size int, rng *rand.Rand) {
	t.Helper()
	stop := make(chan struct{})
	var all, first sync.WaitGroup
	t.Cleanup(func() { close(stop); all.Wait() })
	for i := range size {
		say, rng := strangersSay[i%len(strangersSay)], rand.New(rand.NewPCG(rng.Uint64(), 0))
		first.Add(1)
		all.Go(func() {
			arrived := sync.OnceFunc(first.Done)
			defer arrived()
			for {
				select {
				case <-stop:
					return
				default:
				}
				conn, err := net.Dial("tcp", address)
				if err != nil {
					time.Sleep(pollInterval)
					continue
				}
				arrived()
				_ = conn.SetDeadline(time.Now().Add(strangerTime))
				done := make(chan struct{})
				go func() {
					select {
					case <-stop:
						_ = conn.Close()
					case <-done:
					}
				}()
				say(conn, rng)
				close(done)
				_ = conn.Close()
			}
		})
	}
	first.Wait()
}

// TestStrangersKeepNoNodesApart: two nodes meet while strangers fill their replication ports, and stay connected while
// the strangers are there. It does not run in parallel with others, since a crowd takes the processors from their
// clients.
func TestStrangersKeepNoNodesApart(t *testing.T) {
	long, limit, size := defaultStrangers, patience, fewStrangers
	if text := os.Getenv(strangersEnv); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", strangersEnv, err)
		}
		limit, size = meetingTime, strangers
	}
	rng := randomness(t)
	l := newLinks(t)
	l.around(0, mode{kind: cut})
	var servers []*process.Server
	for place := range 2 {
		n := &node{place: place, id: place + 1, level: "interval", dir: filepath.Join(t.TempDir(), "data")}
		servers = append(servers, l.launch(t, place, nodeFlags(n)...))
	}
	alone := latencies(t, servers[0], time.Second)
	for _, s := range servers {
		all, _ := replication(t, s)
		crowd(t, net.JoinHostPort("127.0.0.1", all["replication_port"]), size, rng)
		says(t, s, "too many connections have not proved")
	}
	began := time.Now()
	l.heal()
	within(t, limit, "the two have met", func() (bool, string) {
		for i, s := range servers {
			if _, peers := replication(t, s); peers[2-i] == nil || peers[2-i]["state"] == "offline" {
				return false, fmt.Sprint(peers)
			}
		}
		return true, ""
	})
	t.Logf("the two have met after %v", time.Since(began).Round(time.Millisecond))
	before := []int{ends(servers[0]), ends(servers[1])}
	used := processor(t, servers[0])
	beside := latencies(t, servers[0], long)
	t.Logf("the first has used %.1f %% of a processor meanwhile", 100*(processor(t, servers[0])-used)/long.Seconds())
	t.Logf("an INCR: p50 %v and p99 %v alone, %v and %v beside strangers", at(alone, 50), at(alone, 99), at(beside, 50), at(beside, 99))
	want := fmt.Sprint(len(alone) + len(beside))
	within(t, limit, "the other has all increments", func() (bool, string) {
		got := askServer(t, servers[1], "GET", "hits").Text
		return got == want, got + " of " + want
	})
	for i, s := range servers {
		if got := ends(s); got != before[i] {
			t.Errorf("node %d: a peer was disconnected:\n%s", i+1, s.Output())
		}
	}
}

// ends is how often the process has said that a connection with a peer has ended, but for one of two that had crossed.
func ends(s *process.Server) int {
	return strings.Count(s.Output(), "peer disconnected") - strings.Count(s.Output(), "another connection takes its place")
}

// latencies is how long each of the increments takes that a client makes one after the other for so long, in order.
func latencies(t *testing.T, s *process.Server, long time.Duration) (all []time.Duration) {
	t.Helper()
	c := s.Dial(t)
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(time.Millisecond) {
		began := time.Now()
		ask(t, c, "INCR", "hits")
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all
}

// processor is how many seconds of a processor's time the process has used.
func processor(t *testing.T, s *process.Server) (seconds float64) {
	t.Helper()
	all := fields(askServer(t, s, "INFO", "cpu").Text)
	for _, name := range []string{"used_cpu_sys", "used_cpu_user"} {
		n, err := strconv.ParseFloat(all[name], 64)
		if err != nil {
			t.Fatalf("INFO cpu: %v", all)
		}
		seconds += n
	}
	return seconds
}

// at is a percentile.
func at(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)-1)*percent/100].Round(time.Microsecond)
}
