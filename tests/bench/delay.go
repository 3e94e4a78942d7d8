package main

import (
	"bufio"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	delayNodes     = 3
	delayKeys      = 10_000
	delayPerSecond = 10_000
	delayClients   = 10 // each with its own counters, so that increments of a counter stay in order
	delayLength    = 30 * time.Second
	probeEvery     = time.Millisecond
	probeAtOnce    = 4096             // counters
	seenLimit      = 20 * time.Second // time limit for the rest at the end
)

// delayBound is in milliseconds.
var delayBound = bound{limit: 25}

// measureDelay prints how long it takes until increments at one node can be read at a peer. INCRs are sent to one node
// at a fixed rate, to all counters in turn, so the result of each is known beforehand. Once a millisecond a client of a
// peer reads the counters, some hundred, whose INCRs were sent and not seen yet.
//
// A delay begins just before an INCR is written to its socket, and ends when the replies that show it have been read.
// So it contains times that are not replication's: the way to the first node, and at most the time from the beginning
// of one read to the end of the next, which is printed too. The reads cost the peer some 100,000 GETs a second.
func (b *bench) measureDelay(every time.Duration) error {
	c, err := b.startCluster(delayNodes, every, false)
	if err != nil {
		return err
	}
	if err := c.nodes[0].fill(delayKeys); err != nil {
		return err
	}
	if err := c.agree(); err != nil {
		return err
	}
	l, err := startLoop(c.nodes[0].addr(), delayClients, delayPerSecond, inTurn(delayKeys, 1))
	if err != nil {
		return err
	}
	p, err := startProber(c.nodes[1].addr(), l, delayKeys)
	if err != nil {
		_ = l.stop()
		return err
	}
	time.Sleep(time.Duration(b.scale * float64(delayLength)))
	if err := l.stop(); err != nil {
		return err
	}
	if err := p.finish(len(l.latencies)); err != nil {
		return err
	}
	delays := p.delays()
	if len(delays) == 0 {
		return fmt.Errorf("no increments within %v", delayLength)
	}
	late, gaps := slices.Sorted(slices.Values(l.late)), slices.Sorted(slices.Values(p.gaps))
	fmt.Fprintf(b.out, "delay    ms from sending an INCR until a peer shows it, %d a second over %d counters, %d nodes\n", delayPerSecond, delayKeys, delayNodes)
	fmt.Fprintf(b.out, "%-8s %9s %9s %9s %9s %9s %14s %16s\n", "", "p50", "p99", "p99.9", "max", "INCRs", "p99 sent late", "p99 between asks")
	fmt.Fprintf(b.out, "%-8s %9.3f %9.3f %9.3f %9.3f %9d %14.3f %16.3f\n", "", milliseconds(percentile(delays, 50)), milliseconds(percentile(delays, 99)),
		milliseconds(percentile(delays, 99.9)), milliseconds(percentile(delays, 100)), len(delays), milliseconds(percentile(late, 99)), milliseconds(percentile(gaps, 99)))
	b.verdict("p99 ms", delayBound, milliseconds(percentile(delays, 99)), 0)
	return c.agree()
}

// prober asks a peer, over and over, for the counters of all commands that were due and whose increments it has not
// shown.
type prober struct {
	*openLoop
	keys   int
	conn   net.Conn
	in     *bufio.Reader
	seen   []time.Duration // by command: when it was seen, since the loop began
	open   []int           // commands that were due and not seen yet
	gaps   []time.Duration // from the beginning of each read to the end of the next
	asked  time.Duration   // when the last read began
	total  atomic.Int64    // number of commands; unknown while the loop runs
	result chan error
}

func startProber(addr string, l *openLoop, keys int) (*prober, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	p := &prober{openLoop: l, keys: keys, conn: conn, in: bufio.NewReader(conn), result: make(chan error, 1)}
	p.total.Store(math.MaxInt64)
	go func() { p.result <- p.run() }()
	return p, nil
}

// finish waits until all of so many commands have been seen.
func (p *prober) finish(total int) error {
	p.total.Store(int64(total))
	err := <-p.result
	_ = p.conn.Close()
	return err
}

func (p *prober) run() error {
	var end time.Time
	for {
		total := int(p.total.Load())
		known := total < math.MaxInt64
		if known && end.IsZero() {
			end = time.Now().Add(seenLimit)
		}
		if known {
			p.forget(total)
		}
		if err := p.ask(min(total, int(time.Since(p.begin)/p.interval)+1)); err != nil {
			return err
		}
		switch {
		case known && len(p.open) == 0 && len(p.seen) == total:
			return nil
		case known && time.Now().After(end):
			return fmt.Errorf("%d increments are not at the peer after %v", len(p.open), seenLimit)
		}
		time.Sleep(probeEvery)
	}
}

// forget drops the commands that were due when the loop had ended.
func (p *prober) forget(total int) {
	p.seen = p.seen[:min(len(p.seen), total)]
	p.open = slices.DeleteFunc(p.open, func(i int) bool { return i >= total })
}

// ask asks for what is not seen of the first due commands.
func (p *prober) ask(due int) error {
	for len(p.seen) < due {
		p.open = append(p.open, len(p.seen))
		p.seen = append(p.seen, 0)
	}
	asked := p.open[:min(len(p.open), probeAtOnce)]
	if len(asked) == 0 {
		return nil
	}
	begin := time.Since(p.begin)
	var raw []byte
	for _, i := range asked {
		raw = appendKey(append(raw, "*2\r\n$3\r\nGET\r\n"...), p.key(i))
	}
	if _, err := p.conn.Write(raw); err != nil {
		return err
	}
	var waiting []int
	var shown []int
	for _, i := range asked {
		value, err := readNumber(p.in)
		if err != nil {
			return err
		}
		if value < p.makes(i) {
			waiting = append(waiting, i)
		} else {
			shown = append(shown, i)
		}
	}
	now := time.Since(p.begin)
	for _, i := range shown {
		p.seen[i] = now
	}
	if p.asked > 0 {
		p.gaps = append(p.gaps, now-p.asked)
	}
	p.asked = begin
	p.open = append(waiting, p.open[len(asked):]...)
	return nil
}

// makes is what a command makes of its counter, which fill has filled.
func (p *prober) makes(i int) int {
	filled, _ := strconv.Atoi(fillValue)
	return filled + i/p.keys + 1
}

// delays are, sorted, how long the commands took from being sent until they were seen.
func (p *prober) delays() []time.Duration {
	delays := make([]time.Duration, len(p.seen))
	for i, seen := range p.seen {
		delays[i] = seen - (p.due(i) + p.late[i])
	}
	slices.Sort(delays)
	return delays
}

// readNumber reads a number as GET answers it.
func readNumber(r *bufio.Reader) (int, error) {
	length, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if !strings.HasPrefix(length, "$") || strings.HasPrefix(length, "$-") {
		return 0, fmt.Errorf("reply %q to GET", length)
	}
	text, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimRight(text, "\r\n"))
}
