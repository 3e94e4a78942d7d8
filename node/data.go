package node

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/quotadb/quota-db/cluster"
	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/persist"
)

// openData makes the engine and loads it with what the data directory has. It returns the clock.
func (n *Node) openData(cfg *config.Config) (func() engine.Moment, error) {
	options := engineOptions(cfg)
	if n.peers != nil {
		options.HashKey = cluster.HashKey(n.peers.secret)
	}
	if cfg.DataDir == "" {
		options.Life, options.Replicated = engine.RandomLife(), n.peers != nil
		var err error
		if n.db, err = engine.Open(options); err != nil {
			return nil, fmt.Errorf("open engine: %w", err)
		}
		n.log.Warn("all data is in memory only and is gone when the process ends: --data-dir keeps it")
		n.clock = newClock(systemClock(0), 0, n.log)
		return n.clock.Now, nil
	}
	persistent := persist.Options{
		FS: vfs.OS, Dir: cfg.DataDir, Engine: options,
		Durability: durabilities[cfg.Durability], Delay: max(cfg.BatchMaxDelay, leastDelay),
		Clock: func(wallMillis, mono int64) func() engine.Moment {
			if ahead := time.Until(time.UnixMilli(wallMillis)); ahead > time.Second {
				n.log.Warn("the machine's clock is behind what clients were served by before; ours goes on from there, so that no key comes back. "+
					"If the clock was wrong then and is right now: stop, quota-db clock --set-back DIR, start", "by", ahead.Round(time.Second))
			}
			n.clock = newClock(systemClock(mono), wallMillis*int64(time.Millisecond), n.log)
			return n.clock.Now
		},
		Log: n.log,
	}
	if n.peers != nil {
		n.peers.takePart(&persistent)
	}
	store, err := persist.Open(persistent)
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("%w; a node has a data directory of its own: --data-dir", err)
	}
	if err != nil {
		return nil, err
	}
	n.store, n.db = store, store.DB()
	return store.Now, nil
}

// durabilities are the values of --durability.
var durabilities = map[string]persist.Durability{
	config.DurabilityInterval: persist.Interval,
	config.DurabilityAlways:   persist.Always,
	config.DurabilityNone:     persist.None,
}

// leastDelay is the shortest time between two rounds of writing that nobody waits for.
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
