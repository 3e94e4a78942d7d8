package persist

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
)

const outDir = "/out"

// TestWhatIsSalvagedOfAFlippedBitIsSound flips each bit of each file of small directories. Without the manifest
// everything is salvaged; without a part of the snapshot, some of the keys in their last state; without a part of a
// log, the content at the end of the group before it. Check accepts the salvaged directory, and a start on it begins a
// new life.
func TestWhatIsSalvagedOfAFlippedBitIsSound(t *testing.T) {
	for name, make := range libraries {
		t.Run(name, func(t *testing.T) {
			l := newLibrary(t)
			make(l)
			l.step = 5 // odd, so that every bit of a byte has its turn
			l.each(8, l.salvageFlipped)
		})
	}
}

func (l *library) salvageFlipped(name string, bit int) error {
	files := l.files.Kill()
	files.Flip(name, bit)
	found, err := Salvage(files, testDir, outDir)
	if err != nil {
		return err
	}
	got, err := startSalvaged(files)
	if err != nil {
		return err
	}
	last := l.groups[l.log][l.size()]
	switch offset := int64(bit / 8); {
	case strings.HasSuffix(name, "MANIFEST"):
		if found.Assumed == "" || len(found.Losses) > 0 || !equal(got, last) {
			return fmt.Errorf("without the manifest: %+v, %v", found, got)
		}
	case len(found.Losses) == 0 || found.Losses[0].File != name || found.Losses[0].Offset > offset:
		return fmt.Errorf("what is lost: %+v", found.Losses)
	case strings.Contains(name, "snapshot"):
		return isPart(got, last, found)
	default:
		return l.isBefore(got, found, name, offset)
	}
	return nil
}

// isPart returns what is wrong with a salvage of a damaged snapshot.
func isPart(got, last state, found *disk.Salvaged) error {
	missing := int64(0)
	for name, v := range last {
		if _, ok := got[name]; !ok {
			missing++
			got[name] = v
		}
	}
	if !equal(got, last) {
		return fmt.Errorf("not what there was: %v, not %v", got, last)
	}
	if unknown := found.LostKeys < 0; missing > found.LostKeys && !unknown || found.Mixed {
		return fmt.Errorf("%d keys are missing: %+v", missing, found)
	}
	return nil
}

// isBefore returns what is wrong with a salvage of a log that is damaged at an offset.
func (l *library) isBefore(got state, found *disk.Salvaged, name string, offset int64) error {
	salt := offset >= 16 && offset < 24
	if offset < logHeader && !salt { // the frames themselves say that they are sound
		name, offset = l.log, l.size()
	}
	end, was := l.before(name, max(offset, logHeader))
	if !equal(got, was) {
		return fmt.Errorf("%v, not %v", got, was)
	}
	paired := l.files.Bytes(strings.Replace(name, "log-", "snapshot-", 1)) != nil
	if !paired && found.Mixed || paired && end == logHeader && !found.Mixed {
		return fmt.Errorf("a snapshot alone is not of one moment, anything else is: %+v", found)
	}
	return nil
}

// startSalvaged checks a salvaged directory, starts on it and returns its content.
func startSalvaged(files *vfs.Memory) (state, error) {
	r, err := Check(files, outDir)
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	if r.Node != 0 || r.Life != 0 || r.Cut != nil {
		return nil, fmt.Errorf("it is somebody's: %+v", r.Report)
	}
	o := smallOptions(files, slog.New(slog.DiscardHandler))
	o.Dir = outDir
	s, err := open(o)
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	got := visible(s)
	return got, s.db.Close()
}

// TestKeysOfLostWritersAreLeftOut: numbers that only a missing frame has given belong to no known writer.
func TestKeysOfLostWritersAreLeftOut(t *testing.T) {
	writer := func(number uint32) disk.Frame {
		return disk.Frame{Kind: kindWriters, Payload: crdt.AppendWriter(nil, number, crdt.Writer{Node: 1, Life: uint64(number) + 1})}
	}
	var records []byte
	for number := range uint32(4) {
		e := crdt.Entry{Rows: []crdt.Row{{Writer: number, P: 5}}}
		records = crdt.AppendRecord(records, fmt.Appendf(nil, "by%d", number), &e)
	}
	s, v, kept := &sieve{}, newVerifier(), 0
	for _, f := range []disk.Frame{writer(0), writer(2), {Kind: kindRecords, Payload: records}} {
		frames, n, err := s.filter(f)
		if err != nil {
			t.Fatal(err)
		}
		kept += n
		for _, f := range frames {
			if _, err := v.verify(f); err != nil {
				t.Error(err)
			}
		}
	}
	if kept != 2 || len(v.loader.Writers) != 2 {
		t.Errorf("%d keys of %d writers are left", kept, len(v.loader.Writers))
	}
}

// TestADirectoryWithoutItsManifestIsSalvagedByItsFiles: also one with files of a snapshot that was never committed.
func TestADirectoryWithoutItsManifestIsSalvagedByItsFiles(t *testing.T) {
	for name, make := range libraries {
		t.Run(name, func(t *testing.T) {
			l := newLibrary(t)
			make(l)
			if err := l.files.Remove(filepath.Join(testDir, "MANIFEST")); err != nil {
				t.Fatal(err)
			}
			f, err := l.files.Create(filepath.Join(testDir, "snapshot-000000000009"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte("quotadb")); err != nil {
				t.Fatal(err)
			}
			if _, err := Salvage(l.files, testDir, outDir); err != nil {
				t.Fatal(err)
			}
			got, err := startSalvaged(l.files)
			if want := l.groups[l.log][l.size()]; err != nil || !equal(got, want) {
				t.Errorf("%v, %v, not %v", err, got, want)
			}
		})
	}
}

// TestALogThatIsMissingEndsWhatCounts: also if another log, sound in itself, is in its place.
func TestALogThatIsMissingEndsWhatCounts(t *testing.T) {
	for _, known := range []bool{true, false} {
		for _, replaced := range []bool{true, false} {
			l := newLibrary(t)
			gone := l.log
			l.stopClean()
			err := l.files.Remove(gone)
			if err == nil && replaced {
				err = l.files.Rename(l.log, gone)
			}
			if err == nil && !known {
				err = l.files.Remove(filepath.Join(testDir, "MANIFEST"))
			}
			if err != nil {
				t.Fatal(err)
			}
			found, err := Salvage(l.files, testDir, outDir)
			if err != nil {
				t.Fatal(err)
			}
			got, err := startSalvaged(l.files)
			if want := l.groups[gone][logHeader]; err != nil || !equal(got, want) || !found.Mixed {
				t.Errorf("manifest %v, replaced %v: %v, %v, not %v: %+v", known, replaced, err, got, want, found)
			}
		}
	}
}
