package node

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/quotadb/quota-db/cluster"
	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/lives"
	"github.com/quotadb/quota-db/replica"
	"github.com/quotadb/quota-db/shares"
)

// peers is the node's connection with its cluster.
type peers struct {
	cluster *cluster.Cluster
	secret  []byte
	run     uint64 // random number of this start
	claims  *lives.Claims
	desk    *shares.Desk
}

// openPeers listens for peers, if any are configured. Peers are asked to retry until replicate is called.
func (n *Node) openPeers(cfg *config.Config) error {
	// The secret is read also without peers, so that a missing file is noticed now, not when peers are added.
	secret, err := readClusterSecret(cfg)
	if err != nil || len(cfg.Peers) == 0 {
		return err
	}
	p := &peers{secret: []byte(secret), run: engine.RandomLife()}
	p.cluster, err = cluster.Listen(cluster.Options{
		Node: uint16(cfg.NodeID), Run: p.run, Address: cfg.ReplicationAddress(), Peers: cfg.Peers, Founders: cfg.Founders,
		Secret: p.secret, Insecure: cfg.InsecureCluster, Interval: cfg.AntiEntropyInterval, Log: n.log,
	})
	if err != nil {
		return err
	}
	n.peers = p
	n.log.Info("listening for peers", "address", p.cluster.Addr().String(), "peers", cfg.Peers)
	return nil
}

// confirm asks all peers whether this start may continue the directory's life.
func (p *peers) confirm(before disk.Identity) bool {
	return p.cluster.Confirm(context.Background(), cluster.Claim{Life: before.Life, Before: before.Run, Run: p.run})
}

// remember reads from the data directory what is known about the lives of peers, and stores later changes there.
func (p *peers) remember(files vfs.FS, dir string) error {
	text, err := disk.ReadPeers(files, dir)
	if err != nil {
		return err
	}
	p.claims, err = lives.NewClaims(text, func(text []byte) error { return disk.WritePeers(files, dir, text) })
	if err != nil {
		name := filepath.Join(dir, disk.PeersFile)
		return fmt.Errorf("%s is damaged: %w; you may remove the file: then peers take new identities when they start, and counts stay right", name, err)
	}
	p.cluster.Answer(p.claims)
	return nil
}

// replicate starts replication of the node's keys.
func (p *peers) replicate(n *Node, cfg *config.Config, now func() engine.Moment) {
	p.desk = shares.NewDesk(uint16(cfg.NodeID))
	o := replica.Options{
		Node: uint16(cfg.NodeID), Run: p.run, Life: n.db.Life(), Address: p.cluster.Addr().String(),
		Council: n.council, Desk: p.desk,
		DB: n.db, BatchSize: cfg.BatchMaxSize, Interval: cfg.AntiEntropyInterval, Log: n.log,
	}
	if n.store != nil {
		o.Disk, o.Earlier = n.store, n.store.Earlier()
	}
	if p.claims == nil { // memory only
		p.claims, _ = lives.NewClaims(nil, nil)
		_ = p.claims.Decide(n.db.Life(), false)
		p.cluster.Answer(p.claims)
	}
	p.cluster.Start(cluster.Stepping{
		Machine: replica.New(o), Now: now, Tick: max(cfg.BatchMaxDelay, leastDelay), Refresh: n.db.RefreshDigests,
	})
}
