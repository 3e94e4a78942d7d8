package persist

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
)

// TestEveryFlippedBitIsFound flips each bit of each file of small directories. Either the start fails, and names file
// and offset. Or the bit is behind the part that the log calls safe; then the start loads the content at the end of the
// last group before the bit, and says what it cut. Check finds what the start finds.
func TestEveryFlippedBitIsFound(t *testing.T) {
	for name, make := range libraries {
		t.Run(name, func(t *testing.T) {
			l := newLibrary(t)
			make(l)
			f := &flips{library: l}
			if _, err := f.open(l.files.Kill()); err != nil {
				t.Fatal(err)
			}
			l.each(8, f.flip)
			t.Logf("%d bits: %d starts refused, %d with a cut", f.bits.Load(), f.refused.Load(), f.cuts.Load())
			if cuts := f.cuts.Load(); !testing.Short() && (f.refused.Load() < 5000 || (cuts < 500) != (l.last == "")) {
				t.Error("this tests too little")
			}
		})
	}
}

// flips tests one directory.
type flips struct {
	*library
	bits, refused, cuts atomic.Int64
}

// flip flips one bit. It returns what is wrong with the start after that, "" for nothing.
func (f *flips) flip(name string, bit int) error {
	f.bits.Add(1)
	files := f.files.Kill()
	files.Flip(name, bit)
	report, checkErr := Check(files, testDir)
	got, err := f.open(files)
	if (err == nil) != (checkErr == nil) {
		return fmt.Errorf("the start says %v, check says %v", err, checkErr)
	}
	offset := int64(bit / 8)
	if name == f.last && offset >= f.safe {
		f.cuts.Add(1)
		return f.isCut(got, report, err, offset)
	}
	f.refused.Add(1)
	for _, err := range []error{err, checkErr} {
		var damage *disk.DamageError
		if !errors.As(err, &damage) {
			return fmt.Errorf("no damage: %v", err)
		}
		if damage.File != name || damage.Offset > offset {
			return fmt.Errorf("blamed is %s at %d", damage.File, damage.Offset)
		}
	}
	return nil
}

// TestEveryFileThatIsTooShortIsFound cuts each file at each length. The start fails, or, in the log that was open, goes
// on after the last whole group; but it must fail if the rest or the manifest says that more was safe. If only the
// removed part said so, nobody can know it.
func TestEveryFileThatIsTooShortIsFound(t *testing.T) {
	for name, make := range libraries {
		t.Run(name, func(t *testing.T) {
			l := newLibrary(t)
			make(l)
			l.each(1, l.shorten)
		})
	}
}

// shorten cuts a file. It returns what is wrong with the start after that, "" for nothing.
func (l *library) shorten(name string, length int) error {
	files := l.files.Kill()
	if err := files.Truncate(name, int64(length)); err != nil {
		return err
	}
	report, checkErr := Check(files, testDir)
	got, err := l.open(files)
	if (err == nil) != (checkErr == nil) {
		return fmt.Errorf("the start says %v, check says %v", err, checkErr)
	}
	if name != l.last || int64(length) < l.said(int64(length)) {
		var damage *disk.DamageError
		if !errors.As(err, &damage) || damage.File != name || damage.Offset > int64(length) {
			return fmt.Errorf("no damage: %v", err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	end, was := l.before(name, int64(length))
	if cut := int64(length) - end; got.cut.Bytes != cut || (report.Cut != nil) != (cut > 0) || !equal(got.state, was) {
		return fmt.Errorf("%v, cut %+v, not %v, cut at %d", got.state, got.cut, was, end)
	}
	return nil
}

// isCut returns what is wrong with a start on a log with a flipped bit at an offset that was not safe.
func (f *flips) isCut(got *opened, report *Report, err error, offset int64) error {
	if err != nil {
		return fmt.Errorf("refused, though it is a torn tail: %w", err)
	}
	end, was := f.before(f.last, offset)
	want := disk.Cut{File: f.last, Offset: end, Bytes: int64(len(f.files.Bytes(f.last))) - end}
	if got.cut != want {
		return fmt.Errorf("the start reports %+v, not %+v", got.cut, want)
	}
	if report.Cut == nil || report.Cut.File != want.File || report.Cut.Offset != want.Offset || report.Cut.Bytes != want.Bytes {
		return fmt.Errorf("check reports %+v, not %+v", report.Cut, want)
	}
	if !equal(got.state, was) {
		return fmt.Errorf("state is %v, not %v", got.state, was)
	}
	again, err := f.open(got.left)
	if err != nil || again.cut != (disk.Cut{}) || !equal(again.state, got.state) {
		return fmt.Errorf("the next start: %v, %+v", err, again)
	}
	return nil
}

// opened is the result of a start on a directory.
type opened struct {
	state state
	cut   disk.Cut
	left  *vfs.Memory // the files as a kill leaves them
}

// open starts on a directory, and is killed.
func (l *library) open(files *vfs.Memory) (*opened, error) {
	o := &opened{}
	s, err := openSmall(files, slog.New(cutLog{&o.cut}))
	if err != nil {
		return nil, err
	}
	o.state, o.left = visible(s), files.Kill()
	return o, s.db.Close()
}
