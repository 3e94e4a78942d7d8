package persist

import (
	"fmt"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
)

// Salvage writes everything that is provably sound in dir to a new directory out. See disk.Salvage.
func Salvage(files vfs.FS, dir, out string) (*disk.Salvaged, error) {
	v, s := newVerifier(), &sieve{}
	return disk.Salvage(files, dir, out, disk.Sieve{
		Verify: func(f disk.Frame) error {
			_, err := v.verify(f)
			return err
		},
		Filter: s.filter,
	})
}

// maxWriters is how many writers a segment may name: far more than there are lives of nodes. A missing frame may have
// named as many; a salvage allocates memory for them.
const maxWriters = 1 << 22

// sieve turns the frames of a snapshot, some of which are missing, into frames that a loader accepts. Writers named
// only in a missing frame are unknown, and so are the keys that they have counted on. The other writers get new numbers
// without gaps.
type sieve struct {
	loader engine.Loader // Writers maps the old numbers to the new ones
	fresh  uint32        // the next new number
	out    []byte
}

// filter is disk.Sieve's Filter. The frames are valid until the next call.
func (s *sieve) filter(f disk.Frame) ([]disk.Frame, int, error) {
	s.out = s.out[:0]
	records := 0
	var err error
	switch f.Kind {
	case kindWriters:
		known, fresh := len(s.loader.Writers), s.fresh
		if err = s.writers(f.Payload); err != nil { // then take nothing of the frame
			s.loader.Writers, s.fresh = s.loader.Writers[:known], fresh
		}
	case kindRecords:
		s.out, records, err = s.loader.Filter(s.out, f.Payload)
	default:
		err = fmt.Errorf("%w: frame of kind %d", disk.ErrVersion, f.Kind)
	}
	if err != nil || len(s.out) == 0 {
		return nil, 0, err
	}
	return []disk.Frame{{Kind: f.Kind, Payload: s.out}}, records, nil
}

// writers gives writers their new numbers.
func (s *sieve) writers(records []byte) error {
	for len(records) > 0 {
		number, w, rest, err := crdt.DecodeWriter(records)
		if err != nil {
			return err
		}
		known := uint32(len(s.loader.Writers))
		if number < known {
			return fmt.Errorf("%w: writer %d out of order", crdt.ErrCorrupt, number)
		}
		if number >= maxWriters {
			return fmt.Errorf("%w: writer %d", crdt.ErrCorrupt, number)
		}
		for ; known < number; known++ {
			s.loader.Writers = append(s.loader.Writers, engine.UnknownWriter)
		}
		s.loader.Writers = append(s.loader.Writers, s.fresh)
		s.out = crdt.AppendWriter(s.out, s.fresh, w)
		s.fresh++
		records = rest
	}
	return nil
}
