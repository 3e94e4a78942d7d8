package crash

import (
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// plan is how a life goes. Its moments are numbers of acknowledged steps.
type plan struct {
	end    int64
	stop   bool  // with SIGTERM
	flush  bool  // with FLUSHALL at the beginning
	save   int64 // when BGSAVE is sent; 0: not
	cut    bool  // after the life, cut the log's end if possible
	garble bool  // after the life, append garbage
}

const (
	// The shortest life, and how often the longest doubles it: there are as many short lives as long ones.
	minSteps = 100
	// An fsync takes much of the time, so there are fewer steps with it.
	alwaysOrders, otherOrders = 5, 10
	// A snapshot that begins a few steps before the end is likely to be running then; 1<<saveOrders are many.
	saveOrders = 11
)

func newPlan(rng *rand.Rand, l level) plan {
	orders := otherOrders
	if l == always {
		orders = alwaysOrders
	}
	order := max(rng.IntN(orders+1), rng.IntN(orders+1))
	p := plan{end: minSteps + rng.Int64N(minSteps<<order)}
	p.stop = rng.IntN(8) == 0
	p.flush = rng.IntN(10) == 0
	if rng.IntN(4) == 0 {
		p.save = max(1, p.end-1-rng.Int64N(1<<rng.IntN(saveOrders+1)))
	}
	if !p.stop {
		// What a snapshot has replaced must be in the log, so behind one nothing is cut.
		p.cut = l != always && p.save == 0 && rng.IntN(2) == 0
		p.garble = rng.IntN(3) == 0
	}
	return p
}

// life is what is left of a server's life under load.
type life struct {
	end     time.Time // when the signal was about to be sent
	gone    time.Time // when the process had ended
	samples []sample
	steps   int64
}

// live lets the clients work on the server until the plan has it end, and watches its log meanwhile.
func live(t *testing.T, s *process.Server, clients []*client, p plan, w *watcher) life {
	t.Helper()
	defer w.stop()
	control := s.Dial(t)
	defer func() { _ = control.Close() }()
	if p.flush {
		flush(t, control, clients)
	}
	c := startCrowd(t, s, clients, p.save, p.end)
	defer c.stop()
	if p.save > 0 {
		c.wait(t, c.marks[0])
		save(t, control)
	}
	c.wait(t, c.marks[1])
	samples := w.stop()
	c.ending.Store(true)
	l := life{end: time.Now(), samples: samples}
	signal := syscall.SIGKILL
	if p.stop {
		signal = syscall.SIGTERM
	}
	s.Signal(t, signal)
	if code := s.Exit(t); p.stop && code != 0 {
		t.Fatalf("SIGTERM: exit code %d\n%s", code, s.Output())
	}
	l.gone = time.Now()
	c.working.Wait()
	select {
	case err := <-c.failed:
		t.Fatal(err)
	default:
	}
	l.steps = c.steps.Load()
	return l
}

// save has a snapshot begin, if none is being written.
func save(t *testing.T, conn *wire.Conn) {
	t.Helper()
	v, err := conn.Do("BGSAVE")
	busy := strings.Contains(v.Text, "in progress") || strings.Contains(v.Text, "process is active")
	if err != nil || v.IsError() && !busy {
		t.Fatalf("BGSAVE: %s, %v", v, err)
	}
}

// flush removes all keys while no client writes.
func flush(t *testing.T, conn *wire.Conn, clients []*client) {
	t.Helper()
	sent := time.Now()
	if v, err := conn.Do("FLUSHALL"); err != nil || v.Text != "OK" {
		t.Fatalf("FLUSHALL: %s, %v", v, err)
	}
	acked := time.Now()
	for _, c := range clients {
		for _, u := range c.units {
			u.steps = append(u.steps, step{"FLUSHALL", sent, acked, make([]count, len(u.keys))})
		}
		c.flushed = acked
	}
}
