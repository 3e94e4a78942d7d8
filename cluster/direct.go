package cluster

import (
	"net"
	"syscall"
	"time"
)

// directBytes is the longest output that the owner writes itself. The socket of a peer that keeps up has room for it,
// and waking the writer would cost more than the write.
const directBytes = 16 << 10

// rawConn returns the connection's descriptor for writeDirectly; nil if it has none.
func rawConn(conn net.Conn) syscall.RawConn {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// writeDirectly writes as much as the socket takes at once, and returns the rest. The writer must be idle. The writer
// writes the rest, and finds out what is wrong if an error has left it.
func (l *link) writeDirectly(bytes []byte) (rest []byte) {
	if l.raw == nil || len(bytes) > directBytes {
		return bytes
	}
	n := 0
	_ = l.conn.SetWriteDeadline(time.Time{}) // that of the writer's last write may have passed
	_ = l.raw.Write(func(fd uintptr) bool {
		n, _ = syscall.Write(int(fd), bytes)
		return true // do not wait
	})
	if n > 0 {
		l.gone.Store(true)
	}
	return bytes[max(n, 0):]
}
