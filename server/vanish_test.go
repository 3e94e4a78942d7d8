package server

import (
	"fmt"
	"io"
	"net"
	"sort"
	"strconv"
	"strings"
	"time"
)

// vanish sends a part of the script and ends the connection in the middle, in one of three ways. The bytes that the
// client reads until then are the beginning of the expected replies. If it half-closes, it reads the replies to all
// whole requests.
func (s *script) vanish(conn net.Conn) error {
	way := s.random.IntN(3)
	id, err := ownID(conn)
	if err != nil {
		return err
	}
	sent := s.send.String()[:s.random.IntN(s.send.Len()+1)]
	if _, err := io.WriteString(conn, sent); err != nil {
		return err
	}
	gap := time.Duration(s.random.IntN(3000)) * time.Microsecond
	want := s.want.String()
	switch way {
	case 0: // the client half-closes
		n := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].sent > len(sent) })
		if want = ""; n > 0 {
			want = s.want.String()[:s.marks[n-1].want]
		}
		err = conn.(interface{ CloseWrite() error }).CloseWrite()
	case 1: // another client kills it
		time.Sleep(gap)
		err = kill(conn.RemoteAddr(), id)
	default: // its host resets the connection, or its unix socket is closed
		time.Sleep(gap)
		if tcp, is := conn.(*net.TCPConn); is {
			err = tcp.SetLinger(0)
		}
		if cerr := conn.Close(); err == nil {
			err = cerr
		}
		return err
	}
	if err != nil {
		return err
	}
	got, err := io.ReadAll(conn)
	if err != nil && !isReset(err) {
		return err
	}
	if way > 0 {
		want = want[:min(len(want), len(got))]
	}
	if at := differs(string(got), want); at >= 0 {
		return fmt.Errorf("vanishing in way %d, the replies differ from byte %d on: %.60q, want %.60q; sent %.2000q",
			way, at, got[min(at, len(got)):], want[min(at, len(want)):], sent)
	}
	return nil
}

// ownID is the client's ID.
func ownID(conn net.Conn) (string, error) {
	if _, err := io.WriteString(conn, request("CLIENT", "ID")); err != nil {
		return "", err
	}
	var line strings.Builder
	for b := make([]byte, 1); b[0] != '\n'; line.WriteByte(b[0]) {
		if _, err := conn.Read(b); err != nil {
			return "", err
		}
	}
	return strings.TrimSpace(line.String()[1:]), nil
}

// kill ends a client with CLIENT KILL, over a connection of its own. The client may be gone already.
func kill(addr net.Addr, id string) error {
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * patience))
	if _, err := io.WriteString(conn, request("CLIENT", "KILL", "ID", id)); err != nil {
		return err
	}
	reply := make([]byte, 4)
	if _, err := io.ReadFull(conn, reply); err != nil {
		return err
	}
	if reply[0] != ':' {
		return fmt.Errorf("CLIENT KILL answers %q", reply)
	}
	return nil
}

// manyNames is an MSET with more names than KEYS looks at within its event loop.
func manyNames() []string {
	set := []string{"MSET"}
	for i := range 17_000 {
		set = append(set, "name"+strconv.Itoa(i), "")
	}
	return set
}
