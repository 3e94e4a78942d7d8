package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// median of x, which is not changed.
func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}

// ratios of a to b, round by round.
func ratios(a, b []float64) []float64 {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return r
}

// ratio is the median of a/b over the rounds, with the extremes.
func ratio(a, b []float64) string { return extent(ratios(a, b)) }

// extent is the median of x, with the extremes.
func extent(x []float64) string {
	return fmt.Sprintf("%.3f (%.2f %.2f)", median(x), slices.Min(x), slices.Max(x))
}

// spread is how far from 1 the middle half of a thing's ratios to itself goes, in either direction. The extremes would
// let a bound hold because one round was disturbed.
func spread(itself []float64) float64 {
	x := slices.Sorted(slices.Values(itself))
	quarter := len(x) / 4
	return max(x[len(x)-1-quarter], 1/x[quarter]) - 1
}

// percentile is the smallest of sorted that at least so many percent do not exceed; 0 if there are none.
func percentile(sorted []time.Duration, percent float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(percent*float64(len(sorted))/100 - 1e-9)) // 99.9 is not quite 99.9
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// bound is what a figure has to keep.
type bound struct {
	limit   float64
	atLeast bool // the figure must not be below the limit; otherwise not above it
}

func (b bound) String() string {
	if b.atLeast {
		return fmt.Sprintf("at least %.2f", b.limit)
	}
	return fmt.Sprintf("at most %.2f", b.limit)
}

// judge says whether a value holds, or would if it were off by no more than the spread of a thing to itself.
func (b bound) judge(value, spread float64) string {
	over := value / b.limit
	if b.atLeast {
		over = b.limit / value
	}
	switch {
	case over <= 1:
		return "holds"
	case over <= 1+spread:
		return fmt.Sprintf("holds within the spread of %.2f", spread)
	}
	return "fails" // and so does what is not a number
}
