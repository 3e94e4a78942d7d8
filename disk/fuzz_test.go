package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/quotadb/quota-db/disk/vfs"
)

// FuzzManifest reads any text as a manifest, as it is and with a right checksum. A text that is accepted must be what
// the method text would have written.
func FuzzManifest(f *testing.F) {
	f.Add([]byte("quotadb 1\nlife 1 8f3a93c1d2e4b5a6\nstart 0\nhash 1 2\nclock 3 4\nrunning\nsnapshot 2 100 5\nlog 2 open 32\n"))
	f.Add([]byte("quotadb 2\nlife 65535 1\nstart 18446744073709551615\nrun 1 2 3\nhash 0 0\nclock 0 0\nstopped clean\nlog 1 32\nlog 2 64\n"))
	f.Add([]byte("quotadb 3\nlife 1 1\nstart 0\nplace 1 - -\nhash 1 2\nclock -1 0\nrunning\nlog 1 open 0\n"))
	f.Add([]byte("quotadb 99\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, lines []byte) {
		whole := AppendSum(bytes.Clone(lines))
		for _, text := range [][]byte{lines, whole} {
			m, err := parseManifest(text)
			if err != nil {
				continue
			}
			if !bytes.Equal(m.text(), text) {
				t.Errorf("%q is taken for %q", text, m.text())
			}
		}
	})
}

// FuzzSegment reads any bytes as frames behind a sound header, one after the other, and from damage to the next frame.
// Frames must lie within the segment, and resync must return all frames that next returns.
func FuzzSegment(f *testing.F) {
	header := segmentHeader{number: 7, salt: 9, kind: logSegment}
	s := segment{header: header, size: segmentHeaderBytes}
	s.frame(FirstKind, func(b []byte) []byte { return append(b, "some records"...) })
	s.endGroup(Group{Number: 1, Records: 1})
	f.Add(s.buf, 0, byte(0))
	f.Add(s.buf, 20, byte(1))
	f.Add(append([]byte("torn"), s.buf...), 3, byte(255))
	f.Add([]byte{255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, byte(0))
	f.Fuzz(func(t *testing.T, content []byte, at int, flip byte) {
		text := append(header.append(nil), content...)
		if at >= 0 && at < len(content) {
			text[segmentHeaderBytes+at] ^= flip
		}
		inOrder, err := framesOf(t, text, (*reader).next)
		if damage := (*DamageError)(nil); err != nil && !errors.As(err, &damage) {
			t.Fatal(err)
		}
		all, err := framesOf(t, text, (*reader).resync)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) < len(inOrder) || !slices.Equal(all[:len(inOrder)], inOrder) {
			t.Errorf("in order %q, with what follows damage %q", inOrder, all)
		}
	})
}

