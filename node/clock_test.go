package node

import (
	"sync"
	"testing"
	"time"
)

func TestClockStandsStillWhileTheMachinesIsBehind(t *testing.T) {
	wall := time.UnixMilli(1000)
	c := newClock(func() time.Time { return wall })
	for _, step := range []struct{ wall, want int64 }{{1000, 1000}, {1500, 1500}, {900, 1500}, {1499, 1500}, {1501, 1501}} {
		wall = time.UnixMilli(step.wall)
		if got := c.Now().Wall; got != step.want {
			t.Errorf("the machine's clock at %d: got %d, want %d", step.wall, got, step.want)
		}
	}
}

func TestClockNeverRunsBackwardsForConcurrentReaders(t *testing.T) {
	c := newClock(time.Now)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			last := int64(0)
			for range 10_000 {
				now := c.Now().Wall
				if now < last {
					t.Errorf("%d after %d", now, last)
					return
				}
				last = now
			}
		})
	}
	group.Wait()
}

func BenchmarkClock(b *testing.B) {
	c := newClock(time.Now)
	for b.Loop() {
		c.Now()
	}
}
