package shares

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
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	councilPlanted = flag.Int("council-planted", 0, "how many mistakes are planted in the council, chosen at random; -1: all")
	councilOnly    = flag.String("council-only", "", "plant mistakes with this text in their name only")
)

// councilMistake is a change of one file: the text old becomes new, and so does and.
type councilMistake struct {
	name, file, old, new string
	and                  [2]string
	worlds               int // in which it must be found; 0: plantedCouncilWorlds
}

// plantedCouncilWorlds is in how many worlds a mistake must be found.
const plantedCouncilWorlds = 2000

// plant is the file with the mistake. Errors: a text is missing, or occurs more than once.
func (m *councilMistake) plant() (string, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	text := string(source)
	for _, change := range [][2]string{{m.old, m.new}, m.and} {
		if change[0] == "" {
			continue
		}
		if n := strings.Count(text, change[0]); n != 1 {
			return "", fmt.Errorf("%s: the text is there %d times: %s", m.file, n, change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	return text, nil
}

func TestEveryMistakeOfACouncilCanBePlanted(t *testing.T) {
	for _, m := range councilMistakes {
		text, err := m.plant()
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), m.file, text, parser.SkipObjectResolution); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

// TestTheWorldsOfCouncilsFindPlantedMistakes needs the go command, and some seconds for each mistake: see
// -council-planted.
func TestTheWorldsOfCouncilsFindPlantedMistakes(t *testing.T) {
	if *councilPlanted == 0 && *councilOnly == "" {
		t.Skip("-council-planted -1 does it")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	done := 0
	for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(len(councilMistakes)) {
		m := &councilMistakes[i]
		if !strings.Contains(m.name, *councilOnly) || *councilOnly == "" && *councilPlanted >= 0 && done == *councilPlanted {
			continue
		}
		done++
		t.Run(m.name, func(t *testing.T) { m.find(t) })
	}
}

var foundInWorld = regexp.MustCompile(`world (\d+): (.*) \(go test`)

// find runs the worlds with the mistake.
func (m *councilMistake) find(t *testing.T) {
	text, err := m.plant()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	planted, overlay := filepath.Join(dir, m.file), filepath.Join(dir, "overlay.json")
	original, err := filepath.Abs(m.file)
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: planted}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{planted: []byte(text), overlay: replace} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	worlds := m.worlds
	if worlds == 0 {
		worlds = plantedCouncilWorlds
	}
	run := exec.Command("go", "test", "-vet=off", "-count=1", "-overlay", overlay, "-run", "^TestNoWorldOfCouncils", ".", "-council-worlds", strconv.Itoa(worlds))
	out, err := run.CombinedOutput()
	var failed *exec.ExitError
	switch where := foundInWorld.FindSubmatch(out); {
	case where != nil:
		t.Logf("found in world %s: %s", where[1], where[2])
	case err == nil:
		t.Errorf("not found in %d worlds", worlds)
	case errors.As(err, &failed):
		t.Errorf("the worlds end otherwise: %s", out)
	default:
		t.Fatal(err)
	}
}
