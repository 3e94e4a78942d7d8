package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

const (
	fewClients, manyClients = 8, 50
	// schedulingSlack is how much later than the batch delay a server may write, since it shares few processors with
	// all the clients.
	schedulingSlack = 200 * time.Millisecond
	// maxComplaints is how many violations of a life are shown.
	maxComplaints = 5
)

func TestWhatAlwaysAcknowledgesSurvivesKills(t *testing.T) {
	newHarness(t, quotaDB, always, fewClients).run(t, rounds(t))
}

func TestIntervalLosesNoMoreThanTheBatchDelay(t *testing.T) {
	newHarness(t, quotaDB, interval, fewClients).run(t, rounds(t))
}

func TestNoneLosesNoMoreThanTheBatchDelayToAKill(t *testing.T) {
	newHarness(t, quotaDB, never, fewClients).run(t, rounds(t))
}

func TestManyClientsShareTheSyncsOfAlways(t *testing.T) {
	newHarness(t, quotaDB, always, manyClients).run(t, max(1, rounds(t)/4))
}

// TestRedisPassesTheSameHarness proves that the harness does not accuse a server that keeps its promises.
func TestRedisPassesTheSameHarness(t *testing.T) {
	for _, l := range []level{always, interval, never} {
		t.Run(string(l), func(t *testing.T) { newHarness(t, redis, l, fewClients).run(t, min(rounds(t), 10)) })
	}
}

// harness is a server's directory and everything that should be in it.
type harness struct {
	system   system
	level    level
	dir      string
	evidence evidence
	seed     uint64
	rng      *rand.Rand // of this life
	clients  []*client
	keys     []string
	shared   map[string]int64 // at the last start
	tokens   [][]token        // tokens given, by limit
	server   *process.Server
	former   []byte // the log of the life before
	tally    tally
}

func newHarness(t *testing.T, s system, l level, clients int) *harness {
	t.Helper()
	h := &harness{system: s, level: l, dir: t.TempDir(), evidence: newEvidence(t), seed: seed(t), shared: map[string]int64{}, tokens: make([][]token, len(limits))}
	for id := range clients {
		c := newClient(id, s)
		h.clients = append(h.clients, c)
		for _, u := range c.units {
			h.keys = append(h.keys, u.keys...)
		}
	}
	for i := range sharedCounters {
		h.keys = append(h.keys, sharedKey(i))
	}
	for i := range limits {
		h.keys = append(h.keys, limitKey(i))
	}
	h.server = s.start(t, l, h.dir)
	return h
}

func (h *harness) run(t *testing.T, rounds int) {
	t.Helper()
	for n := range rounds {
		h.round(t, n)
	}
	t.Log(&h.tally)
	h.tally.check(t)
}

// seedLife makes the choices of a life independent of those before it, which depend on timing.
func (h *harness) seedLife(n int) {
	stream := uint64(n) << 32
	h.rng = rand.New(rand.NewPCG(h.seed, stream))
	for i, c := range h.clients {
		c.rng = rand.New(rand.NewPCG(h.seed, stream+1+uint64(i)))
	}
}

// round runs a life, ends it, and checks what is left.
func (h *harness) round(t *testing.T, n int) {
	t.Helper()
	h.seedLife(n)
	p := newPlan(h.rng, h.level)
	p.cut, p.garble = p.cut && h.system.mendsTails, p.garble && h.system.mendsTails
	l := live(t, h.server, h.clients, p, watch(h.dir, h.system.logs))
	h.tally.live(p, l)
	written := l.end
	damage, garbled := h.damage(t, p, l, &written)
	durable := forever
	if h.level != always && !p.stop {
		durable = written.Add(-batchDelay - schedulingSlack - longestGap(l.samples))
	}
	t.Logf("round %d: %+v%s", n, p, damage)
	h.evidence.take(t, h.dir)
	h.server.StartAgain(t)
	torn := h.system.wasCut.MatchString(h.server.Output())
	switch {
	case torn && p.stop:
		t.Errorf("a clean stop left a torn tail:\n%s", h.server.Output())
	case !torn && garbled:
		t.Errorf("nobody cut the garbage:\n%s", h.server.Output())
	}
	cut := time.Time{} // of the log, here
	if written != l.end {
		cut = written.Add(-schedulingSlack)
	}
	limited := h.settleLimits(h.clients[0].flushed, cut) // before check forgets about FLUSHALL
	v, complaints := h.check(t, durable, l.gone)
	complaints = append(complaints, limited...)
	h.tally.start(p, torn, v)
	for _, err := range complaints[:min(len(complaints), maxComplaints)] {
		t.Error(err)
	}
	if t.Failed() {
		t.Logf("%d complaints", len(complaints))
		t.FailNow()
	}
}

