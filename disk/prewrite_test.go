package disk

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/quotadb/quota-db/disk/vfs"
)

// ahead is how many bytes the logs of these tests are written ahead.
const ahead = 2048

// prewritten is a directory whose log is written ahead, with so many groups of one frame; every group but the last
// unsynced ones is synced.
func prewritten(t *testing.T, files *vfs.Memory, groups, unsynced int) (d *Dir, frames []string, ends []int64) {
	t.Helper()
	d, err := Open(files, testDir)
	if err != nil {
		t.Fatal(err)
	}
	d.Prewrite(ahead)
	if err := d.Begin(Identity{Node: 1, Life: 1}, func() {}); err != nil {
		t.Fatal(err)
	}
	for i := range groups {
		frames = append(frames, add(t, d, i, i < groups-unsynced))
		ends = append(ends, d.log.size)
	}
	return d, frames, ends
}

// add adds a group of one frame.
func add(t *testing.T, d *Dir, i int, sync bool) (frame string) {
	t.Helper()
	payload := fmt.Appendf(nil, "frame %d%s", i, make([]byte, i*7%50))
	d.Frame(FirstKind, func(dst []byte) []byte { return append(dst, payload...) })
	d.EndGroup(Group{Number: uint64(i + 1), Records: 1})
	err := d.Write()
	if err == nil && sync {
		err = d.Sync()
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %x", FirstKind, payload)
}

// inspect fails the test if the directory takes its own files for changed ones.
func inspect(t *testing.T, d *Dir) {
	t.Helper()
	if mended, err := d.Inspect(); err != nil || mended != "" {
		t.Fatal(mended, err)
	}
}

func TestGroupsGoIntoBytesThatTheFileHasAlready(t *testing.T) {
	files := vfs.NewMemory(64)
	d, _, _ := prewritten(t, files, 1, 0)
	grown := 0
	const groups = 200
	for i := range groups {
		before := len(files.Bytes(d.log.name))
		add(t, d, i, true)
		inspect(t, d)
		if after := len(files.Bytes(d.log.name)); after != before {
			grown++
		}
	}
	if most := int(d.log.size/ahead) + 1; grown > most || grown == 0 {
		t.Errorf("the file has grown %d times in %d groups of %d bytes", grown, groups, d.log.size)
	}
}

func TestALargeGroupIsNotPrewritten(t *testing.T) {
	files := vfs.NewMemory(64)
	d, _, _ := prewritten(t, files, 1, 0)
	d.Frame(FirstKind, func(dst []byte) []byte { return append(dst, make([]byte, 3*ahead)...) })
	d.EndGroup(Group{Number: 2, Records: 1})
	if err := d.Write(); err != nil {
		t.Fatal(err)
	}
	if length := int64(len(files.Bytes(d.log.name))); length != d.log.size {
		t.Errorf("the file has %d bytes, and its frames %d", length, d.log.size)
	}
	inspect(t, d)
}

// TestNoZerosAreLeftInALogThatHasEnded: after a snapshot has begun, and after a clean stop. So the next run, and
// earlier releases, find the files as they always were.
func TestNoZerosAreLeftInALogThatHasEnded(t *testing.T) {
	files := vfs.NewMemory(64)
	d, frames, _ := prewritten(t, files, 5, 0)
	first := d.log
	snapshot, err := d.StartSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	frames = append(frames, add(t, d, 5, true))
	inspect(t, d)
	if err := errors.Join(snapshot.Abort(), d.Close(true, Identity{Node: 1, Life: 1})); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*segment{first, d.log} {
		if length := int64(len(files.Bytes(s.name))); length != s.size {
			t.Errorf("%s has %d bytes, and its frames %d", s.name, length, s.size)
		}
	}
	if loaded, err := loadAll(files.Kill()); err != nil || !slices.Equal(loaded, frames) {
		t.Errorf("loaded %q of %q: %v", loaded, frames, err)
	}
}

// TestZerosBehindTheLogAreNoTornTail after a kill: nothing is reported, nothing is lost, and the start cuts them off.
func TestZerosBehindTheLogAreNoTornTail(t *testing.T) {
	for groups := 1; groups < 5; groups++ {
		files := vfs.NewMemory(64)
		before, frames, _ := prewritten(t, files, groups, 0)
		after := files.Kill()
		report, err := Check(after, testDir, func(Frame) error { return nil })
		if err != nil || report.Cut != nil || report.Files[0].Bytes != before.log.size || report.Files[0].Groups != int64(groups) {
			t.Errorf("%d groups: check: %+v %v", groups, report, err)
		}
		if err := Backup(after, testDir, "/backup", func(Frame) error { return nil }); err != nil {
			t.Errorf("%d groups: backup: %v", groups, err)
		}
		salvaged, err := Salvage(after, testDir, "/salvaged", soundSieve())
		if err != nil || len(salvaged.Losses) > 0 {
			t.Errorf("%d groups: salvage: %+v, %v", groups, salvaged, err)
		}
		for _, dir := range []string{"/backup", testDir} {
			if loaded, err := loadFrom(after.Kill(), dir); err != nil || !slices.Equal(loaded, frames) {
				t.Errorf("%d groups: loaded from %s: %q of %q: %v", groups, dir, loaded, frames, err)
			}
		}
		after = killedBeforeItCuts(t, after)
		d, err := Open(after, testDir)
		if err != nil {
			t.Fatal(err)
		}
		if cut, err := d.Load(func(Frame) error { return nil }); err != nil || cut != nil {
			t.Errorf("%d groups: load: %+v %v", groups, cut, err)
		}
		if err := d.Begin(Identity{Node: 1, Life: 2}, func() {}); err != nil {
			t.Fatal(err)
		}
		if length := int64(len(after.Bytes(before.log.name))); length != d.manifest.segments[0].size {
			t.Errorf("%d groups: the file has %d bytes, and %d count", groups, length, d.manifest.segments[0].size)
		}
		inspect(t, d)
	}
}

// killedBeforeItCuts is what a start leaves that is killed before it cuts off the end of the log.
func killedBeforeItCuts(t *testing.T, files *vfs.Memory) *vfs.Memory {
	t.Helper()
	files = files.Kill()
	files.SetFault(func(op vfs.Op, _ string, size int) (int, error) {
		if op == vfs.OpTruncate {
			return 0, syscall.EIO
		}
		return size, nil
	})
	d, err := Open(files, testDir)
	if err == nil {
		err = d.Begin(Identity{Node: 1, Life: 2}, func() {})
	}
	if !errors.Is(err, syscall.EIO) {
		t.Fatalf("the end of the log is not cut off: %v", err)
	}
	return files.Kill()
}

func soundSieve() Sieve {
	return Sieve{
		Verify: func(Frame) error { return nil },
		Filter: func(f Frame) ([]Frame, int, error) { return []Frame{f}, 1, nil },
	}
}

// TestStaleFramesBehindTheEndNeverCount: behind the end of the log there may be anything that was ever in its blocks:
// frames of another segment at the same or another offset, cut anywhere, and the same log's own earlier frames at
// another offset. Each start loads exactly the groups that were written, or, if the end is cut too, the first ones, and
// all that were synced.
func TestStaleFramesBehindTheEndNeverCount(t *testing.T) {
	former := vfs.NewMemory(64)
	old, _, oldEnds := prewritten(t, former, 30, 0)
	stale := former.Bytes(old.log.name)[:oldEnds[len(oldEnds)-1]]
	files := vfs.NewMemory(64)
	const groups, unsynced = 8, 3
	now, frames, ends := prewritten(t, files, groups, unsynced)
	name, end, safe := now.log.name, ends[groups-1], groups-unsynced
	own := files.Bytes(name)[:end]
	check := func(what string, content []byte, least int) {
		t.Helper()
		after := files.Kill()
		overwrite(t, after, name, content)
		loaded, err := loadAll(after)
		if err != nil || len(loaded) < least || !slices.Equal(loaded, frames[:len(loaded)]) {
			t.Fatalf("%s: loaded %q of %q: %v", what, loaded, frames, err)
		}
	}
	room := int(now.log.length - end)
	for shift := range 70 {
		for _, from := range [][]byte{stale[end:], stale[:], own} { // in their own place, and elsewhere
			tail := from[min(shift, len(from)):]
			whole := append(slices.Clone(own), tail[:min(len(tail), room)]...)
			check(fmt.Sprintf("from byte %d on", shift), whole, groups)
			gap := append(append(slices.Clone(own), make([]byte, shift)...), stale[int(end)+shift:]...)
			check(fmt.Sprintf("stale frames after %d zeros", shift), gap, groups)
		}
	}
	for cut := int(ends[safe-1]); cut <= int(end); cut++ { // any part of what was not synced is lost
		content := append(slices.Clone(own[:cut]), stale[cut:]...)
		check(fmt.Sprintf("cut at %d", cut), content, safe)
		holed := append(slices.Clone(own), stale[end:]...)
		copy(holed[ends[safe-1]:cut], stale[ends[safe-1]:cut])
		check(fmt.Sprintf("a lost page up to %d", cut), holed, safe)
	}
}

// overwrite gives a file another content.
func overwrite(t *testing.T, files *vfs.Memory, name string, content []byte) {
	t.Helper()
	if err := files.Remove(name); err != nil {
		t.Fatal(err)
	}
	f, err := files.Create(name)
	if err == nil {
		_, err = f.Write(content)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestPrewritingLeavesTheLastSpaceToOthers, and its failure is no failure of the log.
func TestPrewritingLeavesTheLastSpaceToOthers(t *testing.T) {
	for what, prepare := range map[string]func(*vfs.Memory){
		"little is free": func(files *vfs.Memory) { files.SetFree(leastFree - 1) },
		"nothing is free for it": func(files *vfs.Memory) {
			files.SetFault(func(op vfs.Op, _ string, size int) (int, error) {
				if op == vfs.OpWrite && size > ahead/2 {
					return size / 2, syscall.ENOSPC
				}
				return size, nil
			})
		},
	} {
		files := vfs.NewMemory(64)
		prepare(files)
		d, frames, _ := prewritten(t, files, 10, 0)
		if length := int64(len(files.Bytes(d.log.name))); length != d.log.size {
			t.Errorf("%s: the file has %d bytes, and its frames %d", what, length, d.log.size)
		}
		inspect(t, d)
		if loaded, err := loadAll(files.Kill()); err != nil || !slices.Equal(loaded, frames) {
			t.Errorf("%s: loaded %q of %q: %v", what, loaded, frames, err)
		}
	}
}

// TestAFailedWriteIntoZerosIsTriedAgain: what it has left is cut off, and the groups are whole.
func TestAFailedWriteIntoZerosIsTriedAgain(t *testing.T) {
	files := vfs.NewMemory(64)
	d, frames, _ := prewritten(t, files, 3, 0)
	for keep := range 60 {
		files.SetFault(func(op vfs.Op, _ string, size int) (int, error) {
			if op == vfs.OpWrite {
				return min(keep, size), syscall.EIO
			}
			return size, nil
		})
		d.Frame(FirstKind, func(dst []byte) []byte { return append(dst, byte(keep)) })
		d.EndGroup(Group{Number: uint64(keep + 4), Records: 1})
		if err := d.Write(); err == nil {
			t.Fatal("the write does not fail")
		}
		files.SetFault(nil)
		if err := errors.Join(d.Write(), d.Sync()); err != nil {
			t.Fatal(err)
		}
		inspect(t, d)
		frames = append(frames, fmt.Sprintf("%d %x", FirstKind, []byte{byte(keep)}))
		if loaded, err := loadAll(files.Kill()); err != nil || !slices.Equal(loaded, frames) {
			t.Fatalf("%d bytes kept: loaded %q of %q: %v", keep, loaded, frames, err)
		}
	}
}

// late is a file system that shows a part of a file as zeros at the first read of it: it is written at that moment.
type late struct {
	vfs.FS
	name     string
	from, to int64
	reads    int
}

func (l *late) Open(name string) (vfs.File, error) {
	f, err := l.FS.Open(name)
	if err == nil && name == l.name {
		return lateFile{f, l}, nil
	}
	return f, err
}

type lateFile struct {
	vfs.File
	late *late
}

func (f lateFile) ReadAt(b []byte, offset int64) (int, error) {
	n, err := f.File.ReadAt(b, offset)
	if errors.Is(err, io.EOF) && n > 0 {
		err = nil
	}
	l := f.late
	if offset <= l.from && l.from < offset+int64(n) {
		if l.reads++; l.reads == 1 {
			clear(b[l.from-offset : min(l.to-offset, int64(n))])
		}
	}
	return n, err
}

// TestAGroupThatIsWrittenWhileItIsReadIsNoDamage: a check, or a backup, of a directory in use reads zeros where a group
// is being written, and behind it groups that say that it was synced.
func TestAGroupThatIsWrittenWhileItIsReadIsNoDamage(t *testing.T) {
	const groups = 12
	files := vfs.NewMemory(64)
	d, frames, ends := prewritten(t, files, groups, 0)
	for i := 1; i < groups-2; i++ {
		for _, to := range []int64{ends[i], ends[i-1] + 5, ends[groups-3]} {
			live := &late{FS: files.Kill(), name: d.log.name, from: ends[i-1], to: to}
			var read []string
			if report, err := Check(live, testDir, func(Frame) error { return nil }); err != nil || report.Cut != nil {
				t.Errorf("group %d, zeros up to %d: check: %+v, %v", i, to, report, err)
			}
			live.reads = 0
			err := Backup(live, testDir, filepath.Join("/backup", fmt.Sprint(i, "-", to)), func(f Frame) error {
				read = append(read, fmt.Sprintf("%d %x", f.Kind, f.Payload))
				return nil
			})
			if err != nil || !slices.Equal(read, frames) {
				t.Errorf("group %d, zeros up to %d: read %d of %d frames: %v", i, to, len(read), len(frames), err)
			}
		}
	}
}

// TestTheLastGroupThatIsWrittenWhileItIsReadIsNoTornTail: nothing behind it says that it was synced. The check sees the
// log as it was before.
func TestTheLastGroupThatIsWrittenWhileItIsReadIsNoTornTail(t *testing.T) {
	const groups = 5
	files := vfs.NewMemory(64)
	d, _, ends := prewritten(t, files, groups, 2)
	for unread := 1; unread <= 2; unread++ {
		live := &late{FS: files.Kill(), name: d.log.name, from: ends[groups-unread-1], to: ends[groups-1]}
		report, err := Check(live, testDir, func(Frame) error { return nil })
		if err != nil || report.Cut != nil || report.Files[0].Groups != int64(groups-unread) {
			t.Errorf("check: %+v, %v", report, err)
		}
	}
}
