// Package planted shows that the simulator finds the faults that it is made for: it plants a bug in the simulated code,
// and the simulator must find it within 2,000 worlds.
//
// None of this is in the product: a bug is a change in a copy of one file, and the compiler is told to use the copy
// instead of the file (go build -overlay).
package planted

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	sampleFlag = flag.Int("sample", 0, "how many of the bugs are planted, chosen at random; -1: all")
	onlyFlag   = flag.String("only", "", "plant bugs with this text in their name only")
)

const (
	root   = "../.."
	worlds = 2000 // number of worlds in which a bug must be found
)

// plant returns the changed files, by name. Errors: the old text is missing, or occurs more than once.
func (b *bug) plant() (map[string][]byte, error) {
	planted := map[string][]byte{}
	files, fresh := strings.Split(b.file, and), strings.Split(b.new, and)
	for i, old := range strings.Split(b.old, and) {
		file := files[min(i, len(files)-1)]
		text := planted[file]
		if text == nil {
			var err error
			if text, err = os.ReadFile(filepath.Join(root, file)); err != nil {
				return nil, err
			}
		}
		if n := strings.Count(string(text), old); n != 1 {
			return nil, fmt.Errorf("%s: the text is there %d times: %s", file, n, old)
		}
		planted[file] = []byte(strings.Replace(string(text), old, fresh[i], 1))
	}
	return planted, nil
}

func TestEveryBugCanBePlanted(t *testing.T) {
	for _, b := range bugs {
		files, err := b.plant()
		if err != nil {
			t.Errorf("%s: %v", b.name, err)
			continue
		}
		for file, text := range files {
			if _, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution); err != nil {
				t.Errorf("%s: %v", b.name, err)
			}
		}
	}
}

// TestTheSimulatorFindsPlantedBugs needs the go command, and some seconds for each bug: see -sample.
func TestTheSimulatorFindsPlantedBugs(t *testing.T) {
	if *sampleFlag == 0 && *onlyFlag == "" {
		t.Skip("make planted does it")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	order := random.Perm(len(bugs))
	planted := 0
	for _, i := range order {
		b := &bugs[i]
		if !strings.Contains(b.name, *onlyFlag) {
			continue
		}
		if planted++; *sampleFlag > 0 && planted > *sampleFlag {
			break
		}
		t.Run(b.name, func(t *testing.T) {
			find(t, b)
		})
	}
}

var (
	failed     = regexp.MustCompile(`-seed (\d+) repeats it`)
	toldFailed = regexp.MustCompile(`--- FAIL: (\w+)`)
)

// find runs the simulator until it finds the bug: in random worlds or, if the bug needs a rare coincidence, in the
// histories of told_test.go.
func find(t *testing.T, b *bug) {
	program := build(t, b)
	out := run(t, program, "-test.run", "TestClusters", "-seeds", fmt.Sprint(worlds), "-stop", "1")
	if m := failed.FindSubmatch(out); m != nil {
		t.Logf("found in world %s of %d", m[1], worlds)
		return
	}
	told := run(t, program, "-test.run", "Test[^CE]")
	if m := toldFailed.FindSubmatch(told); m != nil {
		t.Logf("not found within %d worlds, but by %s", worlds, m[1])
		return
	}
	t.Errorf("not found within %d worlds, nor by a history that is told\n%s", worlds, out)
}

func run(t *testing.T, program string, args ...string) []byte {
	out, err := exec.Command(program, args...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out
}

// build builds the simulator with the bug in it.
func build(t *testing.T, b *bug) (program string) {
	files, err := b.plant()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay, replaced := filepath.Join(dir, "overlay.json"), map[string]string{}
	write := func(name string, content []byte) {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for file, text := range files {
		original, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		changed := filepath.Join(dir, filepath.Base(file))
		write(changed, text)
		replaced[original] = changed
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	write(overlay, replace)
	program = filepath.Join(dir, "sim.test")
	build := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", program, "./sim")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}
