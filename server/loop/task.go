package loop

// A task is work at the end of a round that may take long, such as an fsync that clients wait for. It runs on the
// loop's own goroutine, so that no other thread is woken for it. The round's replies leave before it: replies that
// depend on it are not written until it posts something to the loop. If the task takes too long, somebody calls
// HandOver: then a new goroutine goes on with the loop, and the old one ends when its task does. So a disk that hangs
// stops no loop.

// runTask runs the worker's task if it is due. It returns false if another goroutine has taken over the loop.
func (l *Loop) runTask() bool {
	if !l.hasTask() || !l.worker.IsDue(l.again) {
		return true
	}
	l.flush()
	l.meter.wait()
	l.task++
	task := l.task
	l.again = false
	l.inTask.Store(task)
	again := l.worker.RunTask(l.handOver)
	if !l.inTask.CompareAndSwap(task, 0) {
		return false // nothing of the loop may be used any more
	}
	l.meter.resume()
	l.again = again
	l.runPosted()
	return true
}

func (l *Loop) hasTask() bool { return l.again || l.worker.HasTask() }

// HandOver has a new goroutine go on with the loop if the loop is in a task. Any goroutine may call it.
func (l *Loop) HandOver() {
	if task := l.inTask.Load(); task == 0 || !l.inTask.CompareAndSwap(task, 0) {
		return
	}
	go func() { // Group.Stop waits for the end of the loop, whichever goroutine runs it
		l.meter.resume()
		l.runPosted()
		l.endRound()
		l.goOn()
	}()
}
