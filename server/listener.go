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

// refusal is what a client reads when there are too many already.
const refusal = "-ERR max number of clients reached\r\n"

// protected is what a client of another host reads in protected mode.
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
	lc.SetMultipathTCP(false) // nothing for us, and a layer between
	return lc.Listen(context.Background(), network, address)
}

// keepAlive asks an idle client's host for a sign of life after so many seconds, and again thrice in the same time; 0: never.
func keepAlive(seconds int64) net.KeepAliveConfig {
	idle := time.Duration(seconds) * time.Second
	return net.KeepAliveConfig{Enable: seconds > 0, Idle: idle, Interval: max(idle/keepAliveProbes, time.Second), Count: keepAliveProbes}
}

// clearSocket removes a socket file that a killed process left behind; never one in use, never another file.
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

// accept admits connections until the listener is closed. A failure, as when file descriptors run out, is logged
// and tried again: those who are connected go on.
func (s *Server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			s.admit(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			s.unserved("accept failed", "address", l.Addr(), "error", err)
			time.Sleep(acceptBackoff)
		}
	}
}

// admit gives a connection to the loop that has the fewest, or refuses it.
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
			_ = tcp.SetKeepAliveConfig(keepAlive(seconds)) // it is served all the same
		}
	}
	c := s.newConnection(conn)
	err := s.loops.Serve(conn, c) // returns when the loop has it or has failed to take it
	if err == nil {
		return
	}
	s.roster.countOut()
	s.unserved("connection could not be served", "remote", c.remote, "error", err)
	time.Sleep(acceptBackoff)
}

// refuse tells a client why it is not served, and closes its connection when the client has read the text and closes. If the connection was closed
// at once, the first command of the client would meet a closed connection, and the client would see a broken pipe instead of the text. When
// refusedAtOnce clients are waited for already, the connection is closed at once all the same.
func (s *Server) refuse(conn net.Conn, text string) {
	s.commands.Stats.Rejected.Add(1)
	_ = conn.SetDeadline(time.Now().Add(refuseTimeout))
	_, _ = conn.Write([]byte(text)) // the buffer of a new connection has room for it
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

// untilClosed says that nothing more is sent, reads until the client has closed or the deadline has passed, and closes.
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

// unserved logs what befell a connection, but not for each when there are many.
func (s *Server) unserved(line string, args ...any) {
	if silent, ok := s.unservedLines.now(time.Now()); ok {
		s.log.Warn(line, append(args, "more", silent)...)
	}
}

// protects reports whether protected mode keeps an address out: it is of another host, and no password is needed.
func (s *Server) protects(remote net.Addr) bool {
	if !s.commands.IsOpen() {
		return false
	}
	tcp, ok := remote.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}
