package command

import (
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/stats"
)

// aloneBelow is the slowlog-log-slower-than below which every command is timed alone.
const aloneBelow = time.Millisecond

// timing measures what an executor's commands take. One reading of the clock ends a group of commands, which share the
// time since the reading before evenly. A command that can be slow is a group of its own, and so is every command while
// the slow log wants those below aloneBelow.
//
// A group costs one reading of both clocks (node's BenchmarkClock), and three additions that wait for nobody for each
// different command in it.
type timing struct {
	server *Server
	counts *stats.Counts
	since  int64 // when the last group ended, in nanoseconds of the monotonic clock
	alone  bool  // every command is a group
	last   *row  // what ran last since begin, nil if nothing did
	again  *row  // a row whose next command joins the group without a further look; nil: none does

	// The group that runs.
	ran    int
	apart  bool     // its one command is timed alone
	client *Client  // of its first command
	first  [][]byte // the words of its first command
	kept   bool     // the words are copies, in words and text
	words  [][]byte
	text   []byte
	rows   []*row  // its different commands, in the order in which they came
	times  []int64 // by the id of the row: how often it is in the group
}

func newTiming(s *Server, c *stats.Counts) timing {
	return timing{server: s, counts: c, rows: make([]*row, 0, groupCommands), times: make([]int64, len(s.table.rows))}
}

// begin starts to measure the commands of a client, at a time of the monotonic clock. They may join a group that runs.
func (t *timing) begin(now int64) {
	t.last, t.again = nil, nil
	if t.ran == 0 {
		t.since = now
		t.choose()
	}
}

// keptText is how long the words of a group's first command may be, so that they are kept for the next client's
// commands to join the group.
const keptText = 256

// keep prepares the group that runs for the commands of another client. It is false if the group has to end: its
// command is timed alone, or is long.
func (t *timing) keep() bool {
	if t.ran == 0 || t.kept {
		return true
	}
	if t.apart || t.alone {
		return false
	}
	size := 0
	for _, word := range t.first {
		size += len(word)
	}
	if size > keptText || len(t.first) > keptText/16 {
		return false
	}
	t.text, t.kept = t.text[:0], true
	words := t.words[:0]
	for _, word := range t.first {
		begin := len(t.text)
		t.text = append(t.text, word...)
		words = append(words, t.text[begin:len(t.text):len(t.text)])
	}
	t.first, t.words = words, words
	return true
}

// choose decides whether every command is timed alone. CONFIG SET may change that between two groups.
func (t *timing) choose() {
	slower := t.server.Params.SlowlogSlower.Load()
	t.alone = slower >= 0 && slower < aloneBelow.Microseconds()
}

// endsAt says whether the group that runs ends before a command of the row.
func (t *timing) endsAt(r *row) bool { return t.apart || t.alone || r.canBeSlow() }

// add enters a command that is about to run.
func (t *timing) add(c *Client, r *row, args [][]byte) {
	if t.ran == 0 {
		t.first, t.client = args, c
		t.apart = t.alone || r.canBeSlow()
	}
	if t.times[r.id] == 0 {
		t.rows = append(t.rows, r)
	}
	t.times[r.id]++
	t.ran++
	t.last = r
	if !t.apart {
		t.again = r
	}
}

// end ends the group that runs, if there is one: the clock is read, and what its commands took is counted. read is
// false when there is no group, and the clock was not read.
func (t *timing) end() (now engine.Moment, read bool) {
	if t.ran == 0 {
		return engine.Moment{}, false
	}
	now = t.server.Now()
	took := now.Mono - t.since
	tracking := t.server.Params.LatencyTracking.Load()
	for _, r := range t.rows {
		n := t.times[r.id]
		t.times[r.id] = 0
		t.counts.Ran(r.id, n, took*n/int64(t.ran))
		if tracking {
			t.counts.Took(r.id, n, took/int64(t.ran))
		}
	}
	t.report(now.Wall, time.Duration(took))
	t.since, t.ran, t.apart, t.again, t.rows = now.Mono, 0, false, nil, t.rows[:0]
	t.first, t.client, t.kept = nil, nil, false
	t.choose()
	return now, true
}

// report tells the slow log and the latency monitor of a group that took long.
func (t *timing) report(wall int64, took time.Duration) {
	s, c, first := t.server, t.client, t.rows[0]
	if slower := s.Params.SlowlogSlower.Load(); slower >= 0 && took.Microseconds() >= slower {
		e := stats.NewSlowEntry(t.first, first.hidden(t.first), t.ran-1, c.RemoteAddr, c.Name, wall, took)
		s.Stats.Slow.Add(e, s.Params.SlowlogLen.Load())
	}
	event := stats.EventCommand
	if first.flags&fast != 0 {
		event = stats.EventFast
	}
	s.Stats.Latency.Observe(event, wall, took, s.Params.LatencyThreshold.Load())
}

// canBeSlow says whether commands of the row can take long: those with any number of keys or with none, unless they are
// marked as fast.
func (r *row) canBeSlow() bool { return r.lock != lockOne && r.flags&fast == 0 }
