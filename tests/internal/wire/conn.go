package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// replyTimeout bounds the wait for one reply. It is generous because the suites
// share few cores; a server that is merely slow must not look dead.
const replyTimeout = 20 * time.Second

// Conn is one client connection. It is not safe for concurrent use, except that
// one goroutine may send while another receives.
type Conn struct {
	net.Conn
	dec *Decoder
}

// Dial connects to "host:port" or "unix:/path".
func Dial(addr string) (*Conn, error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, addr = "unix", path
	}
	c, err := net.DialTimeout(network, addr, replyTimeout)
	if err != nil {
		return nil, err
	}
	return NewConn(c), nil
}

// NewConn makes a client of a connection.
func NewConn(c net.Conn) *Conn { return &Conn{Conn: c, dec: NewDecoder(c)} }

// AppendCommand appends one command as a RESP array of bulk strings.
func AppendCommand(dst []byte, args ...string) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(args)), 10)
	dst = append(dst, "\r\n"...)
	for _, a := range args {
		dst = append(dst, '$')
		dst = strconv.AppendInt(dst, int64(len(a)), 10)
		dst = append(dst, "\r\n"...)
		dst = append(dst, a...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// Do sends one command and reads one reply.
func (c *Conn) Do(args ...string) (Value, error) {
	if err := c.Send(AppendCommand(nil, args...)); err != nil {
		return Value{}, fmt.Errorf("send %q: %w", args, err)
	}
	v, err := c.Receive()
	if err != nil {
		return v, fmt.Errorf("reply to %q: %w", args, err)
	}
	return v, nil
}

// Send writes raw bytes.
func (c *Conn) Send(raw []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(replyTimeout)); err != nil {
		return err
	}
	_, err := c.Write(raw)
	return err
}

// CloseWrite tells the server that nothing more will be sent.
func (c *Conn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// Receive reads one reply.
func (c *Conn) Receive() (Value, error) {
	if err := c.SetReadDeadline(time.Now().Add(replyTimeout)); err != nil {
		return Value{}, err
	}
	return c.dec.Decode()
}

// Pipeline sends raw, which holds n commands, in pieces of the given sizes (the
// rest as one piece), while it reads n replies. Sending and reading overlap, so
// a pipeline may be larger than the sockets' buffers.
func (c *Conn) Pipeline(raw []byte, n int, pieces ...int) ([]Value, error) {
	sent := make(chan error, 1)
	go func() { sent <- c.sendPieces(raw, pieces) }()
	replies := make([]Value, 0, n)
	for range n {
		v, err := c.Receive()
		if err != nil {
			_ = c.Close() // ends the sender
			return replies, errors.Join(fmt.Errorf("reply %d of %d: %w", len(replies)+1, n, err), <-sent)
		}
		replies = append(replies, v)
	}
	return replies, <-sent
}

func (c *Conn) sendPieces(raw []byte, pieces []int) error {
	for _, n := range pieces {
		n = min(n, len(raw))
		if err := c.Send(raw[:n]); err != nil {
			return err
		}
		raw = raw[n:]
	}
	if len(raw) == 0 {
		return nil
	}
	return c.Send(raw)
}

// ReceiveOrEnd reads one reply; open is false once the server has closed. A
// reset counts as a close: it is what a server does that closes with our bytes
// still unread.
func (c *Conn) ReceiveOrEnd() (v Value, open bool, err error) {
	v, err = c.Receive()
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return Value{}, false, nil
	}
	return v, true, err
}

// Drain reads replies until the server closes.
func (c *Conn) Drain() ([]Value, error) {
	var replies []Value
	for {
		v, open, err := c.ReceiveOrEnd()
		if err != nil || !open {
			return replies, err
		}
		replies = append(replies, v)
	}
}