// framesOf is the frames that a reader of a text finds, and the error that ended them.
func framesOf(t *testing.T, text []byte, next func(*reader) (Kind, []byte, error)) (frames []string, err error) {
	t.Helper()
	files := vfs.NewMemory(4096)
	name := testDir + "/" + segmentName(logSegment, 7)
	if err := files.MkdirAll(testDir); err != nil {
		t.Fatal(err)
	}
	file, err := files.Create(name)
	if err == nil {
		_, err = file.Write(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := openSegment(files, testDir, logSegment, 7, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.close() }()
	for {
		kind, payload, err := next(r)
		if errors.Is(err, io.EOF) {
			return frames, nil
		}
		if err != nil {
			return frames, err
		}
		if r.offset > int64(len(text)) {
			t.Fatalf("a frame ends at %d of %d bytes", r.offset, len(text))
		}
		frames = append(frames, fmt.Sprintf("%d %x", kind, payload))
	}
}

// FuzzDamage writes a snapshot and a log, damages one of the files, and opens, loads, checks and salvages the
// directory. The loaded groups must be the first ones, as they were written. The salvaged directory must load, and
// contain nothing else.
func FuzzDamage(f *testing.F) {
	for file := range uint8(4) {
		for _, at := range []int{0, 5, 40, 60, 100} {
			f.Add([]byte{3, 0, 200, 1, 9}, file, at, byte(1), 0)
		}
		f.Add([]byte{1, 2, 3, 4}, file, 0, byte(0), 30)
	}
	f.Fuzz(func(t *testing.T, sizes []byte, file uint8, at int, flip byte, cut int) {
		files, written := writtenWithSnapshot(t, sizes)
		names := files.Names()
		name := names[int(file)%len(names)]
		if content := files.Bytes(name); len(content) > 0 {
			for bit := range 8 {
				if flip>>bit&1 != 0 {
					files.Flip(name, max(0, at)%len(content)*8+bit)
				}
			}
			if cut > 0 {
				if err := files.Truncate(name, int64(max(0, len(content)-cut))); err != nil {
					t.Fatal(err)
				}
			}
		}
		loaded, loadErr := loadAll(files.Kill())
		if loadErr == nil && !isStart(loaded, written) {
			t.Errorf("%s: loaded %q of %q", name, loaded, written)
		}
		_, checkErr := Check(files.Kill(), testDir, func(Frame) error { return nil })
		if loadErr != nil && checkErr == nil && !errors.Is(loadErr, errNotLoaded) {
			t.Errorf("%s: check finds nothing, and a start says: %v", name, loadErr)
		}
		damaged := files.Kill()
		_, err := Salvage(damaged, testDir, "/out", Sieve{
			Verify: func(Frame) error { return nil },
			Filter: func(f Frame) ([]Frame, int, error) { return []Frame{f}, 1, nil },
		})
		if err != nil {
			return
		}
		salvaged, err := loadFrom(damaged, "/out")
		if err != nil {
			t.Errorf("%s: what was salvaged: %v", name, err)
		}
		for _, frame := range salvaged {
			if !slices.Contains(written, frame) {
				t.Errorf("%s: salvaged %q of %q", name, frame, written)
			}
		}
	})
}

// errNotLoaded is this test's own error for a directory that does not load.
var errNotLoaded = errors.New("nothing to load")

// isStart reports whether frames are the first of all. A snapshot may stand for those before it.
func isStart(frames, all []string) bool {
	for skip := range len(all) + 1 {
		if len(frames) <= len(all)-skip && slices.Equal(frames, all[skip:skip+len(frames)]) {
			return true
		}
	}
	return false
}

// writtenWithSnapshot is a directory with a snapshot of one frame and a log after it, with a group for each size. It
// also returns the frames. If the first size is odd, the logs are written ahead.
func writtenWithSnapshot(t *testing.T, sizes []byte) (*vfs.Memory, []string) {
	t.Helper()
	files := vfs.NewMemory(4096)
	d, err := Open(files, testDir)
	if err == nil {
		if len(sizes) > 0 && sizes[0]%2 == 1 { // as with durability always
			d.Prewrite(int64(sizes[0]) * 16)
		}
		err = d.Begin(Identity{Node: 1, Life: 1}, func() {})
	}
	if err != nil {
		t.Fatal(err)
	}
	var written []string
	payload := func(n int) func([]byte) []byte {
		text := bytes.Repeat([]byte{byte(n + 1)}, n%200+1)
		written = append(written, fmt.Sprintf("%d %x", FirstKind, text))
		return func(dst []byte) []byte { return append(dst, text...) }
	}
	snapshot, err := d.StartSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	err = snapshot.Frame(FirstKind, payload(150))
	snapshot.Count(1)
	d.EndGroup(Group{Number: 1})
	if err == nil {
		err = snapshot.Finish(Clock{})
	}
	if err == nil {
		_, err = d.Commit(snapshot, 0)
	}
	for i, size := range sizes[:min(len(sizes), 8)] {
		d.Frame(FirstKind, payload(int(size)))
		d.EndGroup(Group{Number: uint64(i + 2), Records: 1})
		if err == nil {
			err = d.Write()
		}
		if err == nil && size%2 == 0 {
			err = d.Sync()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return files.Kill(), written
}

func loadAll(files *vfs.Memory) ([]string, error) { return loadFrom(files, testDir) }

func loadFrom(files *vfs.Memory, dir string) (frames []string, err error) {
	d, err := Open(files, dir)
	if err != nil {
		return nil, err
	}
	_, err = d.Load(func(f Frame) error {
		frames = append(frames, fmt.Sprintf("%d %x", f.Kind, f.Payload))
		return nil
	})
	return frames, err
}
