package persist

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
)

// onSystem is a node without peers on the file system of the machine.
type onSystem struct {
	t         *testing.T
	life      uint64
	files     vfs.FS       // nil: the system's
	meanwhile func(*Store) // called after the node has counted, unless nil
}

// count counts once and writes that.
func (n *onSystem) count(s *Store) {
	n.t.Helper()
	k := s.db.Key([]byte("k"))
	tx := s.db.Lock(k, s.now())
	_, err := tx.Add(k, 1)
	tx.Unlock()
	if err != nil {
		n.t.Fatal(err)
	}
	s.flusher.group()
}

// run starts on a directory, counts, and is killed or stopped clean. It reports whether the life of the run before went
// on.
func (n *onSystem) run(dir string, clean bool) (goesOn bool) {
	n.t.Helper()
	o := smallOptions(nil, slog.New(slog.DiscardHandler))
	if o.FS, o.Dir = n.files, dir; o.FS == nil {
		o.FS = vfs.OS
	}
	s, err := open(o)
	if err != nil {
		n.t.Fatal(err)
	}
	goesOn, n.life = s.db.Life() == n.life, s.db.Life()
	if n.count(s); n.meanwhile != nil {
		n.meanwhile(s)
	}
	if clean {
		err = s.closeClean(n.t.Context())
	} else {
		err = s.dir.Close(false, disk.Identity{})
	}
	if err != nil {
		n.t.Fatal(err)
	}
	if err := s.db.Close(); err != nil {
		n.t.Fatal(err)
	}
	return goesOn
}

// TestCopiesOnTheSystemsFilesBeginLivesOfTheirOwn copies directories as operators do.
func TestCopiesOnTheSystemsFilesBeginLivesOfTheirOwn(t *testing.T) {
	for _, c := range []struct {
		name   string
		words  [][]string // commands; DIR, COPY and OLD are replaced; OLD is a copy made two runs ago
		at     string     // the directory of the next run
		goesOn bool
	}{
		{"where it was", nil, "DIR", true},
		{"moved", [][]string{{"mv", "DIR", "COPY"}}, "COPY", true},
		{"moved away and back", [][]string{{"mv", "DIR", "COPY"}, {"mv", "COPY", "DIR"}}, "DIR", true},
		{"copied", [][]string{{"cp", "-a", "DIR", "COPY"}}, "COPY", false},
		{"copied, and the original goes on", [][]string{{"cp", "-a", "DIR", "COPY"}}, "DIR", true},
		{"copied by links", [][]string{{"cp", "-al", "DIR", "COPY"}}, "COPY", false},
		{"copied, and the copy moved to its place", [][]string{{"cp", "-a", "DIR", "COPY"}, {"rm", "-r", "DIR"}, {"mv", "COPY", "DIR"}}, "DIR", false},
		{"an old copy written over it", [][]string{{"cp", "-a", "OLD/.", "DIR"}}, "DIR", false},
		{"packed and unpacked", [][]string{{"mkdir", "COPY"}, {"tar", "cf", "COPY.tar", "-C", "DIR", "."}, {"tar", "xpf", "COPY.tar", "-C", "COPY"}}, "COPY", false},
		{"synchronized with an old copy", [][]string{{"rsync", "-a", "--delete", "OLD/", "DIR/"}}, "DIR", false},
	} {
		for _, clean := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				base := t.TempDir()
				names := map[string]string{"DIR": filepath.Join(base, "data"), "COPY": filepath.Join(base, "copy"), "OLD": filepath.Join(base, "old")}
				do := func(words []string) {
					if _, err := exec.LookPath(words[0]); err != nil {
						t.Skip(err)
					}
					var args []string
					for _, word := range words[1:] {
						for name, path := range names {
							if rest, ok := strings.CutPrefix(word, name); ok {
								word = path + rest
							}
						}
						args = append(args, word)
					}
					if out, err := exec.CommandContext(t.Context(), words[0], args...).CombinedOutput(); err != nil {
						t.Skipf("%v: %v\n%s", words, err, out)
					}
				}
				n := &onSystem{t: t}
				n.run(names["DIR"], clean)
				files, err := filepath.Glob(filepath.Join(names["DIR"], "RUN-*"))
				if err != nil || len(files) != 1 {
					t.Fatalf("%v, %v", files, err)
				}
				if place, err := vfs.OS.Place(files[0]); err != nil || !place.IsKnown() || place.Boot == "" {
					t.Skipf("this system does not tell places: %+v, %v", place, err)
				}
				do([]string{"cp", "-a", "DIR", "OLD"})
				if !n.run(names["DIR"], clean) {
					t.Fatal("the life does not go on")
				}
				for _, words := range c.words {
					do(words)
				}
				if got := n.run(names[c.at], clean); got != c.goesOn {
					t.Errorf("clean %v: the life goes on: %v", clean, got)
				}
			})
		}
	}
}

