// Package lives decides under which life a node counts, and whether the lives of its peers go on.
//
// A life is one uninterrupted history of one data directory (docs call it the identity of a node). A node counts in the
// rows of its life, and their numbers only grow. If a node went on with a life from an older disk, or from a copy, it
// would count with numbers that peers know already, and its increments would be lost. So a life goes on only if nothing
// that it has ever counted is missing, and nobody else goes on with it. In any doubt a start begins a new life. That is
// always correct, and costs the memory of the old rows.
//
// A directory that never had a peer tells by itself whether it is complete (disk.Dir.Whole). With peers, each peer has
// to confirm that the last run of the life that it knows is the last run of the directory: see Claims.
package lives

import (
	"errors"

	"github.com/quotadb/quota-db/disk"
)

// Start describes the start of a process that is about to count.
type Start struct {
	Node    uint16
	Run     uint64        // random nonce of this start; unused without peers
	NewLife func() uint64 // makes a random life
	Claims  *Claims       // what this node remembers about peers; nil: it has no peers

	// Confirm asks all peers whether the life of a directory goes on with this run. nil: no peer can confirm it.
	Confirm func(before disk.Identity) bool
}

// Reasons for a new life.
var (
	errNoLife      = errors.New("the directory is new, or a copy without an identity")
	errOtherNode   = errors.New("the directory belongs to another node")
	errUnclean     = errors.New("the last run was not stopped clean, and the node has or had peers")
	errUnconfirmed = errors.New("not every peer confirms that the data is the newest")
)

// Decide returns the identity under which a start goes on with a directory. why is nil if that is the directory's own
// life; otherwise the life is new, and why says the reason. From then on the claims of s answer peers. err: those of
// Claims.Decide.
func Decide(dir *disk.Dir, s Start) (id disk.Identity, why, err error) {
	before := dir.Identity()
	id = disk.Identity{Node: s.Node, Clustered: s.Claims != nil || before.Clustered}
	why = whyNew(dir, before, s)
	if why == nil {
		id.Life, id.Start = before.Life, before.Start
	} else {
		id.Life = s.NewLife()
	}
	if id.Clustered {
		if id.Run = s.Run; why == nil {
			id.Earlier = before.Earlier.Then(before.Run)
		}
	}
	if s.Claims != nil {
		err = s.Claims.Decide(id.Life, why == nil)
	}
	return id, why, err
}

// whyNew is the reason for a new life, nil if the life of the directory goes on.
func whyNew(dir *disk.Dir, before disk.Identity, s Start) error {
	clustered := s.Claims != nil || before.Clustered
	switch {
	case before.Life == 0 || before.Node == 0:
		return errNoLife
	case before.Node != s.Node:
		return errOtherNode
	case clustered && !dir.StoppedClean():
		return errUnclean
	}
	if !before.Clustered {
		if err := dir.Whole(); err != nil {
			return err
		}
	}
	if clustered && (s.Confirm == nil || !s.Confirm(before)) {
		return errUnconfirmed
	}
	return nil
}
