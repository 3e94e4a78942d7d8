// Package pulse has tickers that tick at the same moments.
//
// To wake an idle process costs about the same whether one of its goroutines has something to do or several. So what
// is done every second or so, all the time, is done at one moment by all parts of a node. The moments are multiples of
// the interval on the wall clock. So nodes on one machine, and nodes whose clocks are right, also send their pings at
// one moment: a node that wakes to send its own receives those of its peers.
package pulse

import "time"

// Until is how long it is until the next moment of an interval.
func Until(interval time.Duration) time.Duration { return until(time.Now(), interval) }

func until(now time.Time, interval time.Duration) time.Duration {
	return interval - time.Duration(now.UnixNano()%int64(interval))
}

// Ticker sends to C at the moments of an interval. Call Next after each receive from C.
type Ticker struct {
	C        <-chan time.Time
	timer    *time.Timer
	interval time.Duration
}

// NewTicker returns a Ticker. Stop it after use.
func NewTicker(interval time.Duration) *Ticker {
	timer := time.NewTimer(Until(interval))
	return &Ticker{C: timer.C, timer: timer, interval: interval}
}

// Next has the ticker tick at the next moment. A clock that was set meanwhile moves only this moment.
func (t *Ticker) Next() { t.timer.Reset(Until(t.interval)) }

// Stop ends the ticks.
func (t *Ticker) Stop() { t.timer.Stop() }
