package loop_test

import (
	"sync/atomic"
	"testing"
	"time"
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

// answer is the reply to a byte of input whose task has ended.
func answer(h *handler) { h.conn.Write([]byte("?")) }

// TestRepliesOfARoundLeaveBeforeItsTask, and what the task has posted leaves after it.
func TestRepliesOfARoundLeaveBeforeItsTask(t *testing.T) {
	end := make(chan struct{})
	h := &handler{woken: func(h *handler) { h.conn.Write([]byte("woken ")) }}
	w := &tasker{run: func(func()) bool {
		<-end
		h.conn.Wake()
		return false
	}}
	h.input = func(h *handler, _ []byte) {
		h.conn.Write([]byte("input "))
		w.want()
	}
	g := startWith(t, w)
	defer close(end) // the loop can be stopped
	client := g.connect(h)
	for range 3 {
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		expect(t, client, "input ") // the task has not ended
		end <- struct{}{}
		expect(t, client, "woken ")
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
	var writer *handler // its reply waits for the task
	w.run = func(handOver func()) bool {
		writer.conn.Wake()
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
	writer = &handler{input: func(*handler, []byte) { w.want() }, woken: answer}
	client := g.connect(writer)
	g.roundTrip(client)
	hang.Store(true)
	const hung = 3
	for range hung {
		g.roundTrip(client) // the new goroutine runs what the task has posted, and sends the reply
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
	h := &handler{input: func(*handler, []byte) { w.want() }, woken: answer}
	w.run = func(fn func()) bool { handOver.Store(&fn); h.conn.Wake(); return false }
	g := startWith(t, w)
	client := g.connect(h)
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
