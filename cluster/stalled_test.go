package cluster

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/quotadb/quota-db/replica"
)

// TestAPeerThatStopsReadingHoldsBackNobody: the peer's connection ends, other peers are served meanwhile, and nothing
// of it remains.
func TestAPeerThatStopsReadingHoldsBackNobody(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	n := open(t, 1)
	conn := dialRaw(t, n)
	if err := shake(conn, "secret", replica.Hello{Node: 2, Run: 20, Life: 200}); err != nil {
		t.Fatal(err)
	}
	n.meets(1)
	other := open(t, 3, n)
	other.meets(1)
	for i := range 100_000 {
		n.add(fmt.Sprintf("a name that is long enough for much to be sent, though not for long, and which ends in %d", i), 1)
	}
	n.add("k", 1)
	other.has("k", 1)
	n.meets(1) // the peer has been silent
	began := time.Now()
	for _, node := range []*testNode{other, n} {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(began); took > 3*lastWords {
		t.Errorf("two closed in %v", took)
	}
	_ = conn.Close()
	eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// TestPeersHearOfEachOtherBetweenBatchesThatAreFarApart: otherwise each would take the other for dead.
func TestPeersHearOfEachOtherBetweenBatchesThatAreFarApart(t *testing.T) {
	a := listen(t, 1, nil).beginEvery(time.Hour)
	b := listen(t, 2, func(o *Options) { o.Peers = addresses([]*testNode{a}) }).beginEvery(time.Hour)
	b.meets(1)
	for range 5 {
		before := b.Status().Peers[0].BytesReceived
		eventually(t, "the peer says something", func() bool { return b.Status().Peers[0].BytesReceived > before })
	}
	b.add("k", 1)
	if err := b.Close(); err != nil { // Close does not wait for the next batch
		t.Error(err)
	}
	a.has("k", 1)
}

func TestALineIsRepeatedAfterAMinute(t *testing.T) {
	q := &quietLog{said: map[string]time.Time{}}
	now := time.Now()
	for after, want := range []bool{0: true, 1: false, 59: false, 60: true, 61: false} {
		if after > 1 && after < 59 {
			continue
		}
		if got := q.isDue("a line", now.Add(time.Duration(after)*time.Second)); got != want {
			t.Errorf("after %d s: %v", after, got)
		}
	}
	for i := range 2 * maxRepeats {
		q.isDue(fmt.Sprint(i), now.Add(time.Minute))
	}
	if len(q.said) > maxRepeats {
		t.Errorf("%d lines are remembered", len(q.said))
	}
	if !q.isDue("another", now.Add(3*time.Minute)) {
		t.Error("nothing is ever logged again")
	}
}
