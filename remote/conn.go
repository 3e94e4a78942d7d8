package remote

import (
	"context"
	"errors"
	"net"
	"syscall"
)

// dial makes connections that do not lose the last words of a node.
func dial(o Options) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := net.Dialer{Timeout: o.Timeout}
		conn, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &lastWords{Conn: conn}, nil
	}
}

// lastWords is a connection whose writes do not fail after the other side has closed, so that the client library still
// reads what the node has sent. Why: a node that refuses a client writes the reason and closes. The library writes
// before it reads, and would see only a broken pipe. A lastWords is for one goroutine.
type lastWords struct {
	net.Conn
	broken error // error of a write; a read that finds nothing returns it
}

func (c *lastWords) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		c.broken = err
		return len(b), nil
	}
	return n, err
}

func (c *lastWords) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n == 0 && err != nil && c.broken != nil {
		err = c.broken
	}
	return n, err
}

// SyscallConn lets the client library check whether an idle connection was closed.
func (c *lastWords) SyscallConn() (syscall.RawConn, error) {
	raw, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return raw.SyscallConn()
}
