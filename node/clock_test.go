package node

import (
	"sync"
	"testing"
)

func TestClockGoesOnWhenTheMachinesIsSetBack(t *testing.T) {
	var wall, mono int64 = 1000, 0
	c := newClock(func() (int64, int64) { return wall * 1e6, mono * 1e6 }, 0)
	for _, step := range []struct{ wall, mono, want int64 }{
		{1000, 0, 1000}, {1500, 500, 1500},
		{700, 700, 1700}, {900, 900, 1900}, // set back by a second
		{3100, 1100, 3100}, {3200, 1200, 3200}, // and forward
	} {
		wall, mono = step.wall, step.mono
		if got := c.Now(); got.Wall != step.want || got.Mono != mono*1e6 {
			t.Errorf("the machine's clock at %d after %d: got %+v, want %d", wall, mono, got, step.want)
		}
	}
}

func TestClockNeverRunsBackwardsForConcurrentReaders(t *testing.T) {
	c := newClock(systemClock(0), 0)
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
	c := newClock(systemClock(0), 0)
	for b.Loop() {
		c.Now()
	}
}
