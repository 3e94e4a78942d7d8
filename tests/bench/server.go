package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startLimit = 20 * time.Second
	stopLimit  = 10 * time.Second
	// ticksPerSecond is the unit of /proc/PID/stat: USER_HZ, 100 on every Linux that Go runs on.
	ticksPerSecond = 100
)

// server is a running process that speaks RESP on a loopback port.
type server struct {
	cmd  *exec.Cmd
	port string
}

// start runs a command line (words split at blanks, ” is an empty word) pinned to processor 0 and waits until it accepts connections.
func start(line, dir string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	words := strings.Fields(strings.ReplaceAll(line, "{port}", port))
	for i := range words {
		words[i] = strings.Trim(words[i], "'")
	}
	s := &server{cmd: exec.Command("taskset", append([]string{"-c", "0"}, words...)...), port: port}
	s.cmd.Dir = dir
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", words[0], err)
	}
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			return s, conn.Close()
		}
	}
	s.stop()
	return nil, fmt.Errorf("%s does not answer on port %s", words[0], port)
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// stop asks the process to end and makes sure that it does.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(stopLimit, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	_ = s.cmd.Wait()
}

// fill makes the counters that redis-benchmark will name.
func (s *server) fill(keys int) error {
	return s.pipe(keys, func(w io.Writer, i int) {
		fmt.Fprintf(w, "*3\r\n$6\r\nINCRBY\r\n$20\r\ncounter:%012d\r\n$5\r\n70000\r\n", i)
	})
}

// pipe sends count commands through redis-cli.
func (s *server) pipe(count int, command func(w io.Writer, i int)) error {
	cli := exec.Command("taskset", "-c", "1", "redis-cli", "-p", s.port, "--pipe")
	in, err := cli.StdinPipe()
	if err != nil {
		return err
	}
	if err := cli.Start(); err != nil {
		return err
	}
	w := bufio.NewWriter(in)
	for i := range count {
		command(w, i)
	}
	return errors.Join(w.Flush(), in.Close(), cli.Wait())
}

// load puts a workload on the server and returns its CPU time per command in microseconds and the commands per second.
func (s *server) load(w workload) (cost, rate float64, err error) {
	args := []string{"-c", "1", "redis-benchmark", "-p", s.port, "-q", "-n", strconv.Itoa(w.requests), "-r", strconv.Itoa(w.keys)}
	args = append(args, w.flags...)
	args = append(args, w.command...)
	before, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	out, err := exec.Command("taskset", args...).Output()
	if err != nil {
		return 0, 0, fmt.Errorf("redis-benchmark: %w", err)
	}
	after, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	rate, err = requestsPerSecond(string(out))
	return (after - before).Seconds() / float64(w.requests) * 1e6, rate, err
}

// requestsPerSecond reads the figure from the last line that has one.
func requestsPerSecond(out string) (float64, error) {
	end := strings.LastIndex(out, " requests per second")
	if end < 0 {
		return 0, fmt.Errorf("redis-benchmark printed %q", out)
	}
	fields := strings.Fields(out[:end])
	return strconv.ParseFloat(fields[len(fields)-1], 64)
}

// cpu is the processor time that the server has used so far.
func (s *server) cpu() (time.Duration, error) {
	stat, err := s.proc("stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	total := 0
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return time.Duration(total) * time.Second / ticksPerSecond, nil
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

func (s *server) proc(file string) (string, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), file))
	return string(b), err
}
