package loop_test

import (
	"slices"
	"sync"
	"testing"
)

// recorder is a Worker that notes events of its loop in order.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) note(line string) {
	r.mu.Lock()
	r.lines = append(r.lines, line)
	r.mu.Unlock()
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

func (r *recorder) Settle()             { r.note("settle") }
func (r *recorder) HasTask() bool       { return false }
func (r *recorder) IsDue(bool) bool     { return false }
func (r *recorder) RunTask(func()) bool { return false }

// TestNoReplyLeavesBeforeSettle, however long the reply is.
func TestNoReplyLeavesBeforeSettle(t *testing.T) {
	for _, size := range []int{1, 32 << 10} {
		r := &recorder{}
		hold, second := make(chan struct{}), false
		h := &handler{input: func(h *handler, _ []byte) {
			r.note("input")
			h.conn.Write(make([]byte, size))
			if second = !second; second && size > 1 { // a long reply leaves at once: the client gets it meanwhile
				<-hold
			}
		}}
		client := startWith(t, r).connect(h)
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		lines := r.all()
		close(hold)
		if i := slices.Index(lines, "input"); !slices.Contains(lines[i:], "settle") {
			t.Errorf("%d bytes: the client has the reply, and Settle was not called: %v", size, lines)
		}
	}
}
