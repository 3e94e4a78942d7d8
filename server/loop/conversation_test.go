package loop_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// stillness is for how long nothing may move in one direction of a conversation. It is long: the machine may be busy.
const stillness = 3 * patience

// converse is the client's side of a plan. It compares each byte of the replies.
func (p *plan) converse(conn net.Conn) error {
	defer func() { _ = conn.Close() }()
	var (
		sent     = make(chan error, 1)
		late     = p.random.IntN(4) == 0
		slow     = p.random.IntN(4) == 0
		enough   = p.want
		checked  int
		err      error
		received = make([]byte, 64<<10)
		want     = make([]byte, 64<<10)
	)
	writing := rand.New(rand.NewPCG(p.random.Uint64(), 5))
	go func() { sent <- p.write(conn, writing) }()
	if late { // for a while the client only sends
		select {
		case err = <-sent:
			sent <- err
		case <-time.After(5 * time.Millisecond):
		}
	}
	if p.ending == byReset {
		enough = p.random.IntN(p.want + 1)
	}
	for err = nil; err == nil && (checked < enough || p.ending == byRequest || p.ending == byHalfClose); {
		piece := received
		if slow {
			time.Sleep(time.Duration(p.random.IntN(200)) * time.Microsecond)
			piece = piece[:1+p.random.IntN(len(piece))]
		}
		if err = conn.SetReadDeadline(time.Now().Add(stillness)); err != nil {
			break
		}
		var n int
		n, err = conn.Read(piece)
		fill(want[:n], p.key, checked)
		if !bytes.Equal(want[:n], piece[:n]) {
			return fmt.Errorf("the replies differ within %d bytes from byte %d on", n, checked)
		}
		checked += n
	}
	return p.judge(conn, checked, err, sent)
}

// judge says whether a conversation has ended as planned.
func (p *plan) judge(conn net.Conn, checked int, err error, sent <-chan error) error {
	if timeout, is := err.(net.Error); is && timeout.Timeout() {
		return fmt.Errorf("after %d of %d bytes: %w", checked, p.want, err)
	}
	switch {
	case checked > p.want:
		return fmt.Errorf("%d bytes of replies, want %d", checked, p.want)
	case p.ending == byReset:
		if tcp, is := conn.(*net.TCPConn); is {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close() // ends the writing too
		<-sent
	case p.doomed:
		_ = conn.Close()
		<-sent
	case checked < p.want || err != nil && err != io.EOF:
		return fmt.Errorf("%d of %d bytes, and %w", checked, p.want, err)
	default:
		return <-sent
	}
	return nil
}

// write sends the requests in pieces, and out-of-band bytes between requests.
func (p *plan) write(conn net.Conn, random *rand.Rand) error {
	urgent := !p.unix && random.IntN(4) == 0
	shortest := random.IntN(4) == 0 && len(p.send) < 1<<10
	for at := 0; at < len(p.send); {
		n := min(1+random.IntN(1<<random.IntN(17)), len(p.send)-at)
		if shortest {
			n = 1 + random.IntN(min(3, n))
		}
		if _, at2 := slices.BinarySearch(p.marks, at); urgent && at2 && random.IntN(2) == 0 {
			if err := sendUrgent(conn.(*net.TCPConn)); err != nil {
				return err
			}
		}
		if urgent { // the next piece ends where a request begins, if there is one
			if i, _ := slices.BinarySearch(p.marks, at+n); i < len(p.marks) && p.marks[i] > at {
				n = p.marks[i] - at
			}
		}
		if err := conn.SetWriteDeadline(time.Now().Add(stillness)); err != nil {
			return err
		}
		if _, err := conn.Write(p.send[at : at+n]); err != nil {
			return err
		}
		if at += n; random.IntN(4) == 0 {
			time.Sleep(time.Duration(random.IntN(1000)) * time.Microsecond)
		}
	}
	if p.ending == byHalfClose {
		return conn.(interface{ CloseWrite() error }).CloseWrite()
	}
	return nil
}

// sendUrgent sends the request nothing out of band. If the next out-of-band byte comes before it has been read, the
// system puts it among the other bytes, where it is a request that has no reply.
func sendUrgent(conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = raw.Write(func(fd uintptr) bool {
		serr = unix.Sendto(int(fd), []byte{nothing}, unix.MSG_OOB, nil)
		return serr != unix.EAGAIN
	})
	if err == nil {
		err = serr
	}
	return err
}
