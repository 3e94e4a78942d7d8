package command

import "sync"

// outboxStep is by how much an outbox grows until the connection is roused again, to account for it.
const outboxStep = 16 << 10

// outbox holds what a client gets beside its replies, until its connection takes it.
type outbox struct {
	mu    sync.Mutex
	bytes []byte
	full  bool
}

// push adds to the outbox and has the connection take it; false once there is too much.
func (c *Client) push(text []byte) bool {
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.full || len(o.bytes)+len(text) > maxOutboxBytes {
		was := o.full
		o.full, o.bytes = true, nil
		return was // said once
	}
	if n := len(o.bytes); n == 0 || n/outboxStep != (n+len(text))/outboxStep {
		c.rouse()
	}
	o.bytes = append(o.bytes, text...)
	return true
}

// Pushed is how many bytes TakePushed would take. Asking costs little.
func (c *Client) Pushed() int {
	if !c.monitors.Load() {
		return 0
	}
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.bytes)
}

// Monitors reports whether the client sees all commands: MONITOR. Any goroutine may ask.
func (c *Client) Monitors() bool { return c.monitors.Load() }

// TakePushed is what is to be sent to the client beside its replies. Asking for it costs little.
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
