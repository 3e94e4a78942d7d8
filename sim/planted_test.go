package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// plantedEnv says how many of the bugs are planted: a number, or all. Each takes a build and some seconds.
const plantedEnv = "QUOTADB_TEST_PLANTED"

// bug is a mistake that somebody could make: a file, a text that is in it once, and what stands there instead.
type bug struct {
	name     string
	file     string
	old, new string
}

// bugs are the histories that broke a simpler rule, and what else was found to matter.
var bugs = []bug{
	{"a row goes without its floors", "engine/unsent.go",
		"	if !isNothing(e) {\n		d.add(rec, hash, e)", "	if !isNothing(e) {\n		for i := range e.Rows {\n			e.Rows[i].FP, e.Rows[i].FN = 0, 0\n		}\n		d.add(rec, hash, e)"},
	{"own rows are sent without those whose floors they raised", "engine/unsent.go",
		"		} else if row.FP|row.FN != 0 {\n			return\n		}", "		}"},
	{"numbers of a reset row are used again", "engine/lives.go",
		"r.P, r.N, r.FP, r.FN = high, high, high, high", "r.P, r.N, r.FP, r.FN = 0, 0, 0, 0"},
	{"what a reset has brought to its floor is forgotten", "engine/shard.go",
		"	if !s.db.replicated {\n		s.trim(e)\n	}", "	s.trim(e)"},
	{"a life goes on without its peers", "persist/store.go",
		"return !o.Engine.Replicated || o.Confirm != nil && o.Confirm(before, o.Run)", "return true"},
	{"a life goes on after a kill", "persist/store.go",
		"if !s.dir.StoppedClean() || before.Node", "if before.Node"},
	{"a peer confirms a life to two", "replica/claims.go",
		"	case c.table[at].run != before:\n		return false, nil\n	}", "	}"},
	{"a peer with an older disk refuses a life for ever", "replica/claims.go",
		"c.table[at].run == 0 || !slices.Contains(h.Earlier[:], c.table[at].run)", "h.Life != 0"},
	{"a round is passed without what the peer has missed", "replica/peer.go",
		"	for _, hash := range hashes {\n		p.missed.add(hash)\n	}\n	p.through", "	p.through"},
	{"what was on its way when a connection ended is taken for sent", "replica/peer.go",
		"		if s.through > received {\n			p.miss", "		if s.through < received {\n			p.miss"},
	{"a merge takes a change that was not sent for one of another node", "engine/shard.go",
		"header |= old.header() & (marked | unsent)", "header |= old.header() & marked"},
	{"a merge is sent on as if a client had made it, and loses the row of its writer", "engine/unsent.go",
		"if s.lives.owns(row.Writer) {", "if !s.lives.owns(row.Writer) {"},
	{"a window with a SET KEEPTTL in it ends itself", "crdt/merge.go",
		"at.Less(other.Base.Stamp) && other.Base.Stamp != e.Base.Stamp", "at.Less(other.Base.Stamp)"},
	{"SET KEEPTTL clears the deadline", "engine/tx.go",
		"	if !keepDeadline {\n		e.Deadline =", "	if true {\n		e.Deadline ="},
	{"a sweep closes what another node has persisted", "engine/wheel.go",
		"if s.db.replicated && rec.expired(now.Wall) {", "if false {"},
	{"an ended window joins the new one", "crdt/merge.go",
		"	return other.Since >= e.Deadline.At || reset && other.Base.Stamp.Millis() >= e.Deadline.At\n", "	return false\n"},
	{"a new key does not know when it was made", "crdt/entry.go",
		"	e.Since = max(e.Since, now)\n", ""},
	{"a deadline is left over when a key is made anew", "crdt/entry.go",
		"	if e.Deadline.At != 0 {\n		e.Deadline = Deadline{Stamp: e.Deadline.Stamp.Half()}\n	}\n	e.Since", "	e.Since"},
	{"an expiry is stamped as a write", "crdt/stamp.go",
		"return Stamp{s.Time | halfBit, s.Node}", "return Stamp{s.Time + tickStep, s.Node}"},
	{"what is hidden here stays in sight elsewhere", "replica/session.go",
		"if hidden && done.Ahead && lacking != nil {", "if hidden && done.Ahead && lacking != nil && k.Hash == 1 {"},
	{"an increment does not see that its key has expired", "engine/tx.go",
		"if h&hasDeadline != 0 && r.expired(now) {", "if false {"},
	{"a DEL removes what it does not see", "engine/tx.go",
		"	if !existed && s.db.replicated {\n		return false // it removes nothing: what is not visible here stays\n	}", ""},
	{"FLUSHALL forgets instead of deleting", "engine/all.go",
		"	if a.db.replicated {\n		a.deleteAll()\n		return\n	}", ""},
	{"comparing skips third parties' rows", "engine/unsent.go",
		"			if !rec.expired(now.Wall) {\n				s.addState(d, rec, hash, true)", "			if !rec.expired(now.Wall) {\n				s.addState(d, rec, hash, false)"},
	{"nodes that have compared once never do again", "replica/exchange.go",
		"s.nextExchange = now.Mono + int64(m.Interval)", "s.nextExchange = 1<<62"},
	{"rows are added up", "crdt/merge.go",
		"l.P, l.N, l.FP, l.FN = max(l.P, r.P), max(l.N, r.N), max(l.FP, r.FP), max(l.FN, r.FN)", "l.P, l.N, l.FP, l.FN = l.P+r.P-l.FP, max(l.N, r.N), max(l.FP, r.FP), max(l.FN, r.FN)"},
	{"the clock does not go on from what others have written", "engine/merge.go",
		"	s.clock.Observe(e.Latest())\n", ""},
	{"a start does not hear of what the disk's stamps say", "engine/loader.go",
		"if s.clock.Observe(e.Latest()); e.Expired", "if e.Expired"},
}

// maxSeeds is within how many worlds each bug is found.
const maxSeeds = 2000

func TestEachPlantedBugIsFound(t *testing.T) {
	chosen := bugs
	switch how := os.Getenv(plantedEnv); how {
	case "":
		t.Skip("builds the simulator once for each bug: set " + plantedEnv + " to a number of bugs, or all")
	case "all":
	default:
		n, err := strconv.Atoi(how)
		if err != nil {
			t.Fatal(err)
		}
		var sample []bug
		for i := range n { // another part of them each day would do, but a failure has to be there again
			sample = append(sample, bugs[i*len(bugs)/n])
		}
		chosen = sample
	}
	for _, b := range chosen {
		t.Run(b.name, func(t *testing.T) {
			if out, found := b.plant(t); !found {
				t.Errorf("not found within %d worlds\n%s", maxSeeds, tail(out, 10))
			} else {
				t.Logf("found: %s", firstLines(out, 4))
			}
		})
	}
}

// plant runs the simulator with the bug in it.
func (b bug) plant(t *testing.T) (output string, found bool) {
	t.Helper()
	name, err := filepath.Abs(filepath.Join("..", b.file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte(b.old)); n != 1 {
		t.Fatalf("%s has %q %d times", b.file, b.old, n)
	}
	dir := t.TempDir()
	mutant := filepath.Join(dir, "mutant.go")
	if err := os.WriteFile(mutant, bytes.Replace(text, []byte(b.old), []byte(b.new), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {name: mutant}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "sim.test")
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", list, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	out, err := exec.Command(binary, "-test.run", "TestClusters", "-seeds", fmt.Sprint(maxSeeds), "-stop", "1").CombinedOutput()
	return string(out), err != nil
}

func firstLines(s string, n int) string {
	lines := strings.SplitN(s, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "\n")
}

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
