package node

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/quotadb/quota-db/cluster"
	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/lives"
	"github.com/quotadb/quota-db/persist"
)

// openData makes the engine and loads the data directory into it. It returns the clock.
func (n *Node) openData(cfg *config.Config) (func() engine.Moment, error) {
	options := engineOptions(cfg)
	if n.peers != nil {
		options.HashKey = cluster.HashKey(n.peers.secret)
	}
	if cfg.DataDir == "" {
		return n.openMemory(cfg, options)
	}
	dir, err := openDir(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	n.startClock(dir.Identity().Clock)
	id, err := n.decideLife(cfg, dir)
	if err == nil {
		options.Part, err = n.openCouncil(cfg, dir)
	}
	if err != nil {
		return nil, errors.Join(persist.Advise(err), dir.Close(false, disk.Identity{}))
	}
	n.store, err = persist.Open(dir, persist.Options{
		Engine: options, Identity: id, Peers: n.peers != nil,
		Durability: durabilities[cfg.Durability], Delay: max(cfg.BatchMaxDelay, leastDelay), Now: n.clock.Now, Log: n.log,
	})
	if err != nil {
		return nil, err
	}
	n.db = n.store.DB()
	return n.clock.Now, nil
}

// openMemory makes an engine whose keys are lost when the process ends.
func (n *Node) openMemory(cfg *config.Config, o engine.Options) (func() engine.Moment, error) {
	o.Life, o.Replicated = engine.RandomLife(), n.peers != nil
	n.clock = newClock(systemClock(0), 0, n.log)
	var err error
	if o.Part, err = n.openCouncil(cfg, nil); err != nil {
		return nil, err
	}
	if n.db, err = engine.Open(o); err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	n.log.Warn("all data is in memory only and is lost when the process ends: use --data-dir to keep it")
	return n.clock.Now, nil
}

// openDir opens and locks the data directory.
func openDir(path string) (*disk.Dir, error) {
	dir, err := disk.Open(vfs.OS, path)
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("%w; give each node its own --data-dir", err)
	}
	return dir, persist.Advise(err)
}

// startClock starts the node's clock, not before the time up to which the directory has served clients.
func (n *Node) startClock(c disk.Clock) {
	if ahead := time.Until(time.UnixMilli(c.Wall)); ahead > time.Second {
		n.log.Warn("the machine's clock is behind the time that the node had reached before; the node continues from that time, so that no expired key comes back. "+
			"If the clock was wrong then and is right now: stop, quota-db clock --set-back DIR, start", "by", ahead.Round(time.Second))
	}
	n.clock = newClock(systemClock(c.Age), c.Wall*int64(time.Millisecond), n.log)
}

// decideLife decides under which life this start counts: the directory's, or a new one.
func (n *Node) decideLife(cfg *config.Config, dir *disk.Dir) (disk.Identity, error) {
	start := lives.Start{Node: uint16(cfg.NodeID), NewLife: engine.RandomLife}
	if p := n.peers; p != nil {
		if err := p.remember(vfs.OS, dir.Path()); err != nil {
			return disk.Identity{}, err
		}
		start.Run, start.Claims, start.Confirm = p.run, p.claims, p.confirm
	}
	isNew, clean := dir.IsNew(), dir.StoppedClean()
	id, why, err := lives.Decide(dir, start)
	if err != nil {
		return id, err
	}
	reason := ""
	if why != nil {
		reason = why.Error()
	}
	n.log.Info("opened the data directory", "dir", dir.Path(), "durability", cfg.Durability, "new", isNew, "clean_shutdown", clean,
		"identity_kept", why == nil, "reason", reason)
	return id, nil
}

// durabilities maps the values of --durability.
var durabilities = map[string]persist.Durability{
	config.DurabilityInterval: persist.Interval,
	config.DurabilityAlways:   persist.Always,
	config.DurabilityNone:     persist.None,
}

// leastDelay is the shortest time between two groups that no client waits for.
const leastDelay = time.Millisecond

func engineOptions(cfg *config.Config) engine.Options {
	var secret [16]byte
	_, _ = rand.Read(secret[:]) // never fails, as its documentation says
	return engine.Options{
		Shards:     cfg.Shards,
		Node:       uint16(cfg.NodeID),
		HashKey:    [2]uint64{binary.LittleEndian.Uint64(secret[:8]), binary.LittleEndian.Uint64(secret[8:])},
		TickMillis: cfg.TTLTick.Milliseconds(),
	}
}
