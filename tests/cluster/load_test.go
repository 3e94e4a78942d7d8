package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/internal/history"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	// clientsPerNode write to each node, each a command about every pace.
	clientsPerNode = 3
	pace           = 3 * time.Millisecond
	// commandsPerLife is how many commands a client sends before it dies without waiting for a reply.
	commandsPerLife = 100
	// openKeys is how many keys are written to at a time; each gets history.Digits increments, of all clients.
	openKeys = 12
	// hotKeys are written to all the time.
	hotKeys = 2

	// lossWindow: a kill may lose increments that were acknowledged at most this time before it. It covers the batch
	// delay of 10 ms, or the way to a peer, and delays of a process that shares few processors and a disk with many.
	lossWindow = 200 * time.Millisecond
	// markEvery is how often the history gets a mark, so that every moment has a mark near it.
	markEvery = 5 * time.Millisecond
)

// increment is one increment, as its client knows it.
type increment struct {
	key        string
	delta      int64
	place, run int
	acked      time.Time // zero: not acknowledged
	failed     bool      // the reply was an error: it does not count
}

// loss is what a killed process may have lost: its acknowledgements from a moment on.
type loss struct {
	place, run int
	from       time.Time
}

// load is a set of clients that write all the time, and their knowledge.
type load struct {
	history *history.History
	wrong   chan error // an error that no client should get; room for one
	working sync.WaitGroup
	ctx     context.Context // ends the work at once
	cancel  context.CancelFunc
	enough  chan struct{} // closed when no new command may begin
	resets  resets
	quotas  quotas

	mu     sync.Mutex // protects the fields below
	keys   int
	open   []openKey
	all    []*increment
	losses []loss
	marks  []moment
}

// openKey is a key with increments that nobody has sent yet.
type openKey struct {
	name string
	next int
}

// moment is when the history had got a mark.
type moment struct {
	at   time.Time
	mark history.Mark
}

func newLoad() *load {
	return &load{history: history.New(places, nodeClock), wrong: make(chan error, 1), enough: make(chan struct{})}
}

// begin begins to note the time. What runs ends with the test.
func (l *load) begin(t *testing.T) {
	l.ctx, l.cancel = context.WithCancel(context.Background())
	t.Cleanup(func() {
		l.cancel()
		l.working.Wait()
	})
	l.working.Go(func() {
		tick := time.NewTicker(markEvery)
		defer tick.Stop()
		for l.goesOn() {
			mark := l.history.Mark()
			l.mu.Lock()
			l.marks = append(l.marks, moment{time.Now(), mark})
			l.mu.Unlock()
			<-tick.C
		}
	})
}

func (l *load) goesOn() bool {
	select {
	case <-l.ctx.Done():
		return false
	case <-l.enough:
		return false
	default:
		return true
	}
}

// before returns the latest moment before which a process, killed at the given time, had certainly sent all its
// acknowledged increments to others or written them to its disk. If the machine had no time for this suite, it may have
// had none for the process.
func (l *load) before(at time.Time) (time.Time, history.Mark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := at.Add(-lossWindow)
	for i := len(l.marks) - 1; i > 0; i-- {
		m := l.marks[i-1]
		if gap := l.marks[i].at.Sub(m.at); m.at.After(at.Add(-time.Second)) && gap > 2*markEvery {
			from = from.Add(-gap)
		}
		if m.at.Before(from) {
			return m.at, m.mark
		}
	}
	return time.Time{}, 0
}

// mayLose notes that a node that was just killed may have lost what it acknowledged from then on.
func (l *load) mayLose(n *node, from time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.losses = append(l.losses, loss{n.place, n.run, from})
}

// add has clients write to the node, wherever it runs.
func (l *load) add(n *node, rng *rand.Rand) {
	for range clientsPerNode {
		own := rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))
		l.working.Go(func() { l.work(n, own) })
	}
}

// work writes over one connection after the other.
func (l *load) work(n *node, rng *rand.Rand) {
	for l.goesOn() {
		conn, run, err := n.connect()
		if err != nil {
			time.Sleep(pollInterval) // the node starts again
			continue
		}
		stop := context.AfterFunc(l.ctx, func() { _ = conn.Close() })
		l.use(conn, n.place, run, rng)
		stop()
		_ = conn.Close()
	}
}

