package server

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/persist"
)

// script is the requests of one client, and the replies that a model of the server expects. No other client uses the
// script's keys, so the model needs to know of no other client. In want, a '?' stands for any byte.
type script struct {
	random  *rand.Rand
	name    string
	send    strings.Builder
	want    strings.Builder
	count   int
	text    string
	left    int  // tokens in the client's quota; -1: it has no quota
	ended   bool // the last request ends the connection
	patient bool // the client sends no wrong passwords, which are answered a second later
	flushes bool // all clients of the server send FLUSHALL, so any key may be gone a moment later
	keys    int  // how many names newKey has given
	marks   []mark
}

// mark is where a request and its reply end.
type mark struct{ sent, want int }

// sharedBytes is the length of a value that all clients read.
const sharedBytes = 150_000

const wrongPass = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"

func newScript(seed uint64, flushes bool) *script {
	random := rand.New(rand.NewPCG(seed, 0))
	s := &script{random: random, name: strconv.FormatUint(seed, 10), left: -1, patient: random.IntN(4) > 0, flushes: flushes}
	for range 1 + random.IntN(12) {
		s.add()
	}
	if random.IntN(8) == 0 {
		s.ask("+OK\r\n", "QUIT")
		s.ended = true
	}
	return s
}

// ask adds a request and its reply.
func (s *script) ask(reply string, args ...string) {
	if s.random.IntN(10) == 0 {
		s.send.WriteString(strings.Join(args, " ") + "\r\n")
	} else {
		s.send.WriteString(request(args...))
	}
	s.want.WriteString(reply)
	s.marks = append(s.marks, mark{s.send.Len(), s.want.Len()})
}

// add adds one or a few random requests.
func (s *script) add() {
	switch {
	case s.random.IntN(5) == 0:
		s.addBeside()
	case s.flushes:
		s.addAnyKey()
	default:
		s.addOwnKey()
	}
}

// addOwnKey adds a request whose reply depends on earlier requests of the script.
func (s *script) addOwnKey() {
	counter, value, bucket := "n"+s.name, "v"+s.name, "q"+s.name
	switch n := s.random.IntN(40); {
	case n < 8:
		s.count++
		s.ask(":"+itoa(s.count)+"\r\n", "INCR", counter)
	case n < 10:
		s.text = strings.Repeat("x", 1+s.random.IntN(300))
		s.ask("+OK\r\n", "SET", value, s.text)
	case n < 12 && s.text != "":
		s.ask("$"+itoa(len(s.text))+"\r\n"+s.text+"\r\n", "GET", value)
	case n < 14:
		s.ask("$4\r\nthis\r\n", "ECHO", "this")
	case n < 16:
		s.transaction(counter)
	case n < 18:
		s.left = 100
		s.ask(":?\r\n", "QUOTADEL", bucket)
		s.ask("+OK\r\n", "QUOTASET", bucket, "100", "1000000000")
	case n < 25 && s.left >= 0:
		take := 1 + s.random.IntN(60)
		if take > s.left {
			s.ask(":-1\r\n", "INCRBY", bucket, itoa(take))
			return
		}
		s.left -= take
		s.ask(":"+itoa(s.left)+"\r\n", "INCRBY", bucket, itoa(take))
	case n < 26:
		s.ask("$"+itoa(sharedBytes)+"\r\n"+strings.Repeat("s", sharedBytes)+"\r\n", "GET", "shared")
	default:
		s.addAnyKey()
	}
}

// addAnyKey adds a request whose reply does not depend on any key, or a request on a new key.
func (s *script) addAnyKey() {
	switch n := 25 + s.random.IntN(15); {
	case n < 26:
		s.ask(":1\r\n", "INCR", s.newKey())
	case n < 27:
		s.ask("*2\r\n:1\r\n:0\r\n", "WAITAOF", "1", "0", "0")
	case n < 28:
		s.ask("*2\r\n:?\r\n:0\r\n", "WAITAOF", "1", "1", itoa(1+s.random.IntN(4)))
	case n < 29:
		s.ask("+OK\r\n", "SAVE")
	case n < 31:
		s.ask("+OK\r\n", "CLIENT", "PAUSE", itoa(1+s.random.IntN(4)), []string{"WRITE", "ALL"}[s.random.IntN(2)])
	case n < 32:
		s.ask("+OK\r\n", "CLIENT", "UNPAUSE")
	case n < 33:
		s.ask(":0\r\n", "CLIENT", "KILL", "ID", "987654321")
	case n < 34:
		s.ask("+OK\r\n", "ACL", "SETUSER", "someone", "on", "+get")
	case n < 35 && !s.patient:
		s.ask(wrongPass, "AUTH", "nobody", "wrong")
	case n < 36:
		s.ask("+OK\r\n", "QUOTASET", s.newKey(), "100", "1000000000")
	case n < 37:
		s.ask("+OK\r\n", "MULTI")
		s.ask("+QUEUED\r\n", "INCR", s.newKey())
		s.ask("*1\r\n:1\r\n", "EXEC")
	default:
		s.ask("+PONG\r\n", "PING")
	}
}

