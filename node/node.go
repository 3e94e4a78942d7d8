// Package node is one running node: it opens the parts bottom-up and closes them top-down.
//
// The parts are the engine, the connections with peers, the commands and the server; besides, the sweeper of expired
// keys, the trimmer that returns idle memory, and, if configured, the profiles. A part below this package knows only
// the part directly under it. The clock and the secret of the key hash are made here and passed down.
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
	"github.com/quotadb/quota-db/shares"
)

// Node is one running node.
type Node struct {
	log      *slog.Logger
	clock    *clock
	db       *engine.DB
	store    *persist.Store  // nil: no data directory
	peers    *peers          // nil: no peers
	council  *shares.Council // nil: the node has the whole of each quota
	commands *command.Server
	doors    *server.Doors // the listening addresses, until the server has them
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
	log.Info("ready", "version", config.Version, "addresses", n.Addrs(), "node", cfg.NodeID,
		"shards", cfg.Shards, "pid", os.Getpid(), "go", runtime.Version())
	return n, nil
}

// open opens the parts. It takes all addresses and reads all files of the configuration before it touches the data
// directory. So a start that fails for these reasons has changed nothing, even in a directory that another node uses.
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
		n.commands.Desk = n.peers.desk
	}
	if err := n.commands.SetUp(password); err != nil {
		return fmt.Errorf("set up users of --user-file: %w", err)
	}
	n.server = server.New(cfg, n.commands, n.log)
	if err = n.server.ListenAt(n.doors); err != nil {
		return err
	}
	// The sweeper is also needed without TTLs: unused quotas end by themselves.
	n.sweeper = startSweeper(n.db, now, cfg.TTLTick, n.commands.ObserveSweep)
	n.trimmer = startTrimmer()
	n.server.Serve()
	return nil
}

// Addrs are the addresses that serve clients, in the order of the configuration; a port 0 is replaced by the one taken.
func (n *Node) Addrs() []net.Addr { return n.server.Addrs() }

// ReplicationAddr returns the address where peers connect, nil without peers.
func (n *Node) ReplicationAddr() net.Addr {
	if n.peers == nil {
		return nil
	}
	return n.peers.cluster.Addr()
}

// Stopping is closed when a client sends SHUTDOWN. The owner then calls Close.
func (n *Node) Stopping() <-chan struct{} { return n.stopping }

// stop is called by SHUTDOWN.
func (n *Node) stop() { n.stopOnce.Do(func() { close(n.stopping) }) }

// Close answers the commands that clients have sent, disconnects the clients and releases everything. If ctx ends
// first, clients that do not read their replies are cut off; that is logged and is no error. An error means that not
// everything was stored or released. Call it once.
func (n *Node) Close(ctx context.Context) error {
	var err error
	if n.server == nil && n.doors != nil {
		err = n.doors.Close()
	}
	if n.server != nil {
		if err = n.server.Shutdown(ctx); errors.Is(err, server.ErrCutOff) {
			n.log.Warn("clients were cut off: they did not read their last replies", "error", err)
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
		err = errors.Join(err, n.peers.cluster.Close(), n.closeCouncil())
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

// waitBeside waits for work on keys that clients' commands have started in other goroutines. All of it ends soon,
// except the scan of all keys by CLUSTER DIGEST. The engine must not be closed before.
func (n *Node) waitBeside(ctx context.Context) {
	n.commands.End()
	ended := make(chan struct{})
	go func() {
		n.commands.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	select {
	case <-ended:
	case <-time.After(scanPatience): // the time may have been over before the scan had a moment to end
		n.log.Warn("the stop waits for a command that still scans all keys")
		<-ended
	}
}

// scanPatience is how long a stop waits, after its time is over, before it says that it waits.
const scanPatience = time.Second

// fileTimeout is how long a stop waits for ACL LOAD or ACL SAVE if the file does not respond.
const fileTimeout = time.Second

// waitFiles comes last, when all data is stored: the work that it waits for may hang, and uses no key.
func (n *Node) waitFiles(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fileTimeout)
	defer cancel()
	if err := n.commands.WaitFiles(ctx); err != nil {
		n.log.Warn("a command still waits for the file of users: the stop does not wait for it", "path", n.commands.Config.UserFile)
	}
}
