// Package server serves the Redis protocol on TCP and unix sockets.
//
// A listener accepts with package net and hands the connection to one of a few event loops (package loop), one per
// processor. A loop reads what a socket has and gives it to the connection's session, which parses, runs the
// commands in batches and returns the replies; these leave in one write. A session knows nothing of sockets or loops.
//
// Invariants: a connection and its session are touched by its own loop only, except where a field says otherwise;
// no loop ever waits; a client whose commands wait is not read from, and what waits for all clients is bounded by
// budgets.go. Lock order: none, no two locks of this package are held together.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/server/loop"
)

// Server is the listeners, loops and connections of one node. New, Listen, Serve and Shutdown are called in this
// order, once each; after a failed Listen only Shutdown.
type Server struct {
	bind     []string
	commands *command.Server
	log      *slog.Logger
	limits   limits

	listeners     []net.Listener
	answers       *sync.WaitGroup // to clients that came before Listen; nil: none
	acceptors     sync.WaitGroup
	telling       sync.WaitGroup // clients that they are not served: begun by acceptors only, ends refuseTimeout later at the latest
	refused       chan struct{}  // one for each client that is told so
	unservedLines rarely
	loops         *loop.Group
	workers       workers
	roster        roster
	budgets       budgets
	exceeded      chan struct{} // a budget is

	started  time.Time
	seconds  atomic.Int64 // since started; the coarse clock of idle timeouts, moved by tend
	draining atomic.Bool
	stop     chan struct{} // closed when the goroutines below must end
	tending  sync.WaitGroup
}

// New makes a server for cfg.Bind that is not listening yet.
func New(cfg *config.Config, commands *command.Server, log *slog.Logger) *Server {
	commands.Fences = true
	return &Server{
		bind:     cfg.Bind,
		commands: commands,
		log:      log,
		limits:   defaultLimits(),
		refused:  make(chan struct{}, refusedAtOnce),
		started:  time.Now(),
		stop:     make(chan struct{}),
		exceeded: make(chan struct{}, 1),
	}
}

// Listen opens every address, so that Addrs answers and clients queue, and starts the event loops.
func (s *Server) Listen() error {
	doors, err := OpenDoors(s.bind)
	if err != nil {
		return err
	}
	return s.ListenAt(doors)
}

// ListenAt is Listen for addresses that are open already.
func (s *Server) ListenAt(doors *Doors) error {
	s.listeners, s.answers = doors.take(), &doors.clients
	s.budgets.setLimits(s.limits)
	loops, err := loop.Start(runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	s.loops = loops
	return nil
}

// Addrs are the addresses that are listened on, in the order of the configuration.
func (s *Server) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// Serve begins to accept and returns.
func (s *Server) Serve() {
	s.tending.Go(s.tend)
	s.tending.Go(s.shedder)
	for _, l := range s.listeners {
		s.acceptors.Go(func() { s.accept(l) })
	}
}

// Shutdown stops accepting, answers every command that has arrived, waits until the replies have left, and closes
// everything. When ctx ends first, clients that have not taken their replies are cut off: ErrCutOff, and ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, l := range s.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.log.Warn("close listener", "address", l.Addr(), "error", err)
		}
	}
	s.acceptors.Wait()
	if s.answers != nil {
		s.answers.Wait()
	}
	s.draining.Store(true)
	gone := s.roster.drain(func(c *connection) { c.conn.Wake() })
	cutOff := s.awaitLast(ctx, gone)
	close(s.stop)
	s.tending.Wait()
	s.telling.Wait()
	if s.loops != nil {
		s.loops.Stop()
	}
	return cutOff
}

// awaitLast waits until all clients are gone. Those whose commands take long, as a FLUSHALL that waits for a disk that
// hangs, have them ended and an error answered when half of ctx's time is over.
func (s *Server) awaitLast(ctx context.Context, gone <-chan struct{}) error {
	var half <-chan time.Time
	if deadline, bounded := ctx.Deadline(); bounded {
		timer := time.NewTimer(time.Until(deadline) / 2)
		defer timer.Stop()
		half = timer.C
	}
	for {
		select {
		case <-gone:
			return nil
		case <-half:
			s.log.Warn("half of the time to stop is over and clients remain: commands that still run are ended", "clients", s.roster.size())
			s.commands.End()
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrCutOff, ctx.Err())
		}
	}
}

// ErrCutOff is that clients were disconnected before they had taken their last replies. Nothing else has failed.
var ErrCutOff = errors.New("clients cut off")

// tend moves the coarse clock, disconnects idle clients and has the figures per second taken.
func (s *Server) tend() {
	ticker := time.NewTicker(tendInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			s.sweepIdle(int64(time.Since(s.started) / time.Second))
			s.commands.Sample()
		}
	}
}

// sweepIdle sets the coarse clock to now, in seconds, closes connections that have been idle for the timeout, and has the
// loops look at those that wait for their clients.
func (s *Server) sweepIdle(now int64) {
	s.seconds.Store(now)
	if s.workers.watched.Load() > 0 {
		s.loops.Each(func(l *loop.Loop) { s.workers.of(l, s.commands).tick() }, func() {})
	}
	timeout := s.commands.Params.TimeoutSeconds.Load()
	if timeout <= 0 {
		return
	}
	s.roster.each(func(c *connection) {
		if c.isIdle(now, timeout) { // the clock is coarse: a client is given up to a second more
			c.conn.Close()
		}
	})
}
