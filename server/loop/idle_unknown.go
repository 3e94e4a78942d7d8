//go:build !linux

package loop

// idleTime would measure how much the processors of the machine idle; this system is not asked.
type idleTime struct{}

// hasProcessor reports that a processor may idle.
func (*idleTime) hasProcessor() bool { return true }
