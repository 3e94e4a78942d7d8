package main

import (
	"fmt"
	"time"
)

const (
	hotNodes     = 3
	hotCommands  = 1_000_000
	hotPerSecond = 20_000
)

// hotBound is in megabytes, of 1,000,000 bytes.
var hotBound = bound{limit: 1}

// measureHotKey prints how many bytes go to each peer, and come from it, for so many INCRs of one counter: pipelined,
// and at a slower pace, which takes more rounds. What INFO says is beside what proxies between the nodes have counted,
// which has the handshakes too.
func (b *bench) measureHotKey(every time.Duration) error {
	c, err := b.startCluster(hotNodes, every, true)
	if err != nil {
		return err
	}
	commands := max(int(b.scale*hotCommands), 1)
	fmt.Fprintf(b.out, "hot key  %d INCRs of one counter, %d nodes\n", commands, hotNodes)
	fmt.Fprintf(b.out, "%-12s %6s %9s %12s %14s %14s\n", "", "peer", "seconds", "bytes sent", "bytes received", "on the wire")
	first := c.nodes[0]
	for _, load := range []struct {
		name string
		run  func() error
	}{
		{"pipelined", func() error {
			return first.pipe(commands, func(dst []byte, _ int) []byte { return appendKey(append(dst, "*2\r\n$4\r\nINCR\r\n"...), 0) })
		}},
		{fmt.Sprintf("%d/s", hotPerSecond), func() error { return first.pace(commands, hotPerSecond) }},
	} {
		if err := c.measureHot(load.name, load.run); err != nil {
			return err
		}
	}
	return nil
}

// measureHot prints the rows and verdicts of one load on the first node.
func (c *cluster) measureHot(name string, run func() error) error {
	first := c.nodes[0]
	before := make([]hop, len(c.nodes))
	var err error
	for i, peer := range c.nodes[1:] {
		if before[i], err = c.hop(first, peer); err != nil {
			return err
		}
	}
	begin := time.Now()
	if err := run(); err != nil {
		return err
	}
	took := time.Since(begin)
	if err := c.agree(); err != nil {
		return err
	}
	for i, peer := range c.nodes[1:] {
		after, err := c.hop(first, peer)
		if err != nil {
			return err
		}
		d := after.minus(before[i])
		fmt.Fprintf(c.out, "%-12s %6d %9.1f %12.0f %14.0f %14.0f\n", name, peer.number+1, took.Seconds(), d.sent, d.received, d.carried)
		c.verdict("MB on the wire, both directions", hotBound, d.carried/1e6, 0)
	}
	return nil
}

// pace sends so many INCRs of one counter at a fixed rate.
func (s *server) pace(commands, perSecond int) error {
	l, err := startLoop(s.addr(), 1, perSecond, inTurn(1, 1))
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(commands) * l.interval)
	return l.stop()
}

// hop is what has gone between a node and a peer so far, in bytes: as INFO has it, and, in both directions, as proxies
// have counted.
type hop struct{ sent, received, carried float64 }

func (c *cluster) hop(n, peer *node) (hop, error) {
	f, err := n.peer(peer)
	h := hop{sent: f.number("bytes_sent"), received: f.number("bytes_received")}
	if c.proxies != nil {
		h.carried = float64(c.carried(n, peer))
	}
	return h, err
}

func (h hop) minus(before hop) hop {
	return hop{h.sent - before.sent, h.received - before.received, h.carried - before.carried}
}
