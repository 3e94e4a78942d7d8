package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of /proc/PID/stat: USER_HZ, 100 on every Linux that Go runs on.
const ticksPerSecond = 100

// cpu is the processor time that the server has used so far, with all its threads and with the processes that it began,
// such as those that rewrite Redis's log.
func (s *server) cpu() (time.Duration, error) {
	total, err := ticks(s.pid(), 4) // user, system, and both of children that have ended
	if err != nil {
		return 0, err
	}
	children, _ := s.proc(filepath.Join("task", strconv.Itoa(s.pid()), "children")) // not every kernel has it
	for _, child := range strings.Fields(children) {
		if pid, err := strconv.Atoi(child); err == nil {
			n, _ := ticks(pid, 2) // the process may have ended meanwhile
			total += n
		}
	}
	return time.Duration(total) * time.Second / ticksPerSecond, nil
}

// ticks is the sum of the first n of a process's four times.
func ticks(pid, n int) (total int, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, f := range fields[11 : 11+n] { // utime, stime, cutime, cstime
		t, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		total += t
	}
	return total, nil
}

// resident is the server's resident memory in bytes.
func (s *server) resident() (int, error) {
	statm, err := s.proc("statm")
	if err != nil {
		return 0, err
	}
	pages, err := strconv.Atoi(strings.Fields(statm)[1])
	return pages * os.Getpagesize(), err
}

// writeCalls is how many system calls of the server have written so far, to sockets and to files.
func (s *server) writeCalls() (float64, error) {
	text, err := s.proc("io")
	return parseInfo(strings.ReplaceAll(text, ": ", ":")).number("syscw"), err
}

func (s *server) pid() int { return s.cmd.Process.Pid }

func (s *server) proc(file string) (string, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.pid()), file))
	return string(b), err
}
