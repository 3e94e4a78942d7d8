package command

import "sync"

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
	if len(o.bytes) == 0 {
		c.rouse()
	}
	o.bytes = append(o.bytes, text...)
	return true
}

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
