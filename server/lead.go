package server

// lead is the clients of a loop whose replies wait for a sync that the loop itself makes at the end of a round. Clients
// that were released together tend to come back together. So the loop looks for the others before it syncs, as long as
// some come.
type lead struct {
	joined   int // clients that wait
	before   int // joined at the end of the last round
	expected int // clients of the last sync
}

// join adds a client.
func (l *lead) join() { l.joined++ }

// HasTask reports whether clients wait for a sync.
func (w *worker) HasTask() bool { return w.lead.joined > 0 }

// IsDue reports whether the loop is to sync now: no further client is expected, or none has come in this round.
func (w *worker) IsDue(again bool) bool {
	l := &w.lead
	if !again && l.joined < l.expected && l.joined > l.before {
		l.before = l.joined
		return false
	}
	l.expected, l.joined, l.before = l.joined, 0, 0
	return true
}

// RunTask syncs. It uses nothing of the worker that changes.
func (w *worker) RunTask(handOver func()) (again bool) { return w.commands.Store.Lead(handOver) }
