package pulse

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestMomentsAreMultiplesOfTheInterval(t *testing.T) {
	second := time.Unix(1_700_000_000, 0)
	for at, want := range map[time.Duration]time.Duration{
		0:                      time.Second,
		1:                      time.Second - 1,
		300 * time.Millisecond: 700 * time.Millisecond,
		time.Second - 1:        1,
	} {
		if got := until(second.Add(at), time.Second); got != want {
			t.Errorf("%v after a second begins, it is %v until the next, want %v", at, got, want)
		}
	}
}

// TestTickersOfIntervalsThatFitTickTogether, whenever they begin.
func TestTickersOfIntervalsThatFitTickTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(123 * time.Millisecond)
		short := NewTicker(500 * time.Millisecond)
		defer short.Stop()
		time.Sleep(200 * time.Millisecond)
		long := NewTicker(time.Second)
		defer long.Stop()
		for range 3 {
			<-short.C
			short.Next()
			at := <-short.C
			short.Next()
			if other := <-long.C; !other.Equal(at) {
				t.Errorf("one ticks at %v, the other at %v", at, other)
			}
			long.Next()
		}
	})
}