// TestACopyOfTheSameRunThatIsPutBackBeginsALifeOfItsOwn: the copy is made while the server runs. The server goes on
// counting, and is stopped or killed.
func TestACopyOfTheSameRunThatIsPutBackBeginsALifeOfItsOwn(t *testing.T) {
	for _, back := range [][]string{{"cp", "-a"}, {"rsync", "-a", "--delete"}} {
		for _, clean := range []bool{false, true} {
			t.Run(back[0], func(t *testing.T) {
				if _, err := exec.LookPath(back[0]); err != nil {
					t.Skip(err)
				}
				base := t.TempDir()
				dir, old := filepath.Join(base, "data"), filepath.Join(base, "old")
				n := &onSystem{t: t}
				n.meanwhile = func(s *Store) {
					s.flusher.inspect()
					if out, err := exec.CommandContext(t.Context(), "cp", "-a", dir, old).CombinedOutput(); err != nil {
						t.Fatalf("%v\n%s", err, out)
					}
					n.count(s)
					s.flusher.inspect() // as it would a second later
				}
				n.run(dir, clean)
				n.meanwhile = nil
				words := append(slices.Clone(back[1:]), old+"/.", dir+"/")
				if out, err := exec.CommandContext(t.Context(), back[0], words...).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if n.run(dir, clean) {
					t.Errorf("clean %v: the life goes on", clean)
				}
			})
		}
	}
}

// renaming is a file system without birth times: a rename changes how it identifies a file. It can also be out of
// descriptors.
type renaming struct {
	vfs.FS
	renames map[string]int // of the file that has the name now
	full    bool
}

func (r *renaming) Rename(from, to string) error {
	r.renames[to] = r.renames[from] + 1
	return r.FS.Rename(from, to)
}

func (r *renaming) Place(name string) (vfs.Place, error) {
	place, err := r.FS.Place(name)
	place.Object += fmt.Sprint("+", r.renames[name])
	return place, err
}

func (r *renaming) List(dir string) ([]string, error) {
	if r.full {
		return nil, errors.New("too many open files")
	}
	return r.FS.List(dir)
}

// TestALifeGoesOnWhereARenameChangesThePlace: then the run's file keeps its name.
func TestALifeGoesOnWhereARenameChangesThePlace(t *testing.T) {
	for _, clean := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "data")
		n := &onSystem{t: t, files: &renaming{FS: vfs.OS, renames: map[string]int{}}}
		n.meanwhile = func(s *Store) {
			s.flusher.inspect()
			n.count(s)
			s.flusher.inspect() // as it would a second later
		}
		n.run(dir, clean)
		if place, err := vfs.OS.Place(filepath.Join(dir, "MANIFEST")); err != nil || !place.IsKnown() || place.Boot == "" {
			t.Skipf("this system does not tell places: %+v, %v", place, err)
		}
		for range 2 {
			if !n.run(dir, clean) {
				t.Errorf("clean %v: the life does not go on", clean)
			}
		}
	}
}

// TestAFailingDiskEndsTheLifeAlsoWithoutDescriptors: the mark of the run goes though the directory cannot be listed.
func TestAFailingDiskEndsTheLifeAlsoWithoutDescriptors(t *testing.T) {
	files := &renaming{FS: vfs.OS, renames: map[string]int{}}
	dir := filepath.Join(t.TempDir(), "data")
	n := &onSystem{t: t, files: files}
	n.meanwhile = func(s *Store) {
		files.full = true
		s.flusher.fail(disk.ErrSuspect)
		files.full = false
	}
	n.run(dir, false)
	n.meanwhile = nil
	if n.run(dir, false) {
		t.Error("the life goes on")
	}
}

// TestTheRunsFileOfAnEarlierVersionIsTaken: its name had no number.
func TestTheRunsFileOfAnEarlierVersionIsTaken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	n := &onSystem{t: t}
	n.run(dir, true)
	before, err := filepath.Glob(filepath.Join(dir, "RUN-*"))
	if err != nil || len(before) != 1 {
		t.Fatalf("%v, %v", before, err)
	}
	if place, err := vfs.OS.Place(before[0]); err != nil || !place.IsKnown() || place.Boot == "" {
		t.Skipf("this system does not tell places: %+v, %v", place, err)
	}
	earlier := filepath.Join(dir, "RUN")
	if err := os.Rename(before[0], earlier); err != nil {
		t.Fatal(err)
	}
	if !n.run(dir, true) {
		t.Error("the life does not go on")
	}
	if _, err := os.Stat(earlier); err == nil {
		t.Error("the file of the earlier version is still there")
	}
}
