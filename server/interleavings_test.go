package server

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/persist"
	"github.com/quotadb/quota-db/server/loop"
)

// play sends the script in pieces with gaps, perhaps half-closes, and compares the replies.
func (s *script) play(addr net.Addr) error {
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(5 * patience)); err != nil { // for the whole script
		return err
	}
	if s.random.IntN(6) == 0 {
		return s.vanish(conn)
	}
	half := s.random.IntN(2) == 0
	late, slow := s.random.IntN(3) == 0, s.random.IntN(6) == 0
	sent := make(chan error, 1)
	go func() { sent <- s.write(conn, half) }()
	if late { // for a while the client only sends; then the sockets' buffers may be full in both directions
		select {
		case err = <-sent:
			sent <- err
		case <-time.After(100 * time.Millisecond):
		}
	}
	want, got := s.want.String(), make([]byte, 0, s.want.Len())
	for err == nil && (len(got) < len(want) || half || s.ended) {
		piece := make([]byte, 64<<10)
		if slow {
			time.Sleep(200 * time.Microsecond)
			piece = piece[:8<<10]
		}
		var n int
		n, err = conn.Read(piece)
		got = append(got, piece[:n]...)
	}
	if err == io.EOF && (half || s.ended) || err != nil && s.ended && isReset(err) {
		err = nil
	}
	if werr := <-sent; werr != nil && !s.ended {
		return werr
	}
	if at := differs(string(got), want); at >= 0 {
		return fmt.Errorf("%v; half-close %v; the replies differ from byte %d on: %.60q, want %.60q; sent %.2000q", err, half, at, got[min(at, len(got)):], want[min(at, len(want)):], s.send.String())
	}
	return err
}

// write sends everything in pieces.
func (s *script) write(conn net.Conn, half bool) error {
	random := rand.New(rand.NewPCG(s.random.Uint64(), 1))
	tcp, isTCP := conn.(*net.TCPConn)
	urgent := isTCP && random.IntN(5) == 0
	bytes := !urgent && s.send.Len() < 2000 && random.IntN(8) == 0
	rest := s.send.String()
	for pieces := 1 + random.IntN(6); len(rest) > 0; pieces-- {
		n := len(rest)
		if pieces > 1 {
			n = 1 + random.IntN(n)
		}
		if urgent {
			if err := sendUrgent(tcp); err != nil {
				return err
			}
			n = s.toMark(n, s.send.Len()-len(rest))
		}
		if bytes {
			n = 1
		}
		if _, err := io.WriteString(conn, rest[:n]); err != nil {
			return err
		}
		if rest = rest[n:]; !bytes && random.IntN(2) == 0 {
			time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
		}
	}
	if half {
		return conn.(interface{ CloseWrite() error }).CloseWrite()
	}
	return nil
}

// toMark is the length of a piece that begins at a position and ends with a request, and has at least n bytes if there
// are so many.
func (s *script) toMark(n, at int) int {
	for _, m := range s.marks {
		if m.sent >= at+n {
			return m.sent - at
		}
	}
	return n
}

// sendUrgent sends an empty line out of band. If the next out-of-band byte comes before the line has been read, the
// system puts the line among the other bytes, where it is no request.
func sendUrgent(conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = raw.Write(func(fd uintptr) bool {
		serr = unix.Sendto(int(fd), []byte("\n"), unix.MSG_OOB, nil)
		return serr != unix.EAGAIN
	})
	return errors.Join(err, serr)
}

// differs is the first position where got is not as want; -1 if there is none.
func differs(got, want string) int {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] && want[i] != '?' {
			return i
		}
	}
	return -1
}

// TestEveryRequestIsAnsweredInOrderWhateverItsClientWaitsFor has clients whose requests arrive in pieces before, during
// and after all sorts of waits: for the disk, for a quota, for a snapshot, for a pause, for the late answer to a wrong
// password, for all loops, for work beside the loops. Some clients vanish, some send out-of-band bytes, some read late
// or slowly. Many clients share a server at a time; on most servers their connections move from loop to loop all the
// time, on some every client sends FLUSHALL. The runtime has one, two or eight processors.
func TestEveryRequestIsAnsweredInOrderWhateverItsClientWaitsFor(t *testing.T) {
	seeds, first := setting(t, "QUOTADB_TEST_WAITS", 300), setting(t, "QUOTADB_TEST_WAITS_FIRST", rand.Uint64N(1<<40))
	t.Logf("%d seeds from %d on", seeds, first)
	together := min(max(50, seeds/3), 200)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	const atOnce = 3 // servers
	for from := uint64(0); from < seeds && !t.Failed(); from += atOnce * together {
		processors := []int{1, 2, 8}[(first+from/together/atOnce)%3]
		t.Run(fmt.Sprintf("%d processors", processors), func(t *testing.T) {
			runtime.GOMAXPROCS(processors)
			for i := range uint64(atOnce) {
				if from := from + i*together; from < seeds {
					playTogether(t, first+from, min(together, seeds-from), from/together)
				}
			}
		})
	}
}

