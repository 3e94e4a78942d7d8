package process

import "sync"

// maxTail bounds what is kept of a process's output, in bytes.
const maxTail = 64 << 10

// tail is an io.Writer that keeps the last maxTail bytes.
type tail struct {
	mu   sync.Mutex // protects data: exec writes while the test reads
	data []byte
}

func (o *tail) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.data = append(o.data, p...)
	if extra := len(o.data) - maxTail; extra > 0 {
		o.data = append(o.data[:0], o.data[extra:]...)
	}
	return len(p), nil
}

func (o *tail) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.data)
}
