// Package node is one running node: it opens the parts bottom-up and closes them top-down.
//
// The parts are the engine, the connections with peers, the commands, the server, and beside them the sweep of expired keys, the return of idle
// memory and, when asked for, the profiles. Nothing below this package knows of more than the part under it; the clock and the secret of the key
// hash are made here and handed down.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/persist"
	"github.com/quotadb/quota-db/server"
)

// Node is one running node.
type Node struct {
	log      *slog.Logger
	clock    *clock
	db       *engine.DB
	store    *persist.Store // nil: nothing is kept
	peers    *peers         // nil: there are none
	commands *command.Server
	doors    *server.Doors // until the server has them
	server   *server.Server
	sweeper  *sweeper
	trimmer  *trimmer
	profiles *profiles
	stopping chan struct{}
	stopOnce sync.Once
}

// Open starts a node that serves when Open returns. The configuration must be valid.
func Open(cfg *config.Config, log *slog.Logger) (*Node, error) {
	n := &Node{log: log, stopping: make(chan struct{})}
	if err := n.open(cfg); err != nil {
		return nil, errors.Join(err, n.Close(context.Background()))
	}
	log.Info("QuotaDB serves", "version", config.Version, "addresses", n.Addrs(), "node", cfg.NodeID,
		"shards", cfg.Shards, "pid", os.Getpid(), "go", runtime.Version())
	return n, nil
}

// open opens the parts. All addresses are taken, and all files of the configuration read, before the data directory is touched: what ends a start
// there has changed nothing, also in a directory that another node has.
func (n *Node) open(cfg *config.Config) error {
	room, err := roomForClients(cfg)
	if err != nil {
		return err
	}
	if room < cfg.MaxConnections {
		n.log.Warn("the limit of open files (ulimit -n) is too low for --max-connections: fewer clients may connect", "clients", room, "wanted", cfg.MaxConnections)
	}
	password, err := readPassword(cfg)
	if err != nil {
		return err
	}
	if n.doors, err = server.OpenDoors(cfg.Bind); err != nil {
		return err
	}
	if cfg.PprofBind != "" {
		if n.profiles, err = startProfiles(cfg.PprofBind); err != nil {
			return err
		}
		n.log.Info("profiles served", "url", "http://"+n.profiles.listener.Addr().String()+"/debug/pprof/")
	}
	if err := n.openPeers(cfg); err != nil {
		return err
	}
	now, err := n.openData(cfg)
	if err != nil {
		return err
	}
	if n.peers != nil {
		n.peers.replicate(n, cfg, now)
	}
	n.commands = command.NewServer(cfg, n.db, now, n.log, n.stop)
	n.commands.Store = n.store
	n.commands.Params.BoundClients(int64(room))
	n.commands.ClockOffset = n.clock.Offset
	if n.peers != nil {
		n.commands.Replication = n.peers.cluster.Status
	}
	if err := n.commands.SetUp(password); err != nil {
		return fmt.Errorf("set up users of --user-file: %w", err)
	}
	n.server = server.New(cfg, n.commands, n.log)
	if err = n.server.ListenAt(n.doors); err != nil {
		return err
	}
	n.sweeper = startSweeper(n.db, now, cfg.TTLTick, n.commands.ObserveSweep) // without TTL too: quotas end by themselves
	n.trimmer = startTrimmer()
	n.server.Serve()
	return nil
}

// Addrs are the addresses that serve clients, in the order of the configuration; a port 0 is replaced by the one taken.
func (n *Node) Addrs() []net.Addr { return n.server.Addrs() }

// ReplicationAddr is where peers connect, nil if there are none.
func (n *Node) ReplicationAddr() net.Addr {
	if n.peers == nil {
		return nil
	}
	return n.peers.cluster.Addr()
}

// Stopping is closed when a client asks for the end, with SHUTDOWN. The owner then calls Close.
func (n *Node) Stopping() <-chan struct{} { return n.stopping }

// stop is what SHUTDOWN calls.
func (n *Node) stop() { n.stopOnce.Do(func() { close(n.stopping) }) }

// Close answers what clients have sent, disconnects them and gives everything back. When ctx ends first, clients
// that do not take their replies are cut off, which is logged and is no error: an error says that not everything was kept or given back. It is called once.
func (n *Node) Close(ctx context.Context) error {
	var err error
	if n.server == nil && n.doors != nil {
		err = n.doors.Close()
	}
	if n.server != nil {
		if err = n.server.Shutdown(ctx); errors.Is(err, server.ErrCutOff) {
			n.log.Warn("clients did not take their last replies", "error", err)
			err = nil
		}
	}
	if n.commands != nil {
		n.waitBeside(ctx)
	}
	if n.sweeper != nil {
		n.sweeper.close()
	}
	if n.trimmer != nil {
		n.trimmer.close()
	}
	if n.profiles != nil {
		err = errors.Join(err, n.profiles.close())
	}
	if n.peers != nil {
		err = errors.Join(err, n.peers.cluster.Close())
	}
	switch {
	case n.store != nil:
		err = errors.Join(err, n.store.Close(ctx))
	case n.db != nil:
		err = errors.Join(err, n.db.Close())
	}
	if n.commands != nil {
		n.waitFiles(ctx)
	}
	return err
}

// waitBeside waits for what clients' commands have begun with the keys, which end soon, but for the scan of all keys of a
// CLUSTER DIGEST: nothing else may be given back before.
func (n *Node) waitBeside(ctx context.Context) {
	n.commands.End()
	ended := make(chan struct{})
	go func() {
		n.commands.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		n.log.Warn("a command still goes through all keys: the stop waits for it")
		<-ended
	}
}

// fileTimeout is how long a stop waits for a file that does not answer, which ACL LOAD or SAVE reads or writes.
const fileTimeout = time.Second

// waitFiles comes last, when all data is kept: what it waits for may hang, and touches no key.
func (n *Node) waitFiles(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fileTimeout)
	defer cancel()
	if err := n.commands.WaitFiles(ctx); err != nil {
		n.log.Warn("a command still waited for the file of users: it is left behind", "path", n.commands.Config.UserFile)
	}
}
