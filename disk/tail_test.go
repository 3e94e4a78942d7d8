package disk

import (
	"errors"
	"testing"

	"github.com/quotadb/quota-db/disk/vfs"
)

const testDir = "/data"

// written is a log of groups with one frame each, of these sizes in bytes, and the offsets where the groups end. sync
// says after which groups it is synced.
func written(t *testing.T, sizes []int, sync func(group int) bool) (files *vfs.Memory, name string, ends []int64) {
	t.Helper()
	files = vfs.NewMemory(4096)
	d, err := Open(files, testDir)
	if err == nil {
		err = d.Begin(Identity{Node: 1, Life: 1}, func() {})
	}
	for i, size := range sizes {
		if err != nil {
			break
		}
		d.Frame(FirstKind, func(dst []byte) []byte { return append(dst, make([]byte, size)...) })
		d.EndGroup(Group{Number: uint64(i + 1), Records: 1})
		if err = d.Write(); err == nil && sync(i) {
			err = d.Sync()
		}
		ends = append(ends, d.log.size)
	}
	if err != nil {
		t.Fatal(err)
	}
	return files.Kill(), d.log.name, ends
}

// TestABadFrameIsDamageIfAnythingBehindSaysThatItWasSafe damages each frame of a log. Only the last group says that the
// frame was safe; it is far behind; frames have any length.
func TestABadFrameIsDamageIfAnythingBehindSaysThatItWasSafe(t *testing.T) {
	sizes := []int{10, 100, readAhead - 50, 10, 2 * readAhead, 1, 300}
	last := len(sizes) - 1
	files, name, ends := written(t, sizes, func(group int) bool { return group == last-1 })
	for group, end := range ends[:last] {
		for what, offset := range map[string]int64{"frame": end - 56 - int64(sizes[group]), "end": end - 50} {
			damaged := files.Kill()
			damaged.Flip(name, int(offset)*8)
			_, err := Open(damaged, testDir)
			var damage *DamageError
			if !errors.As(err, &damage) || damage.File != name || damage.Offset > offset || damage.Offset < offset-frameHeaderBytes {
				t.Errorf("group %d, %s: %v", group, what, err)
			}
		}
	}
}

// TestABadFrameIsATornTailIfNothingBehindSaysThatItWasSafe is the opposite: whole groups behind the bad frame prove
// nothing.
func TestABadFrameIsATornTailIfNothingBehindSaysThatItWasSafe(t *testing.T) {
	sizes := []int{10, 100, readAhead - 50, 10, 2 * readAhead, 1, 300}
	files, name, ends := written(t, sizes, func(int) bool { return false })
	for group, end := range ends {
		damaged := files.Kill()
		damaged.Flip(name, int(end-50)*8)
		d, err := Open(damaged, testDir)
		if err != nil {
			t.Errorf("group %d: %v", group, err)
			continue
		}
		want := int64(segmentHeaderBytes)
		if group > 0 {
			want = ends[group-1]
		}
		if cut := d.torn(); cut == nil || cut.Offset != want || cut.Offset+cut.Bytes != ends[len(ends)-1] {
			t.Errorf("group %d: cut %+v", group, cut)
		}
	}
}
