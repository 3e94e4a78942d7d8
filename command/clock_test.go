package command

import (
	"strings"
	"testing"

	"github.com/quotadb/quota-db/engine"
)

// TestACommandBehindASlowOneGoesByANewReading: between two readings the clock advances by 10 ms.
func TestACommandBehindASlowOneGoesByANewReading(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, slow := range [][]string{
		{"LCS", "a", "b", "LEN"}, {"BITCOUNT", "long"}, {"GETRANGE", "long", "0", "10"}, {"SET", "k2", long}, append([]string{"EXISTS"}, strings.Fields(strings.Repeat("k ", 100))...),
	} {
		b := newBench(t, nil)
		b.do("SET", "long", long)
		now := engine.Moment{Wall: testWall + 1000, Mono: 1000 * 1e6}
		b.Server.Now = func() engine.Moment {
			now.Wall, now.Mono = now.Wall+10, now.Mono+10*1e6
			return now
		}
		b.do("QUOTASET", "q", "100", "1")
		b.do("INCRBY", "q", "100")
		out := b.run(b.client, [][][]byte{words([]string{"SET", "k", "v", "PX", "9"}), words(slow), words([]string{"GET", "k"}), words([]string{"INCR", "k"})})
		if !strings.HasSuffix(out, "$-1\r\n:1\r\n") {
			t.Errorf("SET k v PX 9, %s, GET k, INCR k: %.80q", slow[0], out)
		}
	}
}

// TestNoClientSeesTwoOrders: A has read the clock; then B finds k expired and sets m. A sees m, so A must not see k.
func TestNoClientSeesTwoOrders(t *testing.T) {
	for _, m := range strings.Fields("m m2 m3 m4 m5 m6 m7 m8 m9") { // in several shards
		b := newBench(t, nil)
		b.do("SET", "k", "7", "PX", "10")
		other := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
		x := b.NewExecutor()
		now, met := engine.Moment{Wall: testWall + 9}, false
		b.Server.Now = func() engine.Moment {
			read := now
			if !met {
				met = true
				now = engine.Moment{Wall: now.Wall + 1, Mono: now.Mono + 1e6}
				got, _ := x.Run(other, [][][]byte{words([]string{"GET", "k"}), words([]string{"SET", m, "gone"})}, nil)
				if string(got) != "$-1\r\n+OK\r\n" {
					t.Fatalf("%q", got)
				}
			}
			return read
		}
		got := b.run(b.client, [][][]byte{words([]string{"GET", m}), words([]string{"GET", "k"}), words([]string{"INCR", "k"})})
		if got != "$4\r\ngone\r\n$-1\r\n:1\r\n" {
			t.Errorf("GET %s, GET k, INCR k: %q", m, got)
		}
	}
}
