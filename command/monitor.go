package command

import (
	"fmt"
	"slices"
	"sync"

	"github.com/quotadb/quota-db/stats"
)

// monitorCommands is MONITOR.
func monitorCommands() []*row {
	return inGroup([]*row{
		{name: "monitor", arity: 1, flags: admin | noscript | loading | stale | connectionOnly, since: "1.0.0", handler: monitor,
			complexity: constantTime, summary: "Show all commands as they run"},
	}, ofServer, 0)
}

// maxOutboxBytes is how many bytes of MONITOR's output may wait for one client. A client with more is disconnected.
const maxOutboxBytes = 4 << 20

// monitors are the clients that have sent MONITOR.
type monitors struct {
	mu      sync.Mutex
	clients map[*Client]struct{}
	line    []byte // scratch
}

// monitor is MONITOR.
func monitor(c *call) {
	if c.x.inExec {
		c.fail(errMonitorInMulti)
		return
	}
	m := &c.server.monitors
	m.mu.Lock()
	defer m.mu.Unlock()
	c.ok()
	if _, is := m.clients[c.client]; is {
		return
	}
	if m.clients == nil {
		m.clients = make(map[*Client]struct{})
	}
	m.clients[c.client] = struct{}{}
	c.server.attention.Add(1)
	c.client.monitors.Store(true)
}

// leaveMonitors ends the MONITOR of a client, if it has one.
func (s *Server) leaveMonitors(client *Client) {
	if !client.monitors.Load() {
		return
	}
	m := &s.monitors
	m.mu.Lock()
	delete(m.clients, client)
	m.mu.Unlock()
	client.monitors.Store(false)
	s.attention.Add(-1)
}

// feed shows the command of a call to all monitors.
func (m *monitors) feed(c *call) {
	if c.server.attention.Load() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.clients) == 0 {
		return
	}
	m.line = fmt.Appendf(m.line[:0], "+%d.%06d [0 %s]", c.now.Wall/1000, c.now.Wall%1000*1000, c.client.RemoteAddr)
	secrets := c.row.hidden(c.args)
	for i, arg := range c.args {
		if slices.Contains(secrets, i) {
			arg = []byte(stats.Redacted)
		}
		m.line = append(m.line, ' ')
		m.line = appendQuoted(m.line, arg)
	}
	m.line = append(m.line, "\r\n"...)
	for client := range m.clients {
		if client.silent.Load() {
			continue
		}
		if !client.push(m.line) {
			c.server.Log.Warn("client closed: it reads the output of MONITOR too slowly", "remote", client.RemoteAddr, "limit", maxOutboxBytes)
			client.kill()
		}
	}
	if cap(m.line) > maxOutboxBytes {
		m.line = nil
	}
}

// appendQuoted appends text as Redis quotes it.
func appendQuoted(b, text []byte) []byte {
	b = append(b, '"')
	for _, c := range text {
		switch c {
		case '\\', '"':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\a':
			b = append(b, '\\', 'a')
		case '\b':
			b = append(b, '\\', 'b')
		default:
			if c < ' ' || c > '~' {
				b = fmt.Appendf(b, "\\x%02x", c)
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}
