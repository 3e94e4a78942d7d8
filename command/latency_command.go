package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quotadb/quota-db/stats"
)

// latencyCommands are LATENCY and its subcommands.
func latencyCommands() []*row {
	const plain = admin | noscript | loading | stale
	const allNodes = "request_policy:all_nodes"
	figures := []string{noFixedOutput, allNodes, "response_policy:special"}
	return inGroup([]*row{
		{name: "latency", arity: -2, since: "2.8.13",
			complexity: bySubcommand, summary: "Show latencies", subs: []*row{
				{name: "doctor", arity: 2, flags: plain, since: "2.8.13", tips: figures, handler: latencyDoctor,
					complexity: constantTime, summary: "Describe the latency events in words"},
				{name: "graph", arity: 3, flags: plain, since: "2.8.13", tips: figures, handler: latencyGraph,
					usage: "event", complexity: constantTime, summary: "Draw the samples of an event"},
				{name: "histogram", arity: -2, flags: plain, since: "7.0.0", tips: figures, handler: latencyHistogram,
					usage: "[command [command ...]]", complexity: perCommand,
					summary: "Get histograms of the durations of commands"},
				{name: "history", arity: 3, flags: plain, since: "2.8.13", tips: figures, handler: latencyHistory,
					usage: "event", complexity: constantTime,
					summary: "Get the samples of an event: command, fast-command or expire-cycle"},
				{name: "latest", arity: 2, flags: plain, since: "2.8.13", tips: figures, handler: latencyLatest,
					complexity: constantTime, summary: "Get the last and the largest sample of every event"},
				{name: "reset", arity: -2, flags: plain, since: "2.8.13", tips: []string{allNodes, allSucceeded}, handler: latencyReset,
					usage: "[event [event ...]]", complexity: constantTime,
					summary: "Delete the samples of some events, or of all"},
				helpRow("2.8.13", 0),
			}},
	}, ofServer, 0)
}

// latencyLatest replies, for each event that has samples, with its name, the time of the last sample, the milliseconds
// of that sample, and the largest number of milliseconds since the last reset.
func latencyLatest(c *call) {
	type latest struct {
		name string
		last stats.Sample
		max  int64
	}
	var all []latest
	for e, name := range stats.EventNames() {
		if s := c.server.Stats.Latency.History(stats.Event(e)); len(s.Samples) > 0 {
			all = append(all, latest{name, s.Samples[len(s.Samples)-1], s.Max})
		}
	}
	c.array(len(all))
	for _, l := range all {
		c.array(4)
		c.bulk(l.name)
		c.integer(l.last.At)
		c.integer(l.last.Took)
		c.integer(l.max)
	}
}

func latencyHistory(c *call) {
	s := c.series(c.args[2])
	c.array(len(s.Samples))
	for _, one := range s.Samples {
		c.array(2)
		c.integer(one.At)
		c.integer(one.Took)
	}
}

// series is the samples of the event with a name; none if there is no such event.
func (c *call) series(name []byte) stats.Series {
	e := slices.Index(stats.EventNames(), string(name))
	if e < 0 {
		return stats.Series{}
	}
	return c.server.Stats.Latency.History(stats.Event(e))
}

// latencyReset deletes samples, and replies with the number of events that had some.
func latencyReset(c *call) {
	var n int64
	for e, name := range stats.EventNames() {
		named := slices.ContainsFunc(c.args[2:], func(arg []byte) bool { return string(arg) == name })
		if (named || len(c.args) == 2) && c.server.Stats.Latency.Reset(stats.Event(e)) {
			n++
		}
	}
	c.integer(n)
}

// latencyHistogram replies, for every command that has run, with the number of calls up to each bound in microseconds.
func latencyHistogram(c *call) {
	asked := c.server.table.rows
	if len(c.args) > 2 {
		asked = c.named(c.args[2:])
	}
	all := c.server.Stats.Distributions()
	rows := slices.DeleteFunc(slices.Clone(asked), func(r *row) bool { return all[r.id].Calls == 0 })
	c.pairs(len(rows))
	for _, r := range rows {
		c.bulk(r.full)
		c.distribution(&all[r.id])
	}
}

// named is the rows with these names, each once; a container brings its subcommands.
func (c *call) named(names [][]byte) (rows []*row) {
	for _, name := range names {
		if r := c.server.table.findFull(name); r != nil && !slices.Contains(rows, r) {
			rows = append(append(rows, r), r.subs...)
		}
	}
	return rows
}

// distribution replies with the number of calls up to each bound in microseconds. It leaves out bounds without calls of
// their own.
func (c *call) distribution(d *stats.Distribution) {
	c.pairs(2)
	c.bulk("calls")
	c.integer(d.Calls)
	c.bulk("histogram_usec")
	filled := 0
	for _, n := range d.Buckets {
		if n > 0 {
			filled++
		}
	}
	c.pairs(filled)
	var sum int64
	for i, n := range d.Buckets {
		if sum += n; n > 0 {
			c.integer(stats.Bound(i) / 1000)
			c.integer(sum)
		}
	}
}

// latencyDoctor describes the samples in words.
func latencyDoctor(c *call) {
	var b strings.Builder
	for e, name := range stats.EventNames() {
		s := c.server.Stats.Latency.History(stats.Event(e))
		n := int64(len(s.Samples))
		if n == 0 {
			continue
		}
		var sum int64
		for _, one := range s.Samples {
			sum += one.Took
		}
		fmt.Fprintf(&b, "%s: seconds with a spike %d, %d ms on average, the longest ever %d ms, the last %d s ago.\n",
			name, n, sum/n, s.Max, max(0, c.now.Wall/1000-s.Samples[n-1].At))
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