// addBeside adds a request that is worked on beside the event loops.
func (s *script) addBeside() {
	switch n := s.random.IntN(20); {
	case n < 4:
		s.ask("+OK\r\n", "ACL", "SAVE")
	case n < 8:
		s.ask("+OK\r\n", "ACL", "LOAD")
	case n < 12:
		s.ask("$16\r\n????????????????\r\n", "CLUSTER", "DIGEST")
	case n < 13:
		s.ask("+OK\r\n", "MEMORY", "PURGE")
	case n < 16:
		s.ask("*0\r\n", "KEYS", "[n]othing")
	default:
		if s.flushes {
			s.ask("+OK\r\n", "FLUSHALL")
		}
	}
}

// newKey is the name of a key that no other request uses.
func (s *script) newKey() string {
	s.keys++
	return "k" + s.name + "." + itoa(s.keys)
}

func (s *script) transaction(counter string) {
	s.ask("+OK\r\n", "MULTI")
	n := 1 + s.random.IntN(3)
	replies := "*" + itoa(n) + "\r\n"
	for range n {
		s.count++
		s.ask("+QUEUED\r\n", "INCR", counter)
		replies += ":" + itoa(s.count) + "\r\n"
	}
	s.ask(replies, "EXEC")
}

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
	if late {
		err = <-sent
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
	if !late {
		if werr := <-sent; werr != nil && !s.ended {
			return werr
		}
	}
	if at := differs(string(got), want); at >= 0 {
		return fmt.Errorf("%v; half-close %v; the replies differ from byte %d on: %.60q, want %.60q; sent %.2000q", err, half, at, got[min(at, len(got)):], want[min(at, len(want)):], s.send.String())
	}
	return err
}

// write sends everything in pieces.
func (s *script) write(conn net.Conn, half bool) error {
	random := rand.New(rand.NewPCG(s.random.Uint64(), 1))
	rest := s.send.String()
	for pieces := 1 + random.IntN(6); len(rest) > 0; pieces-- {
		n := len(rest)
		if pieces > 1 {
			n = 1 + random.IntN(n)
		}
		if _, err := io.WriteString(conn, rest[:n]); err != nil {
			return err
		}
		if rest = rest[n:]; random.IntN(2) == 0 {
			time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
		}
	}
	if half {
		return conn.(interface{ CloseWrite() error }).CloseWrite()
	}
	return nil
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
// password, for all loops, for work beside the loops. Some clients vanish. Many clients share a server at a time, and
// their connections move from loop to loop all the time. On some servers every client sends FLUSHALL.
func TestEveryRequestIsAnsweredInOrderWhateverItsClientWaitsFor(t *testing.T) {
	seeds, first := setting(t, "QUOTADB_TEST_WAITS", 300), setting(t, "QUOTADB_TEST_WAITS_FIRST", rand.Uint64N(1<<40))
	t.Logf("%d seeds from %d on", seeds, first)
	together := min(max(50, seeds/3), 200)
	levels := []persist.Durability{persist.Always, persist.Interval, persist.None}
	for from := uint64(0); from < seeds && !t.Failed(); from += together {
		level, flushes := levels[from/together%3], from/together%4 == 1
		t.Run(fmt.Sprintf("%s from %d, flushes %v", level, first+from, flushes), func(t *testing.T) {
			t.Parallel()
			s := startSlowDisk(t, level, first+from, flushes)
			c := dial(t, s)
			c.send(request("SET", "shared", strings.Repeat("s", sharedBytes)))
			c.expect("+OK\r\n")
			spendWrongPasswords(c)
			// ACL LOAD needs a file, and with many names KEYS works beside its loop.
			c.send(request("ACL", "SAVE") + request(manyNames()...))
			c.expect("+OK\r\n+OK\r\n")
			var all sync.WaitGroup
			for seed := first + from; seed < first+min(from+together, seeds); seed++ {
				all.Go(func() {
					if err := newScript(seed, flushes).play(s.Addrs()[seed%2]); err != nil {
						t.Errorf("seed %d at %s: %v", seed, level, err)
					}
				})
			}
			stop := rotate(s)
			all.Wait()
			stop()
			_ = c.Close()
			wait(t, "all clients to be gone and everything to be given back", func() bool {
				return s.roster.size() == 0 && s.budgets.held(unread)+s.budgets.held(unsent) == 0 && s.watched.Load() == 0
			})
		})
	}
}

// rotate has connections move from loop to loop until stop is called.
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
