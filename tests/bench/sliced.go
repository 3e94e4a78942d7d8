package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// sliceTime is how long a server is loaded before it is the next one's turn. It is short, so that all servers see
	// the machine in the same state.
	sliceTime = 100 * time.Millisecond
	// replyLimit is how long a reply may take.
	replyLimit = 5 * time.Second
)

// target is a server that is loaded in slices, over connections that stay open.
type target struct {
	*server
	load      load
	random    *rand.Rand
	poller    poller
	conns     []sliceConn
	costs     []float64       // microseconds of the server's CPU time for each command, by slice
	rates     []float64       // commands a second, by slice
	latencies []time.Duration // of what was sent at once: from when it was sent, or was due if there is a rate
	out, in   []byte
}

type sliceConn struct {
	fd     int
	left   int // replies that are still to come
	since  time.Time
	parser answers
}

func newTarget(s *server, l load) (*target, error) {
	t := &target{server: s, load: l, random: newRandom(), in: make([]byte, 1<<20)}
	if err := t.poller.open(); err != nil {
		return nil, err
	}
	for i := range l.clients {
		fd, err := connect(s.addr())
		if err != nil {
			return nil, errors.Join(err, t.close())
		}
		t.conns = append(t.conns, sliceConn{fd: fd})
		if err := t.poller.add(fd, i); err != nil {
			return nil, errors.Join(err, t.close())
		}
	}
	return t, nil
}

// connect is a descriptor of a new connection, which does not block.
func connect(addr string) (fd int, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return -1, err
	}
	defer func() { _ = conn.Close() }()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return -1, err
	}
	cerr := raw.Control(func(original uintptr) { fd, err = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(cerr, err)
}

func (t *target) close() error {
	for _, c := range t.conns {
		_ = unix.Close(c.fd)
	}
	return t.poller.close()
}

// slice loads the server for a while, until all replies are there.
func (t *target) slice(takes time.Duration) error {
	before, err := t.used()
	if err != nil {
		return err
	}
	begin := time.Now()
	done := 0
	if t.load.rate > 0 {
		done, err = t.open(begin, takes)
	} else {
		done, err = t.closed(begin, takes)
	}
	took := time.Since(begin)
	if err != nil {
		return err
	}
	time.Sleep(300 * time.Microsecond) // what a server does right behind its replies
	after, err := t.used()
	if err != nil {
		return err
	}
	t.costs = append(t.costs, float64((after-before).Nanoseconds())/1e3/float64(done))
	t.rates = append(t.rates, float64(done)/took.Seconds())
	return nil
}

// closed has each connection send again as soon as it has its replies.
func (t *target) closed(begin time.Time, takes time.Duration) (done int, err error) {
	for i := range t.conns {
		if err := t.send(&t.conns[i], time.Now()); err != nil {
			return 0, err
		}
	}
	for waiting := len(t.conns); waiting > 0; {
		ready, err := t.wait(replyLimit)
		if err != nil {
			return done, err
		}
		now := time.Now()
		stop := now.Sub(begin) >= takes
		for _, i := range ready {
			c := &t.conns[i]
			all, err := t.receive(c, now)
			switch {
			case err != nil:
				return done, err
			case !all:
				continue
			}
			if done += t.load.pipeline; stop {
				waiting--
			} else if err := t.send(c, now); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

// open sends at a rate, whether or not earlier commands are answered, as long as a connection is free.
func (t *target) open(begin time.Time, takes time.Duration) (done int, err error) {
	gap := time.Second * time.Duration(t.load.pipeline) / time.Duration(t.load.rate)
	free := make([]int, 0, len(t.conns))
	for i := range t.conns {
		free = append(free, i)
	}
	for sent := 0; ; {
		now := time.Now()
		due := begin.Add(time.Duration(sent) * gap)
		for len(free) > 0 && !due.After(now) && due.Sub(begin) < takes {
			if err := t.send(&t.conns[free[0]], due); err != nil {
				return done, err
			}
			free, sent = append(free[:0], free[1:]...), sent+1
			due, now = begin.Add(time.Duration(sent)*gap), time.Now()
		}
		over := due.Sub(begin) >= takes
		if over && len(free) == len(t.conns) {
			return done, nil
		}
		patience := max(due.Sub(now), 0)
		if over || len(free) == 0 {
			patience = replyLimit
		}
		ready, err := t.wait(patience)
		if err != nil {
			return done, err
		}
		now = time.Now()
		for _, i := range ready {
			if all, err := t.receive(&t.conns[i], now); err != nil {
				return done, err
			} else if all {
				done += t.load.pipeline
				free = append(free, i)
			}
		}
	}
}

// send sends the commands of a connection. since is when they are due.
func (t *target) send(c *sliceConn, since time.Time) error {
	t.out = t.load.appendRequest(t.out[:0], t.random)
	c.left, c.since = t.load.pipeline, since
	for rest := t.out; len(rest) > 0; {
		n, err := write(c.fd, rest)
		if err != nil && err != unix.EAGAIN {
			return os.NewSyscallError("write", err)
		}
		rest = rest[n:]
	}
	return nil
}

// wait waits for replies, and returns the connections that have some.
func (t *target) wait(patience time.Duration) (ready []int, err error) {
	if ready, err = t.poller.wait(patience); err == nil && len(ready) == 0 && patience == replyLimit {
		err = fmt.Errorf("port %s: no reply for %v", t.port, replyLimit)
	}
	return ready, err
}

// receive takes what has come, and reports whether the connection has all its replies.
func (t *target) receive(c *sliceConn, now time.Time) (all bool, err error) {
	n, err := read(c.fd, t.in)
	switch {
	case err == unix.EAGAIN:
		return false, nil
	case err != nil:
		return false, os.NewSyscallError("read", err)
	case n == 0:
		return false, fmt.Errorf("port %s: the server has closed a connection", t.port)
	}
	more, err := c.parser.count(t.in[:n])
	if err != nil {
		return false, err
	}
	if c.left -= more; c.left > 0 {
		return false, nil
	}
	t.latencies = append(t.latencies, now.Sub(c.since))
	return true, nil
}

// loadInSlices loads servers in turn, so that each pair of slices sees the same machine: for so many slices each, or
// for as many as fit into a time, but for at least leastSlices.
func loadInSlices(targets []*target, slices int, within time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, t := range targets { // to warm up
		if err := t.slice(sliceTime); err != nil {
			return err
		}
		t.costs, t.rates, t.latencies = nil, nil, nil
	}
	begin := time.Now()
	for i := 0; i < slices && (i < leastSlices || time.Since(begin) < within); i++ {
		for j := range targets {
			if i%2 == 1 {
				j = len(targets) - 1 - j
			}
			if err := targets[j].slice(sliceTime); err != nil {
				return err
			}
		}
		time.Sleep(time.Duration(len(targets)) * sliceTime / 10) // for what else the machine has to do
	}
	return nil
}

const leastSlices = 10

// used is the processor time of the server's threads so far, by the scheduler's account, which counts nanoseconds.
func (s *server) used() (total time.Duration, err error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.pid()))
	if err != nil {
		return 0, err
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", task, err)
		}
		total += time.Duration(n)
	}
	return total, nil
}
