// Package lives decides under which life a node counts, and whether the lives of its peers go on.
//
// A life is one uninterrupted history of one data directory. What a node counts stands on rows of its life, whose numbers
// only grow. A node that went on with a life from an older disk, or from a copy, would count below numbers that are known
// already, and its increments would be lost. So a life goes on only if nothing that it has ever counted is missing, and
// nobody else goes on with it; in any doubt a start begins a new life, which is always correct and costs the memory of
// the old rows.
//
// Of a directory that never had a peer, the directory itself tells whether it is whole (disk.Dir.Whole). With peers, each
// peer has to confirm that the last run it knows of the life is that of the directory: see Claims.
package lives

import (
	"errors"

	"github.com/quotadb/quota-db/disk"
)

// Start is the start of a process that is about to count.
type Start struct {
	Node    uint16
	Run     uint64        // nonce of this start, if there are peers
	NewLife func() uint64 // makes a random life
	Claims  *Claims       // what is remembered of peers; nil: there are none

	// Confirm asks all peers whether the life of a directory goes on with this run. nil: none confirms it.
	Confirm func(before disk.Identity) bool
}

// Why a new life begins.
var (
	errNoLife      = errors.New("the directory is new, or nobody's")
	errOtherNode   = errors.New("the directory is another node's")
	errUnclean     = errors.New("the last run was not stopped clean, and there are peers, or were")
	errUnconfirmed = errors.New("peers do not confirm the life")
)

// Decide says as whose a start goes on with a directory: under its life, or under a new one, then why is not nil and says
// the reason. From then on the claims of s confirm lives of peers. Errors: those of Claims.Decide.
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

// whyNew is nil if the life of a directory goes on.
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
