package main

import (
	"fmt"
	"slices"
	"time"
)

const differentChanged = 100 // counters, by default

var (
	differentTime  = bound{limit: 2}   // intervals
	differentBytes = bound{limit: 0.2} // megabytes, of 1,000,000 bytes
)

// measureDifferent prints how long two nodes with many identical counters take to find and repair a few that differ,
// and how many bytes that costs. In each round the nodes are stopped, each in turn runs without peers while half of the
// counters are incremented, and both are started again. Changes before a start are in no round that is sent, so only
// comparing can find them.
//
// The time begins when the second of the two is started, so it contains loading the files and asking each other whether
// their lives may continue. The bytes are all bytes between the nodes, in both directions, from then on until both
// report a complete comparison, as counted by the proxies.
func (b *bench) measureDifferent(every time.Duration, changed int) error {
	c, err := b.startCluster(2, every, true)
	if err != nil {
		return err
	}
	if err := c.nodes[0].fill(b.keys); err != nil {
		return err
	}
	if err := c.agree(); err != nil {
		return err
	}
	var intervals, megabytes, repairs []float64
	for range b.rounds {
		for i, n := range c.nodes {
			if err := n.stop(); err != nil {
				return err
			}
			if err := c.change(n, i*changed/2, (i+1)*changed/2, changed); err != nil {
				return err
			}
		}
		before := c.carried(c.nodes[0], c.nodes[1])
		var begin time.Time
		for _, n := range c.nodes {
			begin = time.Now()
			if err := c.startNode(n, true); err != nil {
				return err
			}
		}
		if _, err := c.equal(); err != nil {
			return err
		}
		intervals = append(intervals, time.Since(begin).Seconds()/every.Seconds())
		if err := c.online(); err != nil {
			return err
		}
		megabytes = append(megabytes, float64(c.carried(c.nodes[0], c.nodes[1])-before)/1e6)
		mended, err := c.repairs()
		if err != nil {
			return err
		}
		repairs = append(repairs, mended)
	}
	fmt.Fprintf(b.out, "different  %d of %d counters at two nodes, compared every %v, median (min max) of %d rounds\n", changed, b.keys, every, b.rounds)
	fmt.Fprintf(b.out, "intervals %s, MB in both directions %s, repairs %s\n", extent(intervals), extent(megabytes), extent(repairs))
	b.verdict("most intervals until equal", differentTime, slices.Max(intervals), 0)
	b.verdict("most MB in both directions", differentBytes, slices.Max(megabytes), 0)
	return nil
}

// change increments some of the counters that are to differ, which are spread over all, at a node that is started
// without peers for that.
func (c *cluster) change(n *node, first, end, changed int) error {
	if err := c.startNode(n, false); err != nil {
		return err
	}
	err := n.pipe(end-first, func(dst []byte, i int) []byte {
		return appendKey(append(dst, "*2\r\n$4\r\nINCR\r\n"...), (first+i)*(c.keys/changed))
	})
	if err != nil {
		return err
	}
	return n.stop()
}

// repairs is how many keys comparing has found to lack something, at either of two nodes, since they were started.
func (c *cluster) repairs() (total float64, err error) {
	for i, n := range c.nodes {
		f, err := n.peer(c.nodes[1-i])
		if err != nil {
			return 0, err
		}
		total += f.number("repairs")
	}
	return total, nil
}
