package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/replica"
)

const (
	writeTime  = 10 * time.Second // that a peer may take for writeBytes
	writeBytes = 64 << 10
	readBytes  = 64 << 10 // of the buffer, as long as no frame is longer
	keptBytes  = 1 << 20  // the longest buffer that is kept
)

var errLeft = errors.New("it has closed the connection")

// link is a connection that is being used.
type link struct {
	owner   *owner
	conn    net.Conn
	session *replica.Session
	peer    replica.Hello
	closed  chan struct{} // the owner has dropped it
	out     chan []byte   // to the writer; one at a time
	frames  [][]byte      // the reader's, and the owner's while that takes them

	// A part of what takes long has come, or gone, since the owner looked.
	came, gone atomic.Bool

	// The owner's.
	begun   bool // it reads and writes
	dialed  bool // by this node: the peer has agreed to it before it began
	agreed  bool // the peer wants it too, as far as it has said by now
	idle    bool // there is nothing to write, and it is begun
	parting bool // nothing will be written any more
	buf     []byte
}

func newLink(o *owner, t *talk, s *replica.Session, peer replica.Hello) *link {
	return &link{owner: o, conn: t.conn, dialed: t.dialed, session: s, peer: peer, closed: make(chan struct{}), out: make(chan []byte, 1)}
}

// begin begins to read and to write. Errors: replica.ErrDuplicate if another connection has taken its place meanwhile.
func (l *link) begin() error {
	o := l.owner
	_ = l.conn.SetDeadline(time.Time{})
	o.do(func() {
		if !o.links[l] {
			return
		}
		l.begun = true
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

// part says that nothing more will come. The peer will do the same.
func (l *link) part() {
	l.parting = true
	if c, ok := l.conn.(*net.TCPConn); ok {
		_ = c.CloseWrite()
	}
}

// fail has the owner drop the link.
func (l *link) fail(err error) {
	l.owner.do(func() { l.owner.drop(l, err) })
}

// write writes what the owner gives it.
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

// writeAll writes bytes piece by piece, so that a slow peer has the time it needs and one that has stopped reading has not.
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

// drained has the machine asked for more.
func (l *link) drained() {
	if l.idle = true; cap(l.buf) > keptBytes {
		l.buf = nil
	}
	if l.owner.links[l] {
		l.owner.pump(l)
	}
}

// read gives the owner what the peer sends, frame by frame, and waits until it has taken it. The buffer grows with what has arrived, whatever the peer says
// that will.
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

// room is a buffer that begins with rest, which lies in buf, and has room for more of the need bytes that a frame wants.
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

// take gives the owner all frames that have arrived as a whole.
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

// receive gives the machine what was read. The owner calls it.
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
			return fmt.Errorf("what it has sent is refused: %w", err)
		}
	}
	o.pumpAll()
	return nil
}

// explainEnd finds out whether what is no frame is the refusal of one who has dialed.
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
