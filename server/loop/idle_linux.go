package loop

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// ticksPerSecond is the unit of /proc/stat, the same on all systems that Go supports (sysconf(_SC_CLK_TCK)).
const ticksPerSecond = 100

// idleTime measures how much the processors of the machine idle.
type idleTime struct {
	ticks int64
	at    time.Time
}

// hasProcessor reports whether at least half a processor has idled since the last call, or that nobody knows.
func (t *idleTime) hasProcessor() bool {
	ticks, ok := idleTicks()
	now := time.Now()
	passed := now.Sub(t.at)
	idle := time.Duration(ticks-t.ticks) * time.Second / ticksPerSecond
	t.ticks, t.at = ticks, now
	switch {
	case !ok:
		return true
	case passed > maxIdleSpan: // it would be an average over more than the present load
		return false
	}
	return idle >= passed/2
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
