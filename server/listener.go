package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"
)

// refusal is the reply to a client when there are too many clients.
const refusal = "-ERR max number of clients reached\r\n"

// protected is the reply to a client of another host in protected mode.
const protected = "-DENIED QuotaDB is running in protected mode because protected mode is enabled and no password is set for the default user. " +
	"In this mode connections are only accepted from the loopback interface. " +
	"If you want to connect from external computers, you may adopt one of the following solutions: " +
	"1) Disable protected mode by sending the command 'CONFIG SET protected-mode no' from the loopback interface, by connecting from the same host the server is running on; " +
	"however MAKE SURE the server is not publicly accessible from the internet if you do so. " +
	"2) Start the server with --protected-mode false. " +
	"3) Set up an authentication password for the default user, with --requirepass or --requirepass-file. " +
	"NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.\r\n"

// listen opens one address. TCP addresses can be taken again at once after a stop.
func listen(network, address string) (net.Listener, error) {
	if network == "unix" {
		if err := clearSocket(address); err != nil {
			return nil, err
		}
	}
	lc := net.ListenConfig{KeepAliveConfig: keepAlive(keepAliveSeconds)}
	lc.SetMultipathTCP(false) // of no use here, and costs a layer
	return lc.Listen(context.Background(), network, address)
}

// keepAlive has an idle client's host probed after so many seconds, and then keepAliveProbes times within the same
// time; 0: never.
func keepAlive(seconds int64) net.KeepAliveConfig {
	idle := time.Duration(seconds) * time.Second
	return net.KeepAliveConfig{Enable: seconds > 0, Idle: idle, Interval: max(idle/keepAliveProbes, time.Second), Count: keepAliveProbes}
}

// clearSocket removes the socket file of a process that was killed. It never removes a socket in use or another file.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s exists and is not a socket", path)
	}
	if conn, err := net.Dial("unix", path); err == nil {
		_ = conn.Close()
		return fmt.Errorf("another process serves %s", path)
	}
	return os.Remove(path)
}

// accept admits connections until the listener is closed. A failure, for example without free file descriptors, is
// logged, and accept tries again; connected clients are not affected.
func (s *Server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			s.admit(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			s.unserved("could not accept a connection, trying again", "address", l.Addr(), "error", err)
			time.Sleep(acceptBackoff)
		}
	}
}

// admit gives a connection to the loop with the fewest connections, or refuses it.
func (s *Server) admit(conn net.Conn) {
	if !s.roster.countIn(s.commands.Params.MaxClients.Load()) {
		s.refuse(conn, refusal)
		return
	}
	if s.protects(conn.RemoteAddr()) {
		s.roster.countOut()
		s.refuse(conn, protected)
		return
	}
	if seconds := s.commands.Params.KeepAlive.Load(); seconds != keepAliveSeconds {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetKeepAliveConfig(keepAlive(seconds)) // if this fails, the client is served all the same
		}
	}
	c := s.newConnection(conn)
	err := s.loops.Serve(conn, c) // returns when the loop has the connection or has failed to take it
	if err == nil {
		return
	}
	s.roster.countOut()
	s.unserved("could not serve a connection, closed it", "remote", c.remote, "error", err)
	time.Sleep(acceptBackoff)
}

// refuse tells a client why it is not served, and closes the connection when the client has read the text and closes.
// If the connection were closed at once, the first command of the client would meet a closed connection, and the client
// would see a broken pipe instead of the text. If refusedAtOnce other clients are reading such a text, the connection
// is closed at once all the same.
func (s *Server) refuse(conn net.Conn, text string) {
	s.commands.Stats.Rejected.Add(1)
	_ = conn.SetDeadline(time.Now().Add(refuseTimeout))
	_, _ = conn.Write([]byte(text)) // does not block: the buffer of a new connection has room
	select {
	case s.refused <- struct{}{}:
		s.telling.Go(func() {
			untilClosed(conn)
			<-s.refused
		})
	default:
		_ = conn.Close()
	}
}

// untilClosed half-closes the connection, reads until the client has closed or the deadline has passed, and closes.
func untilClosed(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	var words [4096]byte
	for err := error(nil); err == nil; {
		_, err = conn.Read(words[:])
	}
}

// unserved logs that a connection could not be served, but only one of many within lineEvery.
func (s *Server) unserved(line string, args ...any) {
	if silent, ok := s.unservedLines.now(time.Now()); ok {
		s.log.Warn(line, append(args, "others_not_logged", silent)...)
	}
}

// protects reports whether protected mode refuses an address: it belongs to another host, and clients need no password.
func (s *Server) protects(remote net.Addr) bool {
	if !s.commands.IsOpen() {
		return false
	}
	tcp, ok := remote.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}
