package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	flooders    = 50
	floodSecret = "correct horse"
	probePause  = 500 * time.Microsecond // between two requests of the client that is measured
)

// compareFloods prints the latencies of a client that is logged in, while 50 connections try wrong passwords as fast as
// they get answers, and while they send PING instead, in alternating slices of the given length.
func compareFloods(out io.Writer, quota *server, length time.Duration) error {
	const slices = 6
	c, err := wire.Dial(quota.addr())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if v, err := c.Do("CONFIG", "SET", "requirepass", floodSecret); err != nil || v.Text != "OK" {
		return fmt.Errorf("CONFIG SET requirepass: %s %w", v, err)
	}
	var ping, auth []time.Duration
	var pings, auths int64
	for i := range slices {
		flood, latencies, count := []string{"PING"}, &ping, &pings
		if i%2 == i/2%2 {
			flood, latencies, count = []string{"AUTH", "wrong"}, &auth, &auths
		}
		n, err := quota.flood(flood, length/(slices/2), latencies)
		if err != nil {
			return err
		}
		*count += n
	}
	fmt.Fprintf(out, "\nGET of a client that is logged in, beside %d connections, %v each\n", flooders, length)
	fmt.Fprintf(out, "%-16s %10s %10s %10s %14s\n", "", "median us", "p99 us", "worst us", "flood per s")
	for _, line := range []struct {
		name string
		all  []time.Duration
		n    int64
	}{{"PING", ping, pings}, {"AUTH, wrong", auth, auths}} {
		fmt.Fprintf(out, "%-16s %10d %10d %10d %14.0f\n", line.name, at(line.all, 50), at(line.all, 99), at(line.all, 100), float64(line.n)/length.Seconds())
	}
	fmt.Fprintf(out, "p99 beside AUTH / beside PING: %.2f\n", float64(at(auth, 99))/float64(at(ping, 99)))
	return nil
}

// at is a percentile in microseconds. It sorts all.
func at(all []time.Duration, percent float64) int64 {
	slices.Sort(all)
	return percentile(all, percent).Microseconds()
}

// flood sends a command over and over on many connections, and measures another client's requests meanwhile.
func (s *server) flood(command []string, length time.Duration, latencies *[]time.Duration) (sent int64, err error) {
	var group sync.WaitGroup
	var count atomic.Int64
	end := time.Now().Add(length)
	for range flooders {
		c, err := s.login(strings.EqualFold(command[0], "PING"))
		if err != nil {
			return 0, err
		}
		defer func() { _ = c.Close() }()
		group.Go(func() {
			for time.Now().Before(end) {
				if _, err := c.Do(command...); err != nil {
					return
				}
				count.Add(1)
			}
		})
	}
	probe, err := s.login(true)
	if err != nil {
		return 0, err
	}
	defer func() { _ = probe.Close() }()
	for time.Now().Before(end) {
		begin := time.Now()
		if v, err := probe.Do("GET", "counter:000000000001"); err != nil || v.Kind == wire.Error {
			return 0, fmt.Errorf("the client that is measured: %s %w", v, err)
		}
		*latencies = append(*latencies, time.Since(begin))
		time.Sleep(probePause)
	}
	group.Wait()
	return count.Load(), nil
}

// login is a connection, logged in if asked for.
func (s *server) login(in bool) (*wire.Conn, error) {
	c, err := wire.Dial(s.addr())
	if err != nil || !in {
		return c, err
	}
	if v, err := c.Do("AUTH", floodSecret); err != nil || v.Text != "OK" {
		return nil, fmt.Errorf("AUTH: %s %w", v, err)
	}
	return c, nil
}
