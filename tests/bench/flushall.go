package main

import (
	"fmt"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	flushallNodes = 2
	flushallPoll  = 50 * time.Millisecond // of used_memory
	// flushallPause is how long a client of one connection rests between two commands: it is no load, and notices each
	// stall.
	flushallPause = time.Millisecond
)

// flushallBound is how many milliseconds a client may wait beside FLUSHALL.
var flushallBound = bound{limit: 50}

// measureFlushAll fills two nodes that replicate with each other, has one of them delete everything, and prints how
// long other clients of both have waited, what memory it took, and whether a connection between the nodes was lost.
func (b *bench) measureFlushAll(between time.Duration) error {
	c, err := b.startCluster(flushallNodes, between, false)
	if err != nil {
		return err
	}
	if err := c.nodes[0].fill(b.keys); err != nil {
		return err
	}
	if _, err := c.equal(); err != nil {
		return err
	}
	if err := c.online(); err != nil {
		return err
	}
	before, err := c.used()
	if err != nil {
		return err
	}
	var watches []*stallWatch
	for _, n := range c.nodes {
		w, err := startStallWatch(n.addr())
		if err != nil {
			return err
		}
		watches = append(watches, w)
	}
	most, took, lost, err := c.flushAll()
	if err != nil {
		return err
	}
	for i, w := range watches {
		longest, err := w.end()
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "node %d: another client's longest wait %.1f ms, %v\n", i+1, longest.Seconds()*1e3, flushallBound)
	}
	if _, err := c.equal(); err != nil {
		return err
	}
	after, err := c.used()
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "FLUSHALL of %d counters answered after %.1f s; connections lost: %v\n", b.keys, took.Seconds(), lost)
	for i := range c.nodes {
		fmt.Fprintf(b.out, "node %d: used_memory %.1f MB before, %.1f most, %.1f after\n", i+1, before[i], most[i], after[i])
	}
	return nil
}

// flushAll has the first node delete everything. It says how much memory the nodes had at most meanwhile, in MB, and
// whether a peer was not online at some moment.
func (c *cluster) flushAll() (most []float64, took time.Duration, lost bool, err error) {
	conn, err := wire.Dial(c.nodes[0].addr())
	if err != nil {
		return nil, 0, false, err
	}
	defer func() { _ = conn.Close() }()
	most = make([]float64, len(c.nodes))
	done := make(chan error, 1)
	begin := time.Now()
	if err := conn.Send(wire.AppendCommand(nil, "FLUSHALL")); err != nil {
		return nil, 0, false, err
	}
	go func() {
		v, err := conn.Receive()
		if err == nil && v.IsError() {
			err = fmt.Errorf("FLUSHALL: %s", v)
		}
		done <- err
	}()
	tick := time.NewTicker(flushallPoll)
	defer tick.Stop()
	for {
		select {
		case err = <-done:
			return most, time.Since(begin), lost, err
		case <-tick.C:
		}
		used, err := c.used()
		if err != nil {
			return nil, 0, false, err
		}
		for i := range used {
			most[i] = max(most[i], used[i])
		}
		f, err := c.nodes[0].info("replication")
		if err != nil {
			return nil, 0, false, err
		}
		lost = lost || f.record("peer0")["state"] == "offline"
	}
}

// used is used_memory of each node, in MB.
func (c *cluster) used() ([]float64, error) {
	var all []float64
	for _, n := range c.nodes {
		f, err := n.info("memory")
		if err != nil {
			return nil, err
		}
		all = append(all, f.number("used_memory")/1e6)
	}
	return all, nil
}

// stallWatch is a client that counts, one command after the other.
type stallWatch struct {
	conn    *wire.Conn
	stop    chan struct{}
	done    chan error
	longest time.Duration
}

func startStallWatch(addr string) (*stallWatch, error) {
	conn, err := wire.Dial(addr)
	if err != nil {
		return nil, err
	}
	w := &stallWatch{conn: conn, stop: make(chan struct{}), done: make(chan error, 1)}
	go func() { w.done <- w.run() }()
	return w, nil
}

func (w *stallWatch) run() error {
	for {
		select {
		case <-w.stop:
			return nil
		case <-time.After(flushallPause):
		}
		begin := time.Now()
		if v, err := w.conn.Do("INCR", "stall"); err != nil || v.IsError() {
			return fmt.Errorf("INCR: %s %w", v.Text, err)
		}
		w.longest = max(w.longest, time.Since(begin))
	}
}

// end ends the client, and says how long it has waited at most for a reply.
func (w *stallWatch) end() (time.Duration, error) {
	close(w.stop)
	err := <-w.done
	_ = w.conn.Close()
	return w.longest, err
}