// playTogether has many clients play on one server, beside other servers.
func playTogether(t *testing.T, first, seeds, server uint64) {
	level := []persist.Durability{persist.Always, persist.Interval, persist.None}[server%3]
	flushes, moves := server%4 == 1, (first+server)%4 > 0
	t.Run(fmt.Sprintf("%s from %d, flushes %v, moves %v", level, first, flushes, moves), func(t *testing.T) {
		t.Parallel()
		s := startSlowDisk(t, level, first, flushes)
		c := dial(t, s)
		c.send(request("SET", "shared", strings.Repeat("s", sharedBytes)))
		c.expect("+OK\r\n")
		spendWrongPasswords(c)
		// ACL LOAD needs a file, and with many names KEYS works beside its loop.
		c.send(request("ACL", "SAVE") + request(manyNames()...))
		c.expect("+OK\r\n+OK\r\n")
		var all sync.WaitGroup
		for seed := first; seed < first+seeds; seed++ {
			all.Go(func() {
				if err := newScript(seed, flushes).play(s.Addrs()[seed%2]); err != nil {
					t.Errorf("seed %d at %s: %v", seed, level, err)
				}
			})
		}
		stop := func() {}
		if moves { // a server that forgets to wake a connection is found only if the connection does not move
			stop = rotate(s)
		}
		all.Wait()
		stop()
		_ = c.Close()
		wait(t, "all clients to be gone and everything to be given back", func() bool {
			return s.roster.size() == 0 && s.budgets.held(unread)+s.budgets.held(unsent) == 0 && s.watched.Load() == 0
		})
	})
}

// rotate has connections move from loop to loop until stop is called. The loops have always done so before they are
// told again: otherwise a slow machine would do nothing else.
func rotate(s *Server) (stop func()) {
	end := make(chan struct{})
	var rotating sync.WaitGroup
	rotating.Go(func() {
		for {
			select {
			case <-end:
				return
			case <-time.After(time.Millisecond):
				s.loops.Rotate()
				passed := make(chan struct{})
				s.loops.Each(func(*loop.Loop) {}, func() { close(passed) })
				<-passed
			}
		}
	})
	return func() {
		close(end)
		rotating.Wait()
	}
}

// spendWrongPasswords makes the server answer further wrong passwords late.
func spendWrongPasswords(c *client) {
	const n = 40
	c.send(request("MULTI") + strings.Repeat(request("AUTH", "nobody", "wrong"), n) + request("EXEC"))
	c.expect("+OK\r\n" + strings.Repeat("+QUEUED\r\n", n) + "*" + itoa(n) + "\r\n" + strings.Repeat(wrongPass, n))
}

// startSlowDisk runs a server on TCP and on a unix socket; its disk needs some time for each sync.
func startSlowDisk(t *testing.T, level persist.Durability, seed uint64, flushes bool) *Server {
	t.Helper()
	d := newDisk()
	random, mu := rand.New(rand.NewPCG(seed, 2)), new(sync.Mutex)
	d.SetFault(func(op vfs.Op, _ string, size int) (int, error) {
		if op == vfs.OpSync {
			mu.Lock()
			takes := time.Duration(random.IntN(1500)) * time.Microsecond
			mu.Unlock()
			time.Sleep(takes)
		}
		return size, nil
	})
	dir, err := os.MkdirTemp("", "waits")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return startDurableWith(t, d, level, func(cfg *config.Config) {
		cfg.Bind = []string{"127.0.0.1:0", "unix:" + filepath.Join(dir, "s")}
		if cfg.UserFile = filepath.Join(dir, "users"); flushes {
			withPeers(cfg)
		}
	})
}

// setting is a number from the environment.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
