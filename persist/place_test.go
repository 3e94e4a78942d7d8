package persist

import (
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
)

// onSystem is a node without peers on the system's files.
type onSystem struct {
	t    *testing.T
	life uint64
}

// run starts on a directory, counts, and is killed or stopped clean. It reports whether the life of the run before went
// on.
func (n *onSystem) run(dir string, clean bool) (goesOn bool) {
	n.t.Helper()
	o := smallOptions(nil, slog.New(slog.DiscardHandler))
	o.FS, o.Dir = vfs.OS, dir
	s, err := open(o)
	if err != nil {
		n.t.Fatal(err)
	}
	goesOn, n.life = s.db.Life() == n.life, s.db.Life()
	k := s.db.Key([]byte("k"))
	tx := s.db.Lock(k, s.now())
	_, _ = tx.Add(k, 1)
	tx.Unlock()
	s.flusher.group()
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
		words  [][]string // commands, with DIR, COPY and OLD in them; OLD is a copy of two runs ago
		at     string     // where the next run is
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
				if place, err := vfs.OS.Place(filepath.Join(names["DIR"], "RUN")); err != nil || !place.IsKnown() || place.Boot == "" {
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
