package remote

import (
	"context"
	"errors"
	"net"
	"syscall"
)

// dial connects so that the last words of a node are not lost.
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

// lastWords is a connection on which a write after the other side has closed is no error as long as there may be something to read: a node that does
// not serve a client says why and closes, and the client library, which writes before it reads, would only see a broken pipe. One goroutine uses it.
type lastWords struct {
	net.Conn
	broken error // of a write; the read that finds nothing returns it
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

// SyscallConn lets the client library look whether an idle connection was closed.
func (c *lastWords) SyscallConn() (syscall.RawConn, error) {
	raw, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return raw.SyscallConn()
}
