package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	// startLimit and stopLimit are for files of many million counters.
	startLimit = 5 * time.Minute
	stopLimit  = 2 * time.Minute
	startPoll  = 2 * time.Millisecond // precision of the measured time of a start
)

// server is a process that speaks RESP on a loopback port.
type server struct {
	cmd   *exec.Cmd
	port  string
	dir   string        // directory of its files
	ended chan struct{} // closed when the process has ended
	// took is the time from its start until it answered.
	took time.Duration
}

// start runs a program in a directory and waits until it answers.
func start(p program, m mode, dir string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	words, err := p.words(m, port, dir)
	if err != nil {
		return nil, err
	}
	if p.processors != "" {
		words = append([]string{"taskset", "-c", p.processors}, words...)
	}
	s := &server{cmd: exec.Command(words[0], words[1:]...), port: port, dir: dir, ended: make(chan struct{})}
	s.cmd.Dir = dir
	s.cmd.Stderr = os.Stderr
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", words[0], err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.ended)
	}()
	for time.Since(begin) < startLimit {
		if s.answers() {
			s.took = time.Since(begin)
			return s, nil
		}
		select {
		case <-s.ended:
			return nil, fmt.Errorf("%s: %s before it answered", strings.Join(words, " "), s.cmd.ProcessState)
		case <-time.After(startPoll):
		}
	}
	return nil, errors.Join(fmt.Errorf("%s does not answer on port %s", words[0], port), s.stop())
}

// answers says whether the server has loaded what it has on disk.
func (s *server) answers() bool {
	c, err := wire.Dial(s.addr())
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	v, err := c.Do("PING")
	return err == nil && !(v.IsError() && strings.HasPrefix(v.Text, "LOADING"))
}

func (s *server) addr() string { return "127.0.0.1:" + s.port }

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// stop asks the process to end and makes sure that it does. It is an error if that took force.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopLimit):
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
	return fmt.Errorf("port %s: killed, it had not stopped after %v", s.port, stopLimit)
}

// load puts a workload on the server, from where this program is pinned to, then calls rest, if there is one. It
// returns the CPU time per command in microseconds, rest included, and the commands per second.
func (s *server) load(w workload, rest func() error) (cost, rate float64, err error) {
	args := []string{"-p", s.port, "-q", "-n", strconv.Itoa(w.requests), "-r", strconv.Itoa(w.keys)}
	args = append(args, w.flags...)
	args = append(args, w.command...)
	before, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	out, err := exec.Command("redis-benchmark", args...).Output()
	if err != nil {
		return 0, 0, fmt.Errorf("redis-benchmark: %w", err)
	}
	if rest != nil {
		if err := rest(); err != nil {
			return 0, 0, err
		}
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
