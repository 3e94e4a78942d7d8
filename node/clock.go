package node

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/engine"
)

const (
	// farJump is the largest jump ahead of the machine's clock that is followed at once. It covers corrections by a
	// time service, and short pauses of a virtual machine.
	farJump = time.Minute
	// believedAfter is how long a clock that has jumped farther must stay there before it is followed. Most wrong
	// clocks are corrected within that time. Following a wrong clock is expensive: keys expire at once, and writes get
	// stamps that peers hold back.
	believedAfter = 3 * time.Minute
)

// clock reads the wall clock so that it neither runs backwards nor stands still. It is the monotonic clock plus the
// largest difference between the two that was ever believed.
//
// If the machine's clock is set back, this clock is not: TTLs stay exact, and absolute deadlines come early by that
// amount, until quota-db clock sets the directory's clock back too. If the machine's clock jumps far ahead, it is
// doubted for a while.
//
// A reading costs about 50 ns (BenchmarkClock); commands pay it once per batch.
type clock struct {
	read  func() (wall, mono int64) // both in nanoseconds
	log   *slog.Logger
	ahead atomic.Int64 // wall minus mono, the largest difference believed
	doubt atomic.Bool  // the machine's clock is far ahead of this clock

	mu    sync.Mutex // protects the fields below
	far   int64      // wall minus mono, the difference doubted
	since int64      // mono when the doubt began
}

// systemClock reads the machine's clocks. The monotonic clock begins at mono, in nanoseconds.
func systemClock(mono int64) func() (wall, mono int64) {
	start := time.Now()
	return func() (int64, int64) {
		t := time.Now()
		return t.UnixNano(), mono + int64(t.Sub(start))
	}
}

// newClock makes a clock that begins at wall, in nanoseconds, or at the machine's time if that is later.
func newClock(read func() (wall, mono int64), wall int64, log *slog.Logger) *clock {
	c := &clock{read: read, log: log}
	now, mono := read()
	c.ahead.Store(max(now, wall) - mono)
	return c
}

// Now returns the present moment. Neither of its times is ever less than in an earlier result.
func (c *clock) Now() engine.Moment {
	wall, mono := c.read()
	for {
		ahead := c.ahead.Load()
		if c.doubt.Load() || wall-mono > ahead+int64(farJump) {
			ahead = c.weigh(wall-mono, mono)
		}
		next := wall - mono
		if next > ahead+int64(farJump) {
			next = ahead
		}
		if next <= ahead || c.ahead.CompareAndSwap(ahead, next) {
			return engine.Moment{Wall: (mono + max(ahead, next)) / int64(time.Millisecond), Mono: mono}
		}
	}
}

// Offset returns how far this clock is ahead of the machine's clock.
func (c *clock) Offset() time.Duration {
	wall, mono := c.read()
	return time.Duration(c.ahead.Load() - (wall - mono))
}

// weigh decides whether to follow a machine's clock that is, or was, far ahead. It returns the difference that is
// believed now.
func (c *clock) weigh(far, mono int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	ahead := c.ahead.Load()
	switch doubted := c.doubt.Load(); {
	case far <= ahead+int64(farJump):
		if doubted {
			c.doubt.Store(false)
			c.log.Info("the machine's clock has returned from its jump ahead; the jump was not followed")
		}
	case !doubted || far > c.far+int64(farJump) || far < c.far-int64(farJump):
		c.far, c.since = far, mono
		c.doubt.Store(true)
		c.log.Warn("the machine's clock has jumped far ahead: it is followed only if it stays there", "by", time.Duration(far-ahead).Round(time.Second), "followed_after", believedAfter)
	case mono-c.since >= int64(believedAfter):
		c.doubt.Store(false)
		c.ahead.Store(far)
		c.log.Warn("the machine's clock stays where it jumped to: it is followed from now on", "by", time.Duration(far-ahead).Round(time.Second))
		return far
	}
	return ahead
}
