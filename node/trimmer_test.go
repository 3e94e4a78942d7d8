package node

import (
	"runtime"
	"testing"
)

func TestTrimmerGivesTheMemoryOfABurstBack(t *testing.T) {
	trim := new(trimmer)
	runtime.GC()
	trim.look() // takes note of the heap that other tests have left
	for trim.look() {
	}
	before, _ := heap()
	burst := make([]byte, 8*trimBytes)
	burst[0] = 1
	runtime.KeepAlive(burst)
	burst = nil
	trimmed := false
	for range 3 { // a collection that the burst itself set off makes the heap look busy once
		trimmed = trimmed || trim.look()
	}
	after, _ := heap()
	if !trimmed || after > before+trimBytes {
		t.Errorf("trimmed: %t; %d bytes before, %d after", trimmed, before, after)
	}
	if trim.look() {
		t.Error("trims again although nothing has grown")
	}
}
