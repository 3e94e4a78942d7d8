package cluster

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// TestWhatTheSocketDoesNotTakeIsLeftToTheWriter: the peer does not read for a while. A deadline of an earlier write,
// long past, does not matter.
func TestWhatTheSocketDoesNotTakeIsLeftToTheWriter(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()
	l := &link{conn: conn, raw: rawConn(conn)}
	var sent []byte
	write := func(n int) (left int) {
		piece := bytes.Repeat([]byte{byte(len(sent) / 7)}, n)
		rest := l.writeDirectly(piece)
		sent = append(sent, piece[:n-len(rest)]...)
		return len(rest)
	}
	if err := l.writeAll([]byte("before")); err != nil {
		t.Fatal(err)
	}
	sent = append(sent, "before"...)
	if left := write(directBytes + 1); left != directBytes+1 {
		t.Errorf("of a long output %d bytes are left, want all: it is the writer's", left)
	}
	for write(directBytes) == 0 {
		if len(sent) > 1<<28 {
			t.Fatal("a peer that does not read takes everything")
		}
	}
	got := make([]byte, len(sent))
	_ = peer.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("what was taken does not arrive: %v", err)
	}
	_ = conn.SetWriteDeadline(time.Now().Add(-time.Second))
	if left := write(10); left != 0 {
		t.Errorf("%d bytes are left by a socket with room", left)
	}
	_ = conn.Close()
	if left := write(10); left != 10 {
		t.Errorf("a closed connection takes %d bytes", 10-left)
	}
}
