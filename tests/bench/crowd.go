package main

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	crowdSize   = 9_000
	crowdProbes = 20                     // clients that are logged in
	crowdSlice  = 5 * time.Second        // that is measured without the crowd, and as long with it
	crowdPiece  = 8 << 10                // bytes of an unfinished command that are sent at once
	crowdPause  = 500 * time.Microsecond // between two pieces, of the whole crowd
)

// measureCrowd prints the latencies of logged-in clients, alone and together with 9,000 connections that have not
// logged in. Each of these holds an unfinished command. In turn they send more of it, as much as they may; those that
// are closed connect again. If a logged-in client is closed, that is an error. The crowd takes a part of both
// processors, so Redis is measured beside the same crowd.
func (b *bench) measureCrowd() error {
	limit := syscall.Rlimit{}
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < crowdSize+100 {
		return fmt.Errorf("%d file descriptors are too few for a crowd of %d", limit.Cur, crowdSize)
	}
	fmt.Fprintf(b.out, "\nINCR of %d clients that are logged in, and of these beside %d connections that are not\n", crowdProbes, crowdSize)
	fmt.Fprintf(b.out, "%-9s %-16s %10s %10s %10s %10s\n", "", "", "requests", "median us", "p99 us", "worst us")
	for name, p := range map[string]program{"quota-db": b.quota, "Redis": b.redis} {
		s, err := b.start(p, memory)
		if err != nil {
			return err
		}
		alone, beside, err := s.besideACrowd()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, line := range []struct {
			name string
			all  []time.Duration
		}{{"alone", alone}, {"beside the crowd", beside}} {
			fmt.Fprintf(b.out, "%-9s %-16s %10d %10d %10d %10d\n", name, line.name, len(line.all), at(line.all, 50), at(line.all, 99), at(line.all, 100))
		}
		fmt.Fprintf(b.out, "%-9s p99 beside / alone: %.2f\n", name, float64(at(beside, 99))/float64(at(alone, 99)))
		if err := s.cmd.Process.Kill(); err != nil {
			return err
		}
		<-s.ended
	}
	return nil
}

// besideACrowd is how long requests of logged-in clients take, alone and beside the crowd.
func (s *server) besideACrowd() (alone, beside []time.Duration, err error) {
	c, err := wire.Dial(s.addr())
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = c.Close() }()
	if v, err := c.Do("CONFIG", "SET", "requirepass", floodSecret); err != nil || v.Text != "OK" {
		return nil, nil, fmt.Errorf("CONFIG SET requirepass: %s %w", v, err)
	}
	var probes []*wire.Conn
	for range crowdProbes {
		p, err := s.login(true)
		if err != nil {
			return nil, nil, err
		}
		defer func() { _ = p.Close() }()
		probes = append(probes, p)
	}
	if alone, err = probeAll(probes); err != nil {
		return nil, nil, err
	}
	cr := &crowd{addr: s.addr()}
	defer cr.close()
	if err := cr.gather(); err != nil {
		return nil, nil, err
	}
	var stop atomic.Bool
	var pushing sync.WaitGroup
	pushing.Go(func() { cr.push(&stop) })
	beside, err = probeAll(probes)
	stop.Store(true)
	pushing.Wait()
	if err != nil {
		return nil, nil, fmt.Errorf("a client that is logged in, beside the crowd: %w", err)
	}
	return alone, beside, nil
}

// probeAll measures the requests of all probes for crowdSlice.
func probeAll(probes []*wire.Conn) ([]time.Duration, error) {
	took, failed := make([][]time.Duration, len(probes)), make([]error, len(probes))
	var group sync.WaitGroup
	end := time.Now().Add(crowdSlice)
	for i, p := range probes {
		group.Go(func() {
			for failed[i] == nil && time.Now().Before(end) {
				began := time.Now()
				v, err := p.Do("INCR", fmt.Sprint("probe:", i))
				if err == nil && v.Kind == wire.Error {
					err = fmt.Errorf("%s", v.Text)
				}
				failed[i] = err
				took[i] = append(took[i], time.Since(began))
				time.Sleep(probePause)
			}
		})
	}
	group.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(took...), nil
}

// crowd is connections that do not log in.
type crowd struct {
	addr    string
	members []net.Conn
}

// gather has all come, each with the first piece of a command.
func (c *crowd) gather() error {
	for range crowdSize {
		conn, err := c.come()
		if err != nil {
			return err
		}
		c.members = append(c.members, conn)
	}
	return nil
}

func (c *crowd) come() (net.Conn, error) {
	conn, err := net.Dial("tcp", c.addr)
	if err != nil {
		return nil, err
	}
	_, err = conn.Write([]byte("*10\r\n$16384\r\n" + strings.Repeat("x", crowdPiece)))
	return conn, err
}

// push has one member after the other send more of its command.
func (c *crowd) push(stop *atomic.Bool) {
	rest := strings.Repeat("x", crowdPiece) + "\r\n$16384\r\n" + strings.Repeat("x", 16384) + "\r\n$16384\r\n"
	for i := 0; !stop.Load(); i = (i + 1) % len(c.members) {
		if _, err := c.members[i].Write([]byte(rest)); err != nil {
			_ = c.members[i].Close()
			if conn, err := c.come(); err == nil {
				c.members[i] = conn
			}
		}
		time.Sleep(crowdPause)
	}
}

func (c *crowd) close() {
	for _, conn := range c.members {
		_ = conn.Close()
	}
}
