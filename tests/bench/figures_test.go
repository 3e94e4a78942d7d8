package main

import (
	"math"
	"testing"
	"time"
)

func TestMedianIsTheMiddleAndLeavesItsArgumentAlone(t *testing.T) {
	for _, tt := range []struct {
		x    []float64
		want float64
	}{{[]float64{7}, 7}, {[]float64{3, 1}, 2}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		first := tt.x[0]
		if got := median(tt.x); got != tt.want || tt.x[0] != first {
			t.Errorf("median = %v, want %v; first is %v, was %v", got, tt.want, tt.x[0], first)
		}
	}
}

func TestRatioIsTakenRoundByRound(t *testing.T) {
	if got, want := ratio([]float64{1, 4, 9}, []float64{2, 4, 3}), "1.000 (0.50 3.00)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPercentileIsTheNearestRank(t *testing.T) {
	var hundred, thousand []time.Duration
	for i := range 1000 {
		thousand = append(thousand, time.Duration(i+1))
	}
	hundred = thousand[:100]
	for _, tt := range []struct {
		sorted  []time.Duration
		percent float64
		want    time.Duration
	}{
		{nil, 50, 0}, {hundred[:1], 99.9, 1}, {hundred, 0, 1}, {hundred, 50, 50}, {hundred, 99, 99},
		{hundred, 99.9, 100}, {hundred, 100, 100}, {thousand, 99.9, 999}, {thousand, 100, 1000},
	} {
		if got := percentile(tt.sorted, tt.percent); got != tt.want {
			t.Errorf("p%v of %d = %d, want %d", tt.percent, len(tt.sorted), got, tt.want)
		}
	}
}

func TestSpreadIsThatOfTheMiddleHalfInBothDirections(t *testing.T) {
	for _, tt := range []struct {
		itself []float64
		want   float64
	}{
		{[]float64{1}, 0}, {[]float64{1, 1}, 0}, {[]float64{0.99, 1.1, 1}, 0.1}, {[]float64{0.8, 1.1}, 0.25},
		{[]float64{5, 1.1, 1, 0.2}, 0.1}, {[]float64{0.1, 0.2, 0.8, 1, 1, 1.1, 9, 9}, 0.25}, {[]float64{0.1, 0.8, 1, 1, 1, 1.1, 1.1, 9}, 0.1},
	} {
		if got := spread(tt.itself); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("spread of %v = %v, want %v", tt.itself, got, tt.want)
		}
	}
}

func TestABoundHoldsWithinTheSpread(t *testing.T) {
	most, least := bound{limit: 0.8}, bound{limit: 1, atLeast: true}
	for _, tt := range []struct {
		bound         bound
		value, spread float64
		want          string
	}{
		{most, 0.8, 0, "holds"},
		{most, 0.5, 0.1, "holds"},
		{most, 0.85, 0.1, "holds within the spread of 0.10"},
		{most, 0.85, 0.05, "fails"},
		{most, math.NaN(), 1, "fails"},
		{least, 1, 0, "holds"},
		{least, 3, 0, "holds"},
		{least, 0.95, 0.06, "holds within the spread of 0.06"},
		{least, 0.95, 0.05, "fails"},
		{least, math.NaN(), 1, "fails"},
	} {
		if got := tt.bound.judge(tt.value, tt.spread); got != tt.want {
			t.Errorf("%v %v, spread %v: %s, want %s", tt.value, tt.bound, tt.spread, got, tt.want)
		}
	}
}
