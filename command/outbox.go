package command

import "sync"

// outboxStep: each time an outbox has grown by this many bytes, the connection is roused, so that it counts the bytes.
const outboxStep = 16 << 10

// outbox holds output for a client that is no reply, until the client's connection takes it.
type outbox struct {
	mu    sync.Mutex
	bytes []byte
	full  bool
}

// push adds text to the outbox and rouses the connection. It returns false, once, when the outbox becomes too large.
func (c *Client) push(text []byte) bool {
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.full || len(o.bytes)+len(text) > maxOutboxBytes {
		was := o.full
		o.full, o.bytes = true, nil
		return was // false only the first time
	}
	if n := len(o.bytes); n == 0 || n/outboxStep != (n+len(text))/outboxStep {
		c.rouse()
	}
	o.bytes = append(o.bytes, text...)
	return true
}

// Pushed is how many bytes TakePushed would take. It is cheap.
func (c *Client) Pushed() int {
	if !c.monitors.Load() {
		return 0
	}
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.bytes)
}

// Monitors reports whether the client has sent MONITOR. Any goroutine may call it.
func (c *Client) Monitors() bool { return c.monitors.Load() }

// TakePushed takes the output for the client that is no reply. It is cheap.
func (c *Client) TakePushed() []byte {
	if !c.monitors.Load() {
		return nil
	}
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.bytes
	o.bytes = nil
	return taken
}
