package process

import (
	"os/exec"
	"syscall"
	"testing"
)

// Restart kills the process and starts it again. Without persistence it comes back empty.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	s.StartAgain(t)
}

// StartAgain waits for the process, which has been told to end, and starts it again with the same flags, at the same
// address and in the same working directory. Output begins anew.
func (s *Server) StartAgain(t testing.TB) {
	t.Helper()
	<-s.exited
	cmd := exec.Command(s.cmd.Path, s.cmd.Args[1:]...)
	cmd.Dir = s.cmd.Dir
	again, err := launch(s.Addr, cmd, s.dial, s.env)
	if err != nil {
		t.Fatal(err)
	}
	*s = *again
}
