package process

import (
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

// Try starts a command that will serve at addr, and waits until it answers, for a caller who goes on after an error,
// and who ends the process with Stop.
func Try(addr string, cmd *exec.Cmd) (*Server, error) { return launch(addr, cmd, wire.Dial, nil) }

// Stop sends the process a signal, unless that is nil, waits for its end and returns its exit code, -1 after a signal
// that ends it. A process that does not end is killed, which is an error.
func (s *Server) Stop(sig os.Signal) (code int, err error) {
	if sig != nil {
		_ = s.cmd.Process.Signal(sig)
	}
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill()
		<-s.exited
		err = fmt.Errorf("%s: still running after %v\n%s", s.cmd, stopTimeout, s.output)
	}
	return s.cmd.ProcessState.ExitCode(), err
}
