package process

import (
	"os/exec"
	"syscall"
	"testing"
)

// Restart kills the process and starts it again with the same flags at the same
// address. Without persistence it comes back empty.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.exited
	again, err := startAt(s.Addr, exec.Command(s.cmd.Path, s.cmd.Args[1:]...))
	if err != nil {
		t.Fatal(err)
	}
	*s = *again
}
