package command

import (
	"fmt"
	"slices"
	"strings"
)

func latencyCommands() []*row {
	const plain = admin | noscript | loading | stale
	const allNodes = "request_policy:all_nodes"
	figures := []string{noFixedOutput, allNodes, "response_policy:special"}
	return []*row{
		{name: "doctor", arity: 2, flags: plain, since: "2.8.13", tips: figures, handler: latencyDoctor, summary: "What has taken long, in words"},
		{name: "graph", arity: 3, flags: plain, since: "2.8.13", tips: figures, handler: latencyGraph, summary: "The samples of an event as a picture"},
		{name: "histogram", arity: -2, flags: plain, since: "7.0.0", tips: figures, handler: latencyHistogram, summary: "How long commands have taken, all or some"},
		{name: "history", arity: 3, flags: plain, since: "2.8.13", tips: figures, handler: latencyHistory, summary: "The samples of an event: command, fast-command or expire-cycle"},
		{name: "latest", arity: 2, flags: plain, since: "2.8.13", tips: figures, handler: latencyLatest, summary: "The last sample of every event, and the largest"},
		{name: "reset", arity: -2, flags: plain, since: "2.8.13", tips: []string{allNodes, allSucceeded}, handler: latencyReset, summary: "Forget the samples of events, or of all"},
		{name: "help", arity: 2, flags: loading | stale, since: "2.8.13", handler: help, summary: "This list"},
	}
}

// latencyLatest answers name, time of the last sample, its milliseconds and the largest ever, of events with samples.
func latencyLatest(c *call) {
	type latest struct {
		name string
		last sample
		max  int64
	}
	var all []latest
	for e, name := range eventNames() {
		if s := c.server.latency.history(event(e)); len(s.samples) > 0 {
			all = append(all, latest{name, s.samples[len(s.samples)-1], s.max})
		}
	}
	c.array(len(all))
	for _, l := range all {
		c.array(4)
		c.bulk(l.name)
		c.integer(l.last.at)
		c.integer(l.last.took)
		c.integer(l.max)
	}
}

func latencyHistory(c *call) {
	s := c.series(c.args[2])
	c.array(len(s.samples))
	for _, one := range s.samples {
		c.array(2)
		c.integer(one.at)
		c.integer(one.took)
	}
}

// series is the samples of an event by its name; none if there is no such event.
func (c *call) series(name []byte) series {
	e := slices.Index(eventNames(), string(name))
	if e < 0 {
		return series{}
	}
	return c.server.latency.history(event(e))
}

// latencyReset answers how many of the events had samples.
func latencyReset(c *call) {
	var n int64
	for e, name := range eventNames() {
		named := slices.ContainsFunc(c.args[2:], func(arg []byte) bool { return string(arg) == name })
		if (named || len(c.args) == 2) && c.server.latency.reset(event(e)) {
			n++
		}
	}
	c.integer(n)
}

// latencyHistogram answers, for every command that has run, how many calls took up to so many microseconds.
func latencyHistogram(c *call) {
	asked := c.server.table.rows
	if len(c.args) > 2 {
		asked = c.named(c.args[2:])
	}
	all := c.server.Stats.distributions(len(c.server.table.rows))
	rows := slices.DeleteFunc(slices.Clone(asked), func(r *row) bool { return all[r.id].calls == 0 })
	c.pairs(len(rows))
	for _, r := range rows {
		c.bulk(r.full)
		c.distribution(&all[r.id])
	}
}

// named is the rows that the names mean, each once, those of containers with their subcommands.
func (c *call) named(names [][]byte) (rows []*row) {
	for _, name := range names {
		if r := c.server.table.findFull(name); r != nil && !slices.Contains(rows, r) {
			rows = append(append(rows, r), r.subs...)
		}
	}
	return rows
}

// distribution answers the calls up to each bound in microseconds; bounds that add none are left out.
func (c *call) distribution(d *distribution) {
	c.pairs(2)
	c.bulk("calls")
	c.integer(d.calls)
	c.bulk("histogram_usec")
	filled := 0
	for _, n := range d.buckets {
		if n > 0 {
			filled++
		}
	}
	c.pairs(filled)
	var sum int64
	for i, n := range d.buckets {
		if sum += n; n > 0 {
			c.integer(latencyBound(i) / 1000)
			c.integer(sum)
		}
	}
}

// latencyDoctor says in words what the monitor has seen.
func latencyDoctor(c *call) {
	var b strings.Builder
	for e, name := range eventNames() {
		s := c.server.latency.history(event(e))
		n := int64(len(s.samples))
		if n == 0 {
			continue
		}
		var sum int64
		for _, one := range s.samples {
			sum += one.took
		}
		fmt.Fprintf(&b, "%s: seconds with a spike %d, %d ms on average, the longest ever %d ms, the last %d s ago.\n",
			name, n, sum/n, s.max, max(0, c.now.Wall/1000-s.samples[n-1].at))
	}
	switch threshold := c.server.Params.LatencyThreshold.Load(); {
	case b.Len() > 0:
		b.WriteString("SLOWLOG GET shows which commands were slow, INFO commandstats which take the most time.\n")
	case threshold == 0:
		b.WriteString("Latency is not monitored: CONFIG SET latency-monitor-threshold <milliseconds> begins to.\n")
	default:
		fmt.Fprintf(&b, "Nothing took %d ms or more.\n", threshold)
	}
	c.text(b.String())
}