// use sends commands over a connection until it breaks, or the client leaves.
func (l *load) use(conn *wire.Conn, place, run int, rng *rand.Rand) {
	for l.goesOn() {
		if rng.IntN(commandsPerLife) == 0 {
			l.leave(conn, place, run, rng)
			return
		}
		var broken error
		switch k := rng.IntN(11); k {
		case 0:
			broken = l.do(conn, history.Op{Node: place, Kind: history.Get, Key: l.someKey(rng)}, nil)
		case 1, 2:
			broken = l.do(conn, l.resets.next(place, rng), nil)
		case 3, 4, 5:
			broken = l.quotas.use(l, conn, incarnation{place, run}, rng)
		default:
			i := l.next(place, run, rng)
			broken = l.do(conn, history.Op{Node: place, Kind: history.Incr, Key: i.key, Delta: i.delta}, i)
		}
		if broken != nil {
			return
		}
		time.Sleep(time.Duration(rng.Int64N(int64(2 * pace)))) // as a client that also has other work
	}
}

// someKey is one that is being written to.
func (l *load) someKey(rng *rand.Rand) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := rng.IntN(openKeys + 1); i < len(l.open) {
		return l.open[i].name
	}
	return hotKey(rng)
}

// leave sends an increment and closes the connection, as a client that dies.
func (l *load) leave(conn *wire.Conn, place, run int, rng *rand.Rand) {
	i := l.next(place, run, rng)
	op := history.Op{Node: place, Kind: history.Incr, Key: i.key, Delta: i.delta}
	id := l.history.Invoke(op)
	_ = conn.Send(wire.AppendCommand(nil, command(op)...))
	_ = conn.Close()
	l.history.Unknown(id)
}

// do runs operation i, and notes its result.
func (l *load) do(conn *wire.Conn, op history.Op, i *increment) (broken error) {
	words := command(op)
	id := l.history.Invoke(op)
	v, err := conn.Do(words...)
	if err != nil {
		l.history.Unknown(id)
		return err
	}
	n, done, err := outcome(op, v)
	if err != nil {
		l.complain("%q: %v", words, err)
	}
	if i != nil {
		l.mu.Lock()
		if i.failed = !done; done {
			i.acked = time.Now()
		}
		l.mu.Unlock()
	}
	if done {
		l.history.Ok(id, n)
	} else {
		l.history.Fail(id)
	}
	return nil
}

func (l *load) complain(format string, what ...any) {
	select {
	case l.wrong <- fmt.Errorf(format, what...):
	default:
	}
}

func hotKey(rng *rand.Rand) string { return fmt.Sprintf("hot:%d", rng.IntN(hotKeys)) }

// next is an increment that nobody has sent. In a value of a key that is not hot each has a digit of its own.
func (l *load) next(place, run int, rng *rand.Rand) *increment {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := &increment{place: place, run: run}
	l.all = append(l.all, i)
	if rng.IntN(4) == 0 {
		i.key, i.delta = hotKey(rng), 1+rng.Int64N(9)
		return i
	}
	for len(l.open) < openKeys {
		l.open = append(l.open, openKey{name: fmt.Sprintf("digits:%d", l.keys)})
		l.keys++
	}
	at := rng.IntN(len(l.open))
	k := &l.open[at]
	i.key, i.delta = k.name, history.Digit(k.next)
	if rng.IntN(4) == 0 {
		i.delta = -i.delta
	}
	if k.next++; k.next == history.Digits {
		l.open[at] = l.open[len(l.open)-1]
		l.open = l.open[:len(l.open)-1]
	}
	return i
}

// end has the clients end, and waits for that.
func (l *load) end(t *testing.T) {
	t.Helper()
	close(l.enough)
	done := make(chan struct{})
	go func() {
		l.working.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(2 * patience):
		t.Fatal("a client waits for a reply")
	}
	select {
	case err := <-l.wrong:
		t.Fatal(err)
	default:
	}
}
