// Package planted shows that the simulator finds what it is for: it plants a bug in the code that is simulated, and the simulator has to find it within 2,000 worlds.
//
// Nothing of this is in what is shipped: a bug is a change of a copy of one file, which the compiler is told to take in the file's place (go build -overlay).
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
	worlds = 2000 // within which a bug is to be found
)

// plant is the file with the bug in it. Errors: the old text is not there, or more than once.
func (b *bug) plant() ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, b.file))
	if err != nil {
		return nil, err
	}
	planted, fresh := string(text), strings.Split(b.new, and)
	for i, old := range strings.Split(b.old, and) {
		if n := strings.Count(planted, old); n != 1 {
			return nil, fmt.Errorf("the text is there %d times: %s", n, old)
		}
		planted = strings.Replace(planted, old, fresh[i], 1)
	}
	return []byte(planted), nil
}

func TestEveryBugCanBePlanted(t *testing.T) {
	for _, b := range bugs {
		text, err := b.plant()
		if err != nil {
			t.Errorf("%s: %s: %v", b.name, b.file, err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), b.file, text, parser.SkipObjectResolution); err != nil {
			t.Errorf("%s: %v", b.name, err)
		}
	}
}

// TestTheSimulatorFindsPlantedBugs needs go, and some seconds for each bug: see -sample.
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

// find has the simulator find the bug: in random worlds or, where it takes a coincidence that is seldom, in a history that is told.
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

// build makes the simulator with the bug in it.
func build(t *testing.T, b *bug) (program string) {
	text, err := b.plant()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, filepath.Base(b.file)), filepath.Join(dir, "overlay.json")
	original, err := filepath.Abs(filepath.Join(root, b.file))
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{changed: text, overlay: replace} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program = filepath.Join(dir, "sim.test")
	build := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", program, "./sim")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}
