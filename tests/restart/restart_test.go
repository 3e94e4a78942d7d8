package restart

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

// TestNodesComeBackWithWhatTheyHad runs the worlds of as many numbers as -seeds says.
func TestNodesComeBackWithWhatTheyHad(t *testing.T) {
	binary, writes := process.Binary(t), writes(t)
	var next, failed atomic.Int64
	var workers sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) { // worlds mostly wait
		workers.Go(func() {
			for n := next.Add(1) - 1; n < int64(*seedsFlag) && failed.Load() < int64(*stopFlag); n = next.Add(1) - 1 {
				seed := *firstFlag + uint64(n)
				nodes := *nodesFlag
				if nodes == 0 {
					nodes = 1 + int(seed%3)
				}
				p := makePlan(seed, nodes, writes)
				dir := shortDir(t)
				if err := p.carryOut(binary, dir); err != nil {
					failed.Add(1)
					small, last := p.shrink(binary, dir, err)
					t.Errorf("%v\nwhat is left of the world:\n%v\n-first %d -seeds 1 -nodes %d repeats the whole of it; it failed with: %v", last, small, seed, nodes, err)
				}
			}
		})
	}
	workers.Wait()
}

// TestEveryRowHasATemplate: a command that is added to the table needs one.
func TestEveryRowHasATemplate(t *testing.T) {
	for _, row := range rows(t) {
		if len(row.templates) == 0 {
			t.Errorf("%s has no template", row.name)
		}
	}
}

// row is a row of the command table, or one within another.
type row struct {
	name      string // as in a template
	writes    bool
	templates []string
}

// rows asks a server for its table.
func rows(t *testing.T) []row {
	t.Helper()
	v, err := process.QuotaDB(t, "--data-dir", "").Dial(t).Do("COMMAND")
	if err != nil || len(v.Elems) == 0 {
		t.Fatalf("COMMAND: %v, %v", v, err)
	}
	var all []row
	for _, e := range v.Elems {
		r := row{name: strings.ToUpper(e.Elems[0].Text)}
		for _, flag := range e.Elems[2].Elems {
			r.writes = r.writes || flag.Text == "write"
		}
		all = append(all, r)
		for _, sub := range e.Elems[9].Elems {
			all = append(all, row{name: strings.ToUpper(strings.ReplaceAll(sub.Elems[0].Text, "|", " "))})
		}
	}
	for i := range all {
		for _, template := range templates {
			if strings.HasPrefix(template+" ", all[i].name+" ") {
				all[i].templates = append(all[i].templates, template)
			}
		}
	}
	return all
}

// writes are the templates of commands that write.
func writes(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, row := range rows(t) {
		if row.writes {
			all = append(all, row.templates...)
		}
	}
	return all
}

// shrinkTime is the time limit for making a failing world smaller.
const shrinkTime = time.Minute

// shrink drops steps from a failing world, many at a time first, as long as it still fails. It returns the rest, and
// its last failure.
func (p *plan) shrink(binary, dir string, last error) (*plan, error) {
	small := *p
	deadline := time.Now().Add(shrinkTime)
	for size := len(small.steps) / 2; size > 0 && time.Now().Before(deadline); {
		shorter := false
		for from := 0; from < len(small.steps) && time.Now().Before(deadline); {
			try := small
			try.steps = append(append([]step(nil), small.steps[:from]...), small.steps[min(from+size, len(small.steps)):]...)
			if err := try.carryOut(binary, dir); err != nil {
				small, last, shorter = try, err, true
				continue
			}
			from += size
		}
		if !shorter || size > 1 {
			size /= 2
		}
	}
	return &small, last
}
