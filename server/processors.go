package server

import (
	"os"
	"runtime"
	"sync/atomic"
)

// single is set when the process has one processor, and the runtime may run two threads at a time all the same.
var single atomic.Bool

// Processors is for how many processors there is work at a time: as many event loops may serve clients.
func Processors() int {
	if single.Load() {
		return 1
	}
	return runtime.GOMAXPROCS(0)
}

// SpareProcessor lets the runtime run a second thread where the process has one processor, unless the user has said by
// the variable GOMAXPROCS how many there may be. An event loop spends its life in system calls that wait. With one
// processor only, the runtime takes it away from the loop at each of these calls, gives it to another thread, and wakes
// that thread for it, to find nothing to do; a spare one leaves the loop alone. It is for the start of a program.
func SpareProcessor() {
	if runtime.GOMAXPROCS(0) == 1 && os.Getenv("GOMAXPROCS") == "" {
		single.Store(true)
		runtime.GOMAXPROCS(2)
	}
}
