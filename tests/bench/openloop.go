package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// openLoop sends INCRs at a fixed rate, whether or not earlier ones are answered, and measures each from the moment
// when it was due. So if the server pauses, all commands that were due meanwhile are delayed, as they would be for
// independent clients.
//
// One thread does everything with select, which wakes it within some 50 us; timers of the runtime take a millisecond
// when the program is idle.
type openLoop struct {
	begin    time.Time
	interval time.Duration   // between two commands, over all connections
	key      func(i int) int // the counter that command i is for
	clients  []*loopClient
	// latencies are those of the commands in the order of sending: command i is of client i%len(clients), due at
	// begin+i*interval. Read them after run.
	latencies []time.Duration
	// late is how much later than due each was sent, in the same order: what it is of a latency is not the server's.
	late    []time.Duration
	stopped atomic.Bool
	done    chan error
}

type loopClient struct {
	conn     net.Conn
	fd       int
	lines    replies
	answered int
}

// drainLimit is how long the last replies may take.
const drainLimit = 20 * time.Second

// anyOf has each command go to any of the counters.
func anyOf(keys int) func(int) int {
	random := rand.New(rand.NewPCG(1, 2))
	return func(int) int { return random.IntN(keys) }
}

// inTurn has the commands go to the counters in turn, which are so far apart.
func inTurn(keys, apart int) func(int) int {
	return func(i int) int { return i % keys * apart }
}

// startLoop connects and begins to send.
func startLoop(addr string, clients, perSecond int, key func(i int) int) (*openLoop, error) {
	l := &openLoop{interval: time.Second / time.Duration(perSecond), key: key, done: make(chan error, 1)}
	for range clients {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			l.close()
			return nil, err
		}
		l.clients = append(l.clients, &loopClient{conn: conn})
		raw, err := conn.(*net.TCPConn).SyscallConn()
		if err == nil {
			err = raw.Control(func(fd uintptr) { l.clients[len(l.clients)-1].fd = int(fd) })
		}
		if err != nil {
			l.close()
			return nil, err
		}
	}
	l.begin = time.Now()
	go func() { l.done <- l.run() }()
	return l, nil
}

// stop ends the load once all is answered.
func (l *openLoop) stop() error {
	l.stopped.Store(true)
	err := <-l.done
	l.close()
	return err
}

func (l *openLoop) close() {
	for _, c := range l.clients {
		_ = c.conn.Close()
	}
}

func (l *openLoop) run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	raw, buf := make([]byte, 0, 64), make([]byte, 1<<16)
	answered := 0
	var end time.Time
	for {
		switch stopped := l.stopped.Load(); {
		case !stopped:
			for now := time.Since(l.begin); l.due(len(l.latencies)) <= now; now = time.Since(l.begin) {
				raw = appendKey(append(raw[:0], "*2\r\n$4\r\nINCR\r\n"...), l.key(len(l.latencies)))
				if err := l.send(raw, now-l.due(len(l.latencies))); err != nil {
					return err
				}
			}
		case answered == len(l.latencies):
			return nil
		case end.IsZero():
			end = time.Now().Add(drainLimit)
		case time.Now().After(end):
			return fmt.Errorf("%d of %d commands were not answered", len(l.latencies)-answered, len(l.latencies))
		}
		n, err := l.receive(buf)
		if err != nil {
			return err
		}
		answered += n
	}
}

// due is when a command is to be sent, from the beginning.
func (l *openLoop) due(i int) time.Duration { return time.Duration(i) * l.interval }

// send sends the next command. It may block once the buffers of a connection are full, after many seconds without
// replies: what is due meanwhile counts from when it was due.
func (l *openLoop) send(raw []byte, late time.Duration) error {
	c := l.clients[len(l.latencies)%len(l.clients)]
	l.latencies, l.late = append(l.latencies, 0), append(l.late, late)
	_, err := c.conn.Write(raw)
	return err
}

// receive waits for replies until the next command is due, and takes those that are there.
func (l *openLoop) receive(buf []byte) (answered int, err error) {
	var readable unix.FdSet
	highest := 0
	for _, c := range l.clients {
		readable.Set(c.fd)
		highest = max(highest, c.fd)
	}
	wait := max(l.due(len(l.latencies))-time.Since(l.begin), 0)
	if l.stopped.Load() {
		wait = time.Millisecond
	}
	timeout := unix.NsecToTimeval(wait.Nanoseconds())
	if n, err := unix.Select(highest+1, &readable, nil, nil, &timeout); n <= 0 {
		if err == unix.EINTR {
			err = nil
		}
		return 0, err
	}
	for i, c := range l.clients {
		if !readable.IsSet(c.fd) {
			continue
		}
		n, err := c.conn.Read(buf)
		if err != nil {
			return answered, err
		}
		lines, err := c.lines.count(buf[:n])
		if err != nil {
			return answered, err
		}
		l.note(i, lines, time.Since(l.begin))
		answered += lines
	}
	return answered, nil
}

// note sets the latencies of the next replies of a client.
func (l *openLoop) note(client, lines int, now time.Duration) {
	c := l.clients[client]
	for range lines {
		i := client + c.answered*len(l.clients)
		l.latencies[i] = now - l.due(i)
		c.answered++
	}
}

// window is the part of all, latencies or late, of the commands that were due in a period.
func (l *openLoop) window(all []time.Duration, p period) []time.Duration {
	first := int((p.begin.Sub(l.begin) + l.interval - 1) / l.interval)
	last := int((p.end.Sub(l.begin) + l.interval - 1) / l.interval)
	return all[min(max(first, 0), len(all)):min(max(last, 0), len(all))]
}

// period is from begin, up to but without end.
type period struct{ begin, end time.Time }
