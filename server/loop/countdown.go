package loop

import "sync/atomic"

// countdown calls a function when done has been called a number of times.
type countdown struct {
	left atomic.Int64
	last func()
}

func newCountdown(n int, last func()) *countdown {
	c := &countdown{last: last}
	c.left.Store(int64(n) + 1)
	c.done()
	return c
}

func (c *countdown) done() {
	if c.left.Add(-1) == 0 {
		c.last()
	}
}
