package persist

import (
	"errors"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/lives"
)

// opening is how a test opens a Store, with the steps that a node does before it.
type opening struct {
	Options
	FS      vfs.FS
	Dir     string
	Run     uint64
	Clock   func(wall, mono int64) func() engine.Moment
	Confirm func(before disk.Identity, run uint64) bool // nil: no peer confirms a life
}

// open opens a directory as a node does, without the flusher's goroutine.
func open(o opening) (*Store, error) {
	dir, err := disk.Open(o.FS, o.Dir)
	if err != nil {
		return nil, err
	}
	clock := dir.Identity().Clock
	o.Now = o.Clock(clock.Wall, clock.Age)
	s := lives.Start{Node: o.Engine.Node, Run: o.Run, NewLife: engine.RandomLife}
	if o.Engine.NewLife != nil {
		s.NewLife = o.Engine.NewLife
	}
	if o.Peers {
		s.Claims, _ = lives.NewClaims(nil, nil)
	}
	if o.Confirm != nil {
		s.Confirm = func(before disk.Identity) bool { return o.Confirm(before, o.Run) }
	}
	if o.Identity, _, err = lives.Decide(dir, s); err != nil {
		return nil, errors.Join(err, dir.Close(false, disk.Identity{}))
	}
	return newStore(dir, o.Options)
}
