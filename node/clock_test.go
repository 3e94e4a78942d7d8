package node

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestClockGoesOnWhenTheMachinesIsSetBack(t *testing.T) {
	var wall, mono int64 = 1000, 0
	c := newClock(func() (int64, int64) { return wall * 1e6, mono * 1e6 }, 0, slog.New(slog.DiscardHandler))
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

// jumping is a machine whose clock the test can set.
type jumping struct{ wall, mono int64 }

func (j *jumping) read() (wall, mono int64) { return j.wall, j.mono }

func (j *jumping) pass(d time.Duration) { j.wall, j.mono = j.wall+int64(d), j.mono+int64(d) }

func TestAFarJumpOfTheMachinesClockIsFollowedOnlyIfItLasts(t *testing.T) {
	const year = 365 * 24 * time.Hour
	var log bytes.Buffer
	m := &jumping{wall: int64(1000 * time.Hour)}
	c := newClock(m.read, 0, slog.New(slog.NewTextHandler(&log, nil)))
	truth := func() int64 { return (m.mono + int64(1000*time.Hour)) / 1e6 }
	right := func(when string) {
		t.Helper()
		if got := c.Now().Wall; got != truth() {
			t.Errorf("%s: got %v more than it is", when, time.Duration(got-truth())*time.Millisecond)
		}
	}
	right("at first")
	for range 3 { // wrong for a moment, and right again
		m.wall += int64(year)
		for range 100 {
			m.pass(time.Second)
			right("while the clock is wrong")
		}
		m.wall -= int64(year)
		m.pass(time.Second)
		right("when it is right again")
	}
	if !strings.Contains(log.String(), "has jumped far ahead") || !strings.Contains(log.String(), "has returned from its jump") {
		t.Errorf("the log says\n%s", log.String())
	}

	m.wall += int64(year) // for good
	for passed := time.Duration(0); passed < believedAfter; passed += time.Second {
		right("before it has lasted")
		m.pass(time.Second)
	}
	if got := c.Now().Wall; got != m.wall/1e6 {
		t.Errorf("a clock that stays where it jumped to is not followed: %v behind", time.Duration(m.wall/1e6-got)*time.Millisecond)
	}
	m.wall += int64(farJump)
	if got := c.Now().Wall; got != m.wall/1e6 {
		t.Error("a small jump is not followed at once")
	}
}

func TestAClockThatGoesOnJumpingIsNotFollowed(t *testing.T) {
	m := &jumping{wall: int64(1000 * time.Hour)}
	c := newClock(m.read, 0, slog.New(slog.DiscardHandler))
	for range 10 {
		m.wall += int64(24 * time.Hour)
		for range 120 {
			m.pass(time.Second)
			if ahead := c.Offset(); ahead > -time.Duration(23*time.Hour) {
				t.Fatalf("it is followed: %v ahead of the machine's", ahead)
			}
			c.Now()
		}
	}
}

func TestClockNeverRunsBackwardsForConcurrentReaders(t *testing.T) {
	c := newClock(systemClock(0), 0, slog.New(slog.DiscardHandler))
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
	c := newClock(systemClock(0), 0, slog.New(slog.DiscardHandler))
	for b.Loop() {
		c.Now()
	}
}
