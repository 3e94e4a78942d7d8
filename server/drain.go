package server

import (
	"errors"
	"syscall"

	"github.com/panjf2000/gnet/v2"
)

// drain is the last traffic of a connection when the server shuts down: it takes what the loop had read and what
// lies readable in the socket at this moment, runs it, and ends. It reads no more than a full receive buffer, so that a client that goes on sending cannot delay
// the end.
func (c *connection) drain(chunk []byte) gnet.Action {
	if len(chunk) > 0 {
		if action := c.consume(chunk); action != gnet.None {
			return action
		}
	}
	readable, err := syscall.GetsockoptInt(c.Fd(), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	if err != nil {
		return gnet.Close
	}
	buffer := c.worker.drainBuffer()
	for readable > 0 && c.phase != ending {
		n, err := syscall.Read(c.Fd(), buffer)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		readable -= n
		if action := c.consume(buffer[:n]); action != gnet.None {
			return action
		}
	}
	c.last = true
	return c.consume(nil)
}
