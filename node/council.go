package node

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/shares"
)

// openCouncil makes the council that decides which part of quotas this node has, and returns that part. dir is nil for
// a node that keeps everything in memory. A node without peers needs a council only if its directory says that it is a
// member of a cluster.
func (n *Node) openCouncil(cfg *config.Config, dir *disk.Dir) (shares.Part, error) {
	o := shares.CouncilOptions{Node: uint16(cfg.NodeID), Founders: cfg.Founders, Alone: n.peers == nil, Fresh: true, Random: engine.RandomLife, Log: n.log}
	if dir != nil {
		text, err := disk.ReadMembers(vfs.OS, dir.Path())
		if err != nil {
			return shares.Part{}, err
		}
		before := dir.Identity()
		o.Text, o.Age = text, before.Clock.Age
		o.Save = func(text []byte) error { return disk.WriteMembers(vfs.OS, dir.Path(), text) }
		o.Fresh = dir.IsNew() || before.Life == 0 || before.Node != o.Node
		o.Copied = errors.Is(dir.Whole(), disk.ErrCopied)
		// A directory that has served anything without a council has served whole quotas, also if it had no peers yet.
		o.Whole = !o.Fresh && (before.Clustered || o.Age > 0)
	}
	if n.peers == nil && o.Text == nil {
		return shares.Part{}, nil
	}
	now := n.clock.Now().Mono
	council, err := shares.NewCouncil(o, now)
	if err != nil {
		return shares.Part{}, fmt.Errorf("%s: %w", filepath.Join(cfg.DataDir, disk.MembersFile), err)
	}
	n.council = council
	if n.peers == nil {
		for _, at := range []int64{now, now + int64(time.Hour)} { // there is nobody to ask
			council.Tick(at, 0, nil)
		}
		if p := council.Part(); p.Table != nil {
			n.log.Warn("this node is a member of a cluster and has no --peers: of each quota it can give only its own part",
				"members", len(p.Table.Members))
		}
	}
	return council.Part(), nil
}

// closeCouncil saves what the node knows of the other members. Nothing steps the council any more.
func (n *Node) closeCouncil() error {
	if n.council == nil {
		return nil
	}
	return n.council.Stop()
}
