package stats

import (
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is the processor time and memory of this process.
type Process struct {
	User, System time.Duration // processor time
	Resident     int64         // bytes; if the system does not say, the memory that Go has from the system
	Heap         int64         // bytes of live Go objects, without the keys
}

// MeasureProcess asks the system. A figure that the system does not have is 0.
func MeasureProcess() Process {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(samples)
	p := Process{Heap: int64(samples[0].Value.Uint64()), Resident: int64(samples[1].Value.Uint64())}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err == nil {
		p.User, p.System = time.Duration(usage.Utime.Nano()), time.Duration(usage.Stime.Nano())
	}
	if pages, ok := residentPages(); ok {
		p.Resident = pages * int64(os.Getpagesize())
	}
	return p
}

// residentPages is the process's resident memory; ok is false if the system has no /proc as Linux has it.
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

// SystemMemory is the machine's memory in bytes; 0 if the system has no /proc as Linux has it.
func SystemMemory() int64 {
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

// Executable is the path of the program; empty if the system does not say.
func Executable() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	return path
}
