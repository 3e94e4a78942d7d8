package loop

import (
	"testing"
	"time"
)

// TestALoopWithLongWindowsIsNotTakenForIdle: two loops are full. Their rounds are long, so their windows are too.
func TestALoopWithLongWindowsIsNotTakenForIdle(t *testing.T) {
	g := &Group{loops: []*Loop{{worker: idler{}}, {worker: idler{}}}} // they do not run, so they do not wait
	g.balance = balance{active: 2, most: 2, loads: make([]load, 2), hasProcessor: func() bool { return true }}
	at := time.Now().Add(time.Hour)
	for range 6 {
		for i, l := range g.loops {
			at = at.Add(225 * time.Millisecond)
			if to, part := g.compare(l, 1, at); to != nil {
				t.Errorf("loop %d gives %.2f of its traffic to loop %d", i, part, g.index(to))
			}
		}
	}
}

// TestTheClockIsReadAfterALongRound, so that a window is not much longer than planned.
func TestTheClockIsReadAfterALongRound(t *testing.T) {
	m := meter{began: time.Now().Add(-window)}
	if m.round(longRound) {
		t.Error("the clock is read after each short round")
	}
	if !m.round(longRound + 1) {
		t.Error("a long round does not end a window that is over")
	}
}