// damage damages the log as the plan says. Everything in the log at the moment written stays; cutting may make that
// moment earlier. garbled reports that the server must find garbage. In a log that began in this life it need not: the
// kill may have come before that log was in use.
func (h *harness) damage(t *testing.T, p plan, l life, written *time.Time) (what string, garbled bool) {
	t.Helper()
	now := look(h.dir, h.system.logs)
	if now.log == "" {
		t.Fatalf("no %s in the data directory", h.system.logs)
	}
	if p.cut {
		if at := cut(t, h.rng, now, l.samples, l.end, batchDelay); !at.IsZero() {
			*written = at
			what = fmt.Sprintf(", %d bytes cut", now.size-look(h.dir, h.system.logs).size)
			h.tally.cuts++
		}
	}
	former := h.former
	h.former, _ = os.ReadFile(now.log) // none is good enough
	if p.garble {
		more, found := garble(t, h.rng, now.log, former)
		what += ", " + more
		garbled = found && len(l.samples) > 0 && l.samples[0].log == now.log
		h.tally.garbled++
	}
	return what, garbled
}

// check compares what the server holds with what it should, and has the next life begin with it.
func (h *harness) check(t *testing.T, durable, gone time.Time) (sum verdict, complaints []error) {
	t.Helper()
	conn := h.server.Dial(t)
	defer func() { _ = conn.Close() }()
	seen := observe(t, conn, h.keys)
	for _, c := range h.clients {
		for _, u := range c.units {
			v, err := u.settle(seen, durable, gone)
			if err != nil {
				complaints = append(complaints, err)
			}
			sum = sum.with(v)
		}
	}
	complaints = append(complaints, h.settleShared(seen, durable)...)
	for _, k := range allKeys(t, conn) {
		if _, known := seen[k]; !known {
			complaints = append(complaints, fmt.Errorf("%s: nobody has made such a key", k))
		}
	}
	return sum, complaints
}

// settle judges a unit's history, and begins a new one with what was seen.
func (u *unit) settle(all map[string]observation, durable, gone time.Time) (verdict, error) {
	var seen []observation
	for _, k := range u.keys {
		seen = append(seen, all[k])
	}
	v, err := u.verify(seen, durable, gone)
	begin := step{command: "(recovered)", sent: seen[0].from, acked: seen[0].to}
	for _, o := range seen {
		begin.sent, begin.acked = o.from, o.to
		begin.after = append(begin.after, o.count)
	}
	u.steps = []step{begin}
	return v, err
}

func (h *harness) settleShared(seen map[string]observation, durable time.Time) (complaints []error) {
	for i := range sharedCounters {
		k := sharedKey(i)
		s := shared{key: k, before: h.shared[k], flushed: h.clients[0].flushed}
		for _, c := range h.clients {
			s.clients = append(s.clients, c.shared[i])
			c.shared[i] = nil
		}
		if err := s.verify(seen[k].value, durable); err != nil {
			complaints = append(complaints, err)
		}
		h.shared[k] = seen[k].value
	}
	for _, c := range h.clients {
		c.flushed = time.Time{}
	}
	return complaints
}
