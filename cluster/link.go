package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quotadb/quota-db/replica"
)

const (
	writeTime  = 10 * time.Second // time limit for a peer to take writeBytes
	writeBytes = 64 << 10
	readBytes  = 64 << 10 // size of the read buffer, unless a frame is longer
	keptBytes  = 1 << 20  // longer buffers are released after use
)

var errLeft = errors.New("the peer has closed the connection")

// link is a connection after the handshake.
type link struct {
	owner   *owner
	conn    net.Conn
	raw     syscall.RawConn // of conn; nil: it has none
	session *replica.Session
	peer    replica.Hello
	closed  chan struct{} // closed when the owner has dropped the link
	out     chan []byte   // to the writer; one buffer at a time
	frames  [][]byte      // the reader's, and the owner's during receive

	// A part of a long frame has come, or has gone, since the owner last looked.
	came, gone atomic.Bool

	// The fields below belong to the owner's goroutine.
	begun   bool        // its reader and writer run
	unlimit func() bool // as in talk
	dialed  bool        // this node dialed; then the peer agreed before the link began
	agreed  bool        // the peer has shown that it keeps this connection
	idle    bool        // begun, and everything is written
	parting bool        // nothing more will be written
	buf     []byte
}

func newLink(o *owner, t *talk, s *replica.Session, peer replica.Hello) *link {
	return &link{owner: o, conn: t.conn, raw: rawConn(t.conn), dialed: t.dialed, unlimit: t.unlimit, session: s, peer: peer, closed: make(chan struct{}), out: make(chan []byte, 1)}
}

// begin starts the link's reader and writer. Errors: replica.ErrDuplicate if another connection has replaced this one
// meanwhile.
func (l *link) begin() error {
	o := l.owner
	_ = l.conn.SetDeadline(time.Time{})
	o.do(func() {
		if !o.links[l] {
			return
		}
		l.begun = true
		l.unlimit()
		if l.dialed {
			o.agree(l)
		}
		o.inside.Go(l.read)
		o.inside.Go(l.write)
		l.idle = true
		o.pump(l)
	})
	if !l.begun {
		return replica.ErrDuplicate
	}
	return nil
}

// part closes the sending direction. The peer will do the same.
func (l *link) part() {
	l.parting = true
	if c, ok := l.conn.(*net.TCPConn); ok {
		_ = c.CloseWrite()
	}
}

// fail makes the owner drop the link.
func (l *link) fail(err error) {
	l.owner.do(func() { l.owner.drop(l, err) })
}

// write writes the buffers that the owner sends to out.
func (l *link) write() {
	for {
		select {
		case <-l.closed:
			return
		case bytes := <-l.out:
			if err := l.writeAll(bytes); err != nil {
				l.fail(err)
				return
			}
			l.owner.do(l.drained)
		}
	}
}

// writeAll writes in pieces with a time limit for each: a slow peer gets the time that it needs, and a peer that has
// stopped reading is noticed.
func (l *link) writeAll(bytes []byte) error {
	for len(bytes) > 0 {
		piece := bytes[:min(len(bytes), writeBytes)]
		_ = l.conn.SetWriteDeadline(time.Now().Add(writeTime))
		n, err := l.conn.Write(piece)
		if err != nil {
			return err
		}
		bytes = bytes[n:]
		l.gone.Store(true)
	}
	return nil
}

// drained is called by the owner when the writer has written everything; it asks the machine for more.
func (l *link) drained() {
	if l.idle = true; cap(l.buf) > keptBytes {
		l.buf = nil
	}
	if l.owner.links[l] {
		l.owner.pump(l)
	}
}

// read gives the owner the peer's frames, and waits until the owner has taken them. The buffer grows with the bytes
// that have arrived, not with the length that the peer announces.
func (l *link) read() {
	buf := make([]byte, 0, readBytes)
	for {
		n, err := l.conn.Read(buf[len(buf):cap(buf)])
		if buf = buf[:len(buf)+n]; n > 0 {
			rest, need, err := l.take(buf)
			if err != nil {
				l.fail(err)
				return
			}
			if len(rest) > 0 {
				l.came.Store(true)
			}
			buf = room(buf, rest, need)
		}
		if errors.Is(err, io.EOF) {
			err = errLeft
		}
		if err != nil {
			l.fail(err)
			return
		}
	}
}

// room returns a buffer that begins with rest, a part of buf, and has room for more of the need bytes of the next
// frame.
func room(buf, rest []byte, need int) []byte {
	size := cap(buf)
	switch {
	case len(rest) == cap(buf):
		size = min(2*size, need)
	case len(rest) == 0 && size > keptBytes:
		size = readBytes
	}
	if size == cap(buf) {
		return buf[:copy(buf[:cap(buf)], rest)]
	}
	return append(make([]byte, 0, size), rest...)
}

// take gives the owner all frames that have arrived completely.
func (l *link) take(buf []byte) (rest []byte, need int, err error) {
	l.frames = l.frames[:0]
	var frame []byte
	for rest = buf; err == nil; l.frames = append(l.frames, frame) {
		if frame, rest, need, err = replica.SplitFrame(rest); frame == nil {
			break
		}
	}
	if err != nil {
		err = l.explainEnd(rest, err)
	}
	if len(l.frames) == 0 {
		return rest, need, err
	}
	var refused error
	if !l.owner.do(func() { refused = l.receive() }) {
		refused = net.ErrClosed
	}
	return rest, need, errors.Join(refused, err)
}

// receive gives the machine the frames that were read. The owner calls it.
func (l *link) receive() error {
	o := l.owner
	for _, frame := range l.frames {
		if !o.links[l] {
			return net.ErrClosed
		}
		if !l.agreed {
			o.agree(l)
		}
		if err := o.Machine.Receive(l.session, frame, o.Now()); err != nil {
			return fmt.Errorf("a frame from the peer is refused: %w", err)
		}
	}
	o.pumpAll()
	return nil
}

// explainEnd checks whether bytes that are no frame are a refusal by the peer that dialed.
func (l *link) explainEnd(rest []byte, err error) error {
	k, message, notOne := readMessage(bytes.NewReader(rest))
	if notOne != nil || k != refusalKind {
		return err
	}
	r, notOne := parseRefusal(message[messageHeader:])
	if notOne != nil {
		return err
	}
	if !r.silent() {
		l.owner.quiet.warnOnce("a peer refuses to replicate with this node", hostOf(l.conn.RemoteAddr()), r.text)
	}
	return r
}
