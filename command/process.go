package command

import (
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is what this process takes from the machine.
type process struct {
	user, system time.Duration // processor time
	resident     int64         // bytes; where the system does not tell, what Go has of it
	heap         int64         // bytes of live Go objects; the keys are not among them
}

// measureProcess asks the system. What it does not tell is zero.
func measureProcess() process {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(samples)
	p := process{heap: int64(samples[0].Value.Uint64()), resident: int64(samples[1].Value.Uint64())}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err == nil {
		p.user, p.system = time.Duration(usage.Utime.Nano()), time.Duration(usage.Stime.Nano())
	}
	if pages, ok := residentPages(); ok {
		p.resident = pages * int64(os.Getpagesize())
	}
	return p
}

// residentPages is the process's resident memory where the system has Linux's /proc.
func residentPages() (pages int64, ok bool) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(statm)) // total, resident, ...
	if len(fields) < 2 {
		return 0, false
	}
	pages, err = strconv.ParseInt(fields[1], 10, 64)
	return pages, err == nil
}

// systemMemory is the machine's memory in bytes where the system has Linux's /proc, else 0.
func systemMemory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line) // name, amount, kB
		if len(fields) == 3 && fields[0] == "MemTotal:" {
			kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return 0
			}
			return kilobytes << 10
		}
	}
	return 0
}

// executable is the path of the program, empty where the system does not tell.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	return path
}
