package server

import (
	"net"
	"syscall"
	"testing"
)

func TestAKilledClientSeesTheEndBeforeTheKillerHasItsReply(t *testing.T) {
	s := start(t, nil, nil)
	killer := dial(t, s)
	for range 100 {
		victim := dial(t, s)
		victim.send(request("PING"))
		victim.expect("+PONG\r\n")
		killer.send(request("CLIENT", "KILL", victim.LocalAddr().String()))
		killer.expect("+OK\r\n")
		raw, err := victim.Conn.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Control(func(fd uintptr) {
			if n, err := syscall.Read(int(fd), make([]byte, 1)); n != 0 || err != nil { // the read does not block
				t.Errorf("read %d bytes, %v", n, err)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
}
