package loop_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/server/loop"
)

const (
	// conversationsTogether is how many clients a world has at a time, and worldConversations how many in all: so most
	// descriptors are used several times.
	conversationsTogether = 200
	worldConversations    = 400
)

// TestEveryByteOfEveryConversationArrives has worlds of many clients on real sockets, TCP and unix, whose requests
// arrive in pieces of any size and whose replies may be longer than the sockets hold: an answerer knows the requests,
// a client knows the replies, and both compare each byte. Clients read late, slowly or not at all, half-close, reset
// and send out-of-band bytes; answerers hold requests, are woken, close themselves and each other; in most worlds all
// connections move between the loops. Some worlds stop in the middle. It runs with one, two and eight processors of the
// runtime.
func TestEveryByteOfEveryConversationArrives(t *testing.T) {
	worlds := setting(t, "QUOTADB_TEST_CONVERSATIONS", 3)
	first := setting(t, "QUOTADB_TEST_CONVERSATIONS_FIRST", rand.Uint64N(1<<40))
	t.Logf("%d worlds from %d on", worlds, first)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for seed := first; seed < first+worlds && !t.Failed(); seed++ {
		processors := []int{1, 2, 8}[seed%3]
		t.Run(fmt.Sprintf("world %d, %d processors", seed, processors), func(t *testing.T) {
			runtime.GOMAXPROCS(processors)
			newWorld(t, seed, processors).run()
		})
	}
}

// world is some loops, and clients that converse with them.
type world struct {
	t      *testing.T
	seed   uint64
	random *rand.Rand
	group  *loop.Group
	doors  [2]*door // TCP, unix
	stops  bool     // in the middle
	moves  bool     // connections move: a loop that forgets to wake one is found only if they do not

	mu        sync.Mutex // protects answerers
	answerers []*answerer
}

// door is a listener. Only one connection is made at a time, so that both its ends are known.
type door struct {
	mu sync.Mutex
	net.Listener
}

func newWorld(t *testing.T, seed uint64, processors int) *world {
	t.Helper()
	w := &world{t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 6))}
	w.stops, w.moves = w.random.IntN(5) == 0, w.random.IntN(3) > 0
	dir, err := os.MkdirTemp("", "loop") // a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for i, address := range [][2]string{{"tcp", "127.0.0.1:0"}, {"unix", filepath.Join(dir, "s")}} {
		l, err := net.Listen(address[0], address[1])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		w.doors[i] = &door{Listener: l}
	}
	w.group, err = loop.Start(loop.Options{
		Loops:  1 + w.random.IntN(4),
		Worker: func() loop.Worker { return &desk{answerers: map[*answerer]bool{}} },
		Yields: processors == 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) run() {
	before := descriptors()
	var clients, moving sync.WaitGroup
	seeds, end := make(chan uint64), make(chan struct{})
	for range conversationsTogether {
		clients.Go(func() {
			for seed := range seeds {
				if err := w.converse(newPlan(seed)); err != nil {
					w.t.Errorf("conversation %d: %v", seed, err)
				}
			}
		})
	}
	if w.moves {
		moving.Go(func() { w.move(end) })
	}
	last := worldConversations
	if w.stops {
		last = w.random.IntN(worldConversations)
	}
	for i := range uint64(last) {
		seeds <- w.seed*worldConversations + i
	}
	close(seeds)
	if w.stops {
		w.group.Stop()
	}
	clients.Wait()
	close(end)
	moving.Wait()
	for _, a := range w.answerers {
		await(w.t, a.closed, "Closed")
	}
	w.group.Stop()
	if after := descriptors(); after > before {
		w.t.Errorf("%d more descriptors are open than before", after-before)
	}
}

// move has all connections change their loops, again and again. The loops have always done so before they are told
// again: otherwise a slow machine would do nothing else.
func (w *world) move(end <-chan struct{}) {
	for {
		select {
		case <-end:
			return
		case <-time.After(time.Millisecond):
			w.group.Rotate()
			passed := make(chan struct{})
			w.group.Each(func(*loop.Loop) {}, func() { close(passed) })
			<-passed
		}
	}
}

// converse has one conversation.
func (w *world) converse(p *plan) error {
	if w.stops {
		p.doomed = true
	}
	client, server, err := w.doors[map[bool]int{true: 1}[p.unix]].pair()
	if err != nil {
		return err
	}
	a := newAnswerer(p, func(text string) { w.t.Errorf("an answerer of world %d: %s", w.seed, text) })
	if err := w.group.Serve(server, a); err != nil {
		_ = client.Close()
		if w.stops && err == loop.ErrStopped {
			return nil
		}
		return err
	}
	w.mu.Lock()
	w.answerers = append(w.answerers, a)
	w.mu.Unlock()
	if err := p.converse(client); err != nil {
		return fmt.Errorf("%w; %s", err, a.describe())
	}
	return nil
}

func (d *door) pair() (client, server net.Conn, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if client, err = net.Dial(d.Addr().Network(), d.Addr().String()); err != nil {
		return nil, nil, err
	}
	if server, err = d.Accept(); err != nil {
		_ = client.Close()
	}
	return client, server, err
}

// descriptors is how many descriptors the process has open; 0 where the system does not tell.
func descriptors() int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(all)
}

// setting is a number from the environment.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 50)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
