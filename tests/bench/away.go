package main

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	awayChanged   = 200_000 // counters, by default
	awayPerSecond = 10_000
	awayClients   = 10
	// in which memory is measured, with the peer, at the end of its absence, and after it
	awayWindow = 5 * time.Second
	awaySample = 100 * time.Millisecond
	// awayAgain is the length of a second, shorter absence, in which a tenth as many counters change: is the cost
	// proportional?
	awayAgain = 20 * time.Second
)

// measureAway prints what the absence of a peer costs the other node: memory while counters change, and bytes and time
// after the peer's return. Each counter that changes has changed many times before, so that only the absence takes
// memory.
func (b *bench) measureAway(every, length time.Duration, changed int) error {
	c, err := b.startCluster(2, every, true)
	if err != nil {
		return err
	}
	record, err := c.recordBytes()
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "away     a peer is stopped, %d INCR/s at the other node (%d counters, whose records take %.1f bytes each)\n", awayPerSecond, b.keys, record)
	fmt.Fprintf(b.out, "%-8s %9s   %9s %9s %9s %9s %9s   %9s %9s %9s %9s\n", "", "", "MB of RAM", "", "", "", "per key", "per key", "", "", "s until")
	fmt.Fprintf(b.out, "%-8s %9s   %9s %9s %9s %9s %9s   %9s %9s %9s %9s\n", "", "changed", "before", "away", "most", "after", "bytes", "sent", "received", "wire", "equal")
	for i, a := range []*absence{{length: length, changed: changed}, {length: min(length, awayAgain), changed: max(changed/10, 1)}} {
		if err := c.absent(a); err != nil {
			return err
		}
		each := func(x float64) float64 { return x / float64(a.changed) }
		grown := each(a.away - a.before)
		fmt.Fprintf(b.out, "%-8v %9d   %9.1f %9.1f %9.1f %9.1f %9.1f   %9.1f %9.1f %9.1f %9.2f\n", a.length, a.changed, a.before/1e6, a.away/1e6, a.most/1e6, a.after/1e6, grown,
			each(a.traffic.sent), each(a.traffic.received), each(a.traffic.carried), a.equal.Seconds())
		if i == 0 { // the other is too small to be told from what else changes
			b.verdict("bytes of RAM per changed counter", bound{limit: record}, grown, 0)
		}
	}
	return nil
}

// recordBytes fills the nodes, and is how much memory a counter takes then.
func (c *cluster) recordBytes() (float64, error) {
	n := c.nodes[0]
	before, err := n.held()
	if err != nil {
		return 0, err
	}
	if err := n.fill(c.keys); err != nil {
		return 0, err
	}
	if err := c.agree(); err != nil {
		return 0, err
	}
	if err := n.settle(); err != nil {
		return 0, err
	}
	after, err := n.held()
	return (after - before) / float64(c.keys), err
}

// absence is one of a cluster's second node, and what it costs the first. Memory is resident, in bytes.
type absence struct {
	length  time.Duration
	changed int // counters, by the end those that did change

	before, away float64 // held under load: with the peer, and at the end of its absence
	most         float64 // the most during its absence, with unused memory
	after        float64 // held when the nodes are equal again, without load
	traffic      hop     // from the return on
	equal        time.Duration
}

// absent stops the second node with SIGSTOP, which the first finds out by its silence, and continues it once the load
// on the first has ended.
func (c *cluster) absent(a *absence) error {
	n, peer := c.nodes[0], c.nodes[1]
	l, err := startLoop(n.addr(), awayClients, awayPerSecond, inTurn(a.changed, c.keys/a.changed))
	if err != nil {
		return err
	}
	err = n.absence(a, l, peer)
	if stopped := l.stop(); err == nil {
		err = stopped
	}
	if err != nil {
		_ = peer.cmd.Process.Signal(syscall.SIGCONT)
		return err
	}
	before, err := c.hop(n, peer)
	if err != nil {
		return err
	}
	if err := peer.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	if a.equal, err = c.equal(); err != nil {
		return err
	}
	if err := c.online(); err != nil {
		return err
	}
	after, err := c.hop(n, peer)
	if err != nil {
		return err
	}
	a.traffic = after.minus(before)
	a.after, err = n.held()
	return err
}

// absence stops the peer under load, once every counter has changed with it, and leaves it stopped.
func (n *node) absence(a *absence, l *openLoop, peer *node) error {
	time.Sleep(time.Duration(a.changed) * l.interval)
	var err error
	if a.before, err = n.held(); err != nil {
		return err
	}
	gone := time.Now()
	if err := peer.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	without, err := n.watch(a.length)
	if err != nil {
		return err
	}
	if f, err := n.peer(peer); err != nil || f["state"] != "offline" {
		return fmt.Errorf("the peer is %s after %v, not offline: a longer -away is needed %w", f["state"], a.length, err)
	}
	a.most = slices.Max(without)
	a.changed = min(a.changed, int(time.Since(gone)/l.interval))
	a.away, err = n.held()
	return err
}

// held is the resident memory without the unused part of the Go heap, which is larger than the effect to be measured.
// It is the median over a while.
func (s *server) held() (float64, error) {
	c, err := wire.Dial(s.addr())
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	if v, err := c.Do("MEMORY", "PURGE"); err != nil || v.IsError() {
		return 0, fmt.Errorf("MEMORY PURGE: %s %w", v, err)
	}
	bytes, err := s.watch(awayWindow)
	if err != nil {
		return 0, err
	}
	return median(bytes), nil
}

// watch measures the resident memory for some time.
func (s *server) watch(length time.Duration) (bytes []float64, err error) {
	for end := time.Now().Add(length); ; time.Sleep(awaySample) {
		resident, err := s.resident()
		if err != nil {
			return nil, err
		}
		bytes = append(bytes, float64(resident))
		if time.Now().After(end) {
			return bytes, nil
		}
	}
}
