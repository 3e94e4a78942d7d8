package restart

import (
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

// TestWhatWasLostOnceIsKept runs worlds in which nodes once lost data, or did not start.
func TestWhatWasLostOnceIsKept(t *testing.T) {
	command := func(words ...string) step { return step{args: words} }
	pass := func(d time.Duration) step { return step{pause: d} }
	ends := func(nodes int, how ending) step {
		e := &end{}
		for range nodes {
			e.how, e.starts = append(e.how, how), append(e.starts, start{3, "always", itself})
		}
		return step{end: e}
	}
	for name, p := range map[string]*plan{
		"a quota that was deleted beside peers":             {nodes: 2, steps: []step{command("QUOTASET", "q", "5", "60"), command("DEL", "q"), ends(2, term)}},
		"a quota that ended before a snapshot beside peers": {nodes: 2, steps: []step{command("QUOTAINCR", "q", "5", "60"), command("SET", "q", "1"), command("SAVE"), ends(2, kill)}},
		"keys behind a flush and a snapshot":                {nodes: 1, steps: []step{{bulk: 16_000}, command("SAVE"), command("FLUSHALL"), {bulk: 1000}, ends(1, kill)}},
		"a name used again behind an expired quota": {nodes: 1, steps: []step{
			command("QUOTASET", "q", "5", "60"), command("PEXPIRE", "q", "30"), pass(50 * time.Millisecond),
			command("INCRBY", "q", "1000"), command("INCR", "other"), ends(1, kill), ends(1, term),
		}},
		"a quota that had become full":          {nodes: 1, steps: []step{command("QUOTAINCR", "q", "1000000000000000", "1000000000", "3"), pass(200 * time.Millisecond), ends(1, kill)}},
		"a deadline that passes behind a start": {nodes: 1, steps: []step{command("PSETEX", "k", "400", "v"), ends(1, term), pass(400 * time.Millisecond), ends(1, term)}},
		"a key made by adding nothing":          {nodes: 1, lost: true, steps: []step{command("INCRBY", "k", "0"), ends(1, kill)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range p.nodes {
				p.first = append(p.first, start{3, "always", itself})
			}
			if err := p.carryOut(process.Binary(t), shortDir(t)); err != nil {
				t.Error(err)
			}
		})
	}
}
