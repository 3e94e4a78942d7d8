package persist

import (
	"fmt"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
)

// Report is the result of Check.
type Report struct {
	*disk.Report
	Records []int64 // keys' records in each file of Files
}

// Check reads a data directory as a start would, decodes all records and changes nothing. It returns the report also
// with an error. The error says why a start would fail. See disk.Check.
func Check(files vfs.FS, dir string) (*Report, error) {
	r := &Report{}
	v := newVerifier()
	var err error
	r.Report, err = disk.Check(files, dir, func(f disk.Frame) error {
		n, err := v.verify(f)
		for len(r.Records) <= f.Segment {
			r.Records = append(r.Records, 0)
		}
		r.Records[f.Segment] += int64(n)
		return err
	})
	for len(r.Records) < len(r.Files) {
		r.Records = append(r.Records, 0)
	}
	return r, err
}

// Backup copies a data directory. A server may be running on it. See disk.Backup.
func Backup(files vfs.FS, dir, out string) error {
	v := newVerifier()
	return disk.Backup(files, dir, out, func(f disk.Frame) error {
		_, err := v.verify(f)
		return err
	})
}

// verifier checks whether a loader would accept the frames, without a DB, in memory that does not grow with their
// number.
type verifier struct {
	segment int
	loader  engine.Loader // Writers are those of the segment
}

func newVerifier() *verifier { return &verifier{segment: -1} }

// verify checks the next frame, and returns the number of keys in it. Errors: those of loader.give and of
// engine.Loader.
func (v *verifier) verify(f disk.Frame) (records int, err error) {
	if f.Segment != v.segment {
		v.segment, v.loader.Writers = f.Segment, v.loader.Writers[:0]
	}
	switch f.Kind {
	case kindWriters:
		return 0, v.readWriters(f.Payload)
	case kindFlush:
		return 0, nil
	case kindRecords:
		return v.loader.Verify(f.Payload)
	}
	return 0, fmt.Errorf("%w: frame of kind %d", disk.ErrVersion, f.Kind)
}

func (v *verifier) readWriters(records []byte) error {
	for len(records) > 0 {
		number, _, rest, err := crdt.DecodeWriter(records)
		if err != nil {
			return err
		}
		if number != uint32(len(v.loader.Writers)) {
			return fmt.Errorf("%w: writer %d out of order", crdt.ErrCorrupt, number)
		}
		v.loader.Writers = append(v.loader.Writers, number)
		records = rest
	}
	return nil
}
