package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

// besideCommands is how many INCR the pipeline sends at once. It does not wait for their replies.
const besideCommands = 10_000

// pingBeside sends a PING each millisecond for some time, while another connection sends INCR without an end and reads
// the replies as they come. It returns how long each reply took.
func (s *server) pingBeside(takes time.Duration) (all []time.Duration, err error) {
	flood, err := net.Dial("tcp", s.addr())
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{}, 2)
	go func() {
		l := load{verb: "incr", pipeline: besideCommands, keys: 10_000}
		commands := l.appendRequest(nil, newRandom())
		for err := error(nil); err == nil; {
			_, err = flood.Write(commands)
		}
		ended <- struct{}{}
	}()
	go func() {
		_, _ = io.Copy(io.Discard, flood)
		ended <- struct{}{}
	}()
	defer func() {
		err = errors.Join(err, flood.Close())
		<-ended
		<-ended
	}()
	c, err := wire.Dial(s.addr())
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	for end := time.Now().Add(takes); time.Now().Before(end); time.Sleep(time.Millisecond) {
		begin := time.Now()
		if v, err := c.Do("PING"); err != nil || v.IsError() {
			return nil, fmt.Errorf("PING: %v, %w", v, err)
		}
		all = append(all, time.Since(begin))
	}
	slices.Sort(all)
	return all, nil
}

// besides is what a PING takes beside an endless pipeline: at quota-db, Redis, and Redis again.
type besides [3]figures

// measureBeside measures the servers in turn, in several rounds.
func (b *bench) measureBeside(rounds int, takes time.Duration) (r besides, err error) {
	servers, err := b.startThree(memory, "")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, stopAll(servers)) }()
	all := make([][]time.Duration, len(servers))
	for range rounds {
		for i, s := range servers {
			took, err := s.pingBeside(takes / time.Duration(rounds))
			if err != nil {
				return r, err
			}
			all[i] = append(all[i], took...)
		}
	}
	for i := range all {
		slices.Sort(all[i])
		r[i] = figures{p50: percentile(all[i], 50), p99: percentile(all[i], 99)}
	}
	return r, nil
}
