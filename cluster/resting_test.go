package cluster

import (
	"testing"
	"time"
)

// TestAnOwnerRestsAfterSomeQuietTicksUntilSomethingComes.
func TestAnOwnerRestsAfterSomeQuietTicksUntilSomethingComes(t *testing.T) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	begun, refuses := 0, false
	begin := func(chan<- struct{}) bool { begun++; return !refuses }
	due := func() time.Duration { return time.Hour }
	r := resting{every: time.Hour, roused: make(chan struct{}, 1)}
	for i := range restAfter {
		r.quiet++
		if r.beginIfIdle(tick, true, begin, due); r.on != (i == restAfter-1) {
			t.Fatalf("after %d quiet ticks it rests: %v", i+1, r.on)
		}
	}
	if r.beginIfIdle(tick, true, begin, due); !r.on || begun != 1 {
		t.Errorf("an event that leaves nothing to do ends the rest, or begins it again: %v, begun %d times", r.on, begun)
	}
	if r.beginIfIdle(tick, false, begin, due); r.on || r.quiet != 0 {
		t.Error("it rests although something is on its way")
	}
	refuses, r.quiet = true, restAfter
	if r.beginIfIdle(tick, true, begin, due); r.on {
		t.Error("it rests although there are changes")
	}
}

// TestStatusOfARestIsAsOldAsItSays: while nothing happens, the silence of a peer that was cut off grows all the same.
func TestStatusOfARestIsAsOldAsItSays(t *testing.T) {
	a := open(t, 1)
	b := open(t, 2, a)
	b.meets(1)
	a.meets(1)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the node rests", func() bool { return a.owner.Load().isResting.Load() })
	first := a.Status().Peers[0].Silent
	eventually(t, "the silence grows", func() bool { return a.Status().Peers[0].Silent > first+50*time.Millisecond })
}
