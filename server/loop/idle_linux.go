package loop

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"time"
)

// ticksPerSecond is the unit of /proc/stat, the same on all systems that Go supports (sysconf(_SC_CLK_TCK)).
const ticksPerSecond = 100

// idleTime measures how much the processors of the machine idle. It is safe for concurrent use.
type idleTime struct {
	mu    sync.Mutex
	ticks int64
	at    time.Time
	idle  bool // the last answer
}

// hasProcessor reports whether at least half a processor has idled since the last call, or that nobody knows.
func (t *idleTime) hasProcessor() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	passed := now.Sub(t.at)
	if passed < window/2 { // too short for ticks of 10 ms; another loop has asked
		return t.idle
	}
	ticks, ok := idleTicks()
	idle := time.Duration(ticks-t.ticks) * time.Second / ticksPerSecond
	t.ticks, t.at = ticks, now
	// Over a long time idle would be an average over more than the present load.
	t.idle = !ok || passed <= maxIdleSpan && idle >= passed/2
	return t.idle
}

// maxIdleSpan is the longest time over which idle time is measured.
const maxIdleSpan = 4 * patientWindows * window

// idleTicks is the time that all processors together have idled since the system has started.
func idleTicks() (ticks int64, ok bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := bytes.Fields(line) // cpu user nice system idle iowait ...
	if len(fields) < 6 || string(fields[0]) != "cpu" {
		return 0, false
	}
	for _, field := range fields[4:6] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, false
		}
		ticks += n
	}
	return ticks, true
}
