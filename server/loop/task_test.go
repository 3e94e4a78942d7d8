package loop_test

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quotadb/quota-db/server/loop"
)

// tasker is a Worker with a task for each byte of input.
type tasker struct {
	wanted int                                // tasks that wait
	rounds int                                // how many rounds each waits
	left   int                                // of these
	run    func(handOver func()) (again bool) // the task
}

func (w *tasker) Settle()       {}
func (w *tasker) HasTask() bool { return w.wanted > 0 }
func (w *tasker) IsDue(again bool) bool {
	if w.left--; w.left > 0 && !again {
		return false
	}
	w.wanted = 0
	return true
}
func (w *tasker) RunTask(handOver func()) bool { return w.run(handOver) }

// want has the worker run a task after some rounds.
func (w *tasker) want() { w.wanted, w.left = w.wanted+1, w.rounds }

// startWith starts one loop with a worker.
func startWith(t *testing.T, w loop.Worker) *group {
	t.Helper()
	g, err := loop.Start(loop.Options{Loops: 1, Worker: func() loop.Worker { return w }})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Stop()
		_ = l.Close()
	})
	return &group{g, t, l}
}

// TestRepliesOfARoundLeaveAfterItsTask, together with what the task has posted.
func TestRepliesOfARoundLeaveAfterItsTask(t *testing.T) {
	inTask, read := make(chan struct{}), make(chan struct{})
	h := &handler{woken: func(h *handler) { h.conn.Write([]byte("woken ")) }}
	w := &tasker{run: func(func()) bool {
		inTask <- struct{}{}
		<-read
		h.conn.Wake()
		return false
	}}
	h.input = func(h *handler, _ []byte) {
		h.conn.Write([]byte("input "))
		w.want()
	}
	client := startWith(t, w).connect(h)
	for range 3 {
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		<-inTask
		_ = client.SetReadDeadline(time.Now().Add(time.Millisecond))
		if n, _ := client.Read(make([]byte, 1)); n > 0 {
			t.Error("a reply has left before the task")
		}
		_ = client.SetReadDeadline(time.Now().Add(patience))
		read <- struct{}{}
		expect(t, client, "input woken ")
	}
}

// TestATaskThatAsksForAnotherOneRunsAgain, although no input comes.
func TestATaskThatAsksForAnotherOneRunsAgain(t *testing.T) {
	w := &tasker{}
	ran := 0
	h := &handler{input: func(*handler, []byte) { w.want() }, woken: func(h *handler) { h.conn.Write([]byte("done")) }}
	w.run = func(func()) bool {
		if ran++; ran == 5 {
			h.conn.Wake()
		}
		return ran < 5
	}
	client := startWith(t, w).connect(h)
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	expect(t, client, "done")
}

// TestATaskThatIsWantedAfterATaskRuns although no input comes: what the task has posted wants it.
func TestATaskThatIsWantedAfterATaskRuns(t *testing.T) {
	w := &tasker{rounds: 2}
	woken := 0
	h := &handler{input: func(*handler, []byte) { w.want() }, woken: func(h *handler) {
		if woken++; woken < 3 {
			w.want()
			return
		}
		h.conn.Write([]byte("done"))
	}}
	w.run = func(func()) bool { h.conn.Wake(); return false }
	client := startWith(t, w).connect(h)
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	expect(t, client, "done")
}

// TestAHungTaskHoldsNobody once its loop is handed over: other connections of the loop are served, with tasks that hang
// too, new ones come, and the loop can be stopped.
func TestAHungTaskHoldsNobody(t *testing.T) {
	w := &tasker{}
	gate := make(chan struct{})
	var hang atomic.Bool
	ended := make(chan struct{}, 10)
	w.run = func(handOver func()) bool {
		if hang.Load() {
			go handOver()
			<-gate
			ended <- struct{}{}
			return true
		}
		return false
	}
	g := startWith(t, w)
	other := g.connect(&handler{input: echo})
	writer := &handler{input: func(h *handler, chunk []byte) {
		h.conn.Write(chunk)
		w.want()
	}}
	client := g.connect(writer)
	g.roundTrip(client)
	hang.Store(true)
	const hung = 3
	for range hung {
		g.roundTrip(client) // the new goroutine sends what the round has left
		g.roundTrip(other)
		g.roundTrip(g.connect(&handler{input: echo}))
	}
	hang.Store(false)
	g.roundTrip(client)
	stopped := make(chan struct{})
	go func() { g.Stop(); close(stopped) }()
	await(t, stopped, "the loop to stop while tasks hang")
	close(gate)
	for range hung {
		select {
		case <-ended:
		case <-time.After(patience):
			t.Fatal("a hung task does not end")
		}
	}
}

// TestAHandOverOutsideOfATaskDoesNothing, also beside tasks that end at the same time.
func TestAHandOverOutsideOfATaskDoesNothing(t *testing.T) {
	w := &tasker{}
	var handOver atomic.Pointer[func()]
	w.run = func(fn func()) bool { handOver.Store(&fn); return false }
	g := startWith(t, w)
	client := g.connect(&handler{input: func(h *handler, chunk []byte) {
		h.conn.Write(chunk)
		w.want()
	}})
	g.roundTrip(client) // the first task tells its hand-over
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				(*handOver.Load())()
			}
		}
	}()
	for range 2000 {
		g.roundTrip(client)
	}
	close(stop)
	<-stopped
}
