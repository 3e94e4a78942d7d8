// Package server serves the Redis protocol on TCP and unix sockets.
//
// A listener accepts with package net and gives the connection to one of a few event loops (package loop), as many as
// the load needs. A loop reads what a socket has and gives it to the connection's session, which parses the input, runs
// the commands in batches and returns the replies; these leave in one write. With the replies comes a command.Turn,
// which says how the connection goes on. A session knows neither sockets nor loops.
//
// Invariants: only a connection's own loop touches the connection and its session, except where a field says otherwise;
// no loop ever waits; at most readAhead bytes are read ahead from a client whose commands wait; budgets.go bounds the
// bytes that are held for all clients. Lock order: none, no two locks of this package are held together.
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
	"github.com/quotadb/quota-db/pulse"
	"github.com/quotadb/quota-db/server/loop"
)

// Server has the listeners, loops and connections of one node. New, Listen, Serve and Shutdown are called in this
// order, once each; after a failed Listen only Shutdown.
type Server struct {
	bind     []string
	commands *command.Server
	log      *slog.Logger
	limits   limits

	listeners     []net.Listener
	answers       *sync.WaitGroup // of Doors, to clients that came before Listen; nil: none
	acceptors     sync.WaitGroup
	telling       sync.WaitGroup // for refused clients: begun by acceptors only, ends refuseTimeout later at the latest
	refused       chan struct{}  // one element for each refused client that is reading why
	unservedLines rarely
	loops         *loop.Group
	watched       atomic.Int64 // connections that are looked at every second
	roster        roster
	budgets       budgets
	exceeded      chan struct{} // wakes the shedder: a budget is exceeded

	started  time.Time
	seconds  atomic.Int64 // the coarse clock: seconds since started, moved by tend
	draining atomic.Bool
	stop     chan struct{} // closed when the goroutines below must end
	tending  sync.WaitGroup
}

// New makes a server for cfg.Bind. It does not listen yet.
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

// Listen opens every address, so that Addrs has them and clients can queue, and starts the event loops.
func (s *Server) Listen() error {
	doors, err := OpenDoors(s.bind)
	if err != nil {
		return err
	}
	return s.ListenAt(doors)
}

// ListenAt is Listen with addresses that are open already.
func (s *Server) ListenAt(doors *Doors) error {
	s.listeners, s.answers = doors.take(), &doors.clients
	s.budgets.setLimits(s.limits)
	loops, err := loop.Start(loop.Options{Loops: Processors(), Worker: s.newWorker, Yields: runtime.GOMAXPROCS(0) == 1})
	if err != nil {
		return err
	}
	s.loops = loops
	return nil
}

// Addrs are the addresses of the listeners, in the order of the configuration.
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
// everything. If ctx ends first, clients that have not taken their replies are disconnected. Then the error is
// ErrCutOff with ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, l := range s.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.log.Warn("could not close a listener", "address", l.Addr(), "error", err)
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

// awaitLast waits until all clients are gone. When half of ctx's time is over, commands that still run are ended and
// answered with an error, for example a FLUSHALL that waits for a hanging disk.
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
			s.log.Warn("stopping: clients remain after half of the time, commands that still run are ended", "clients", s.roster.size())
			s.commands.End()
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrCutOff, ctx.Err())
		}
	}
}

// ErrCutOff says that clients were disconnected before they had taken their last replies. Nothing else has failed.
var ErrCutOff = errors.New("clients cut off")

// tend moves the coarse clock, disconnects idle clients and samples the rates, once a second.
func (s *Server) tend() {
	ticker := pulse.NewTicker(tendInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			ticker.Next()
			s.sweepIdle(int64(time.Since(s.started) / time.Second))
			s.commands.Sample()
		}
	}
}

// sweepIdle sets the coarse clock to now, in seconds, has the loops look at the connections that wait for their
// clients, and closes connections that have been idle for the timeout.
func (s *Server) sweepIdle(now int64) {
	s.seconds.Store(now)
	if s.watched.Load() > 0 {
		s.loops.Each(func(l *loop.Loop) { l.Worker().(*worker).tick() }, func() {})
	}
	timeout := s.commands.Params.TimeoutSeconds.Load()
	if timeout <= 0 {
		return
	}
	s.roster.each(func(c *connection) {
		if c.isIdle(now, timeout) { // the clock is coarse: a client has up to a second more
			c.conn.Close()
		}
	})
}
