package persist

import (
	"errors"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/engine"
)

// Why a new life begins.
var (
	errNoLife      = errors.New("the directory is new, or nobody's")
	errOtherNode   = errors.New("the directory is another node's")
	errUnclean     = errors.New("the last run was not stopped clean, and there are peers, or were")
	errUnconfirmed = errors.New("peers do not confirm the life")
)

// whyNewLife is nil if the life of a directory goes on: nothing is missing that it has ever counted, and nobody else
// goes on with it. Of a directory that never had a peer the directory itself tells that, else peers do.
func (s *Store) whyNewLife(o *Options, before disk.Identity) error {
	switch {
	case before.Life == 0 || before.Node == 0:
		return errNoLife
	case before.Node != o.Engine.Node:
		return errOtherNode
	case o.Engine.Replicated && !s.dir.StoppedClean():
		return errUnclean
	}
	if !before.Clustered {
		if err := s.dir.Whole(); err != nil {
			return err
		}
	}
	if o.Engine.Replicated && (o.Confirm == nil || !o.Confirm(before, o.Run)) {
		return errUnconfirmed
	}
	return nil
}

// reason is what a log line says of an error, nothing of none.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func newLife(o *engine.Options) uint64 {
	if o.NewLife != nil {
		return o.NewLife()
	}
	return engine.RandomLife()
}
