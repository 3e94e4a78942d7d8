package stats

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestOnlySoManyWordsOfErrorsAreToldApart(t *testing.T) {
	s := New(nil)
	for i := range 2 * errorKinds {
		s.CountError(fmt.Sprintf("E%d text", i))
	}
	s.CountError(strings.Repeat("x", 1000))
	s.CountError("A:B")
	s.CountError("E0 another text")
	if got := s.Snapshot().ByError; len(got) != errorKinds || got["E0"] != 2 {
		t.Errorf("%d kinds, %d times E0", len(got), got["E0"])
	}
}

// TestASnapshotIsTheSumOfAllGoroutines counts from several goroutines while snapshots are taken.
func TestASnapshotIsTheSumOfAllGoroutines(t *testing.T) {
	const goroutines, rounds = 4, 1000
	s := New([]string{"get", "incr"})
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			c := s.NewCounts()
			for range rounds {
				c.Ran(1, 3, 300)
				c.Took(1, 3, 100)
				c.Failed(1)
				c.Refused(0)
				c.RefusedUnknown()
				c.Looked(2, 1)
				c.Received(10)
				c.Sent(20)
				_ = s.Snapshot()
			}
		})
	}
	all.Wait()
	const n = goroutines * rounds
	got := s.Snapshot()
	if want := (Command{Name: "incr", Calls: 3 * n, Took: 300 * n, Failed: n}); got.Commands[1] != want {
		t.Errorf("got %+v, want %+v", got.Commands[1], want)
	}
	if want := (Command{Name: "get", Rejected: n}); got.Commands[0] != want {
		t.Errorf("got %+v, want %+v", got.Commands[0], want)
	}
	if got.Calls != 3*n || got.Errors != 3*n || got.Hits != 2*n || got.Misses != n || got.Received != 10*n || got.Sent != 20*n {
		t.Errorf("got %+v", got)
	}
	if d := s.Distributions()[1]; d.Calls != 3*n || d.Within(50) != Bound(0) {
		t.Errorf("got %+v", d)
	}
}

func TestAResetLeavesOnlyTheSlowLogTheLatencyAndThePeak(t *testing.T) {
	s := New([]string{"get"})
	c := s.NewCounts()
	s.Connections.Add(1)
	s.Rejected.Add(1)
	s.SweepTook(time.Second)
	s.CountError("ERR x")
	s.SawUsed(7)
	s.SawUsed(5)
	c.Ran(0, 1, 5)
	c.Took(0, 1, 5)
	c.Failed(0)
	c.Refused(0)
	c.RefusedUnknown()
	c.Looked(1, 1)
	c.Received(1)
	c.Sent(1)
	s.Sample(1e9)
	s.Slow.Add(NewSlowEntry([][]byte{[]byte("GET")}, nil, 0, "", "", 0, time.Second), 10)
	s.Latency.Observe(EventSweep, 0, time.Second, 1)
	s.Reset(3, 2e9)
	want := fmt.Sprintf("%+v", Snapshot{Commands: []Command{{Name: "get"}}, Peak: 7, ExpiredThen: 3})
	if got := fmt.Sprintf("%+v", s.Snapshot()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if d := s.Distributions()[0]; d.Calls != 0 || s.Slow.Len() != 1 || !s.Latency.Reset(EventSweep) {
		t.Errorf("%d calls in the histogram, %d slow commands", d.Calls, s.Slow.Len())
	}
}

// TestCountingAllocatesNothing checks the methods that are called for each group of commands.
func TestCountingAllocatesNothing(t *testing.T) {
	c := New([]string{"get"}).NewCounts()
	c.Took(0, 1, 1) // allocates the histogram
	if n := testing.AllocsPerRun(100, func() {
		c.Ran(0, 1, 5)
		c.Took(0, 1, 5)
		c.Failed(0)
		c.Looked(1, 1)
		c.Received(1)
		c.Sent(1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
