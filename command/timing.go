package command

import (
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/stats"
)

// aloneBelow is the slowlog-log-slower-than below which every command is timed alone.
const aloneBelow = time.Millisecond

// timing measures how long an executor's commands take. One reading of the clock ends a group of commands. They share
// the time since the previous reading evenly. A command that can be slow is a group of its own. Every command is, while
// slowlog-log-slower-than is below aloneBelow.
//
// A group costs one reading of both clocks (node's BenchmarkClock), and three uncontended additions for each different
// command in it.
type timing struct {
	server *Server
	counts *stats.Counts
	since  int64 // when the last group ended, in nanoseconds of the monotonic clock
	alone  bool  // every command is a group
	last   *row  // the last command that ran since begin; nil: none did
	again  *row  // the next command, if it has this row, joins the group without other checks; nil: no row does

	// The group that runs.
	ran    int
	apart  bool     // its one command is timed alone
	client *Client  // of its first command
	first  [][]byte // the words of its first command
	kept   bool     // first is a copy, in words and text
	words  [][]byte
	text   []byte
	rows   []*row  // its different commands, in the order of their first calls
	times  []int64 // by the id of the row: number of calls in the group
}

func newTiming(s *Server, c *stats.Counts) timing {
	return timing{server: s, counts: c, rows: make([]*row, 0, groupCommands), times: make([]int64, len(s.table.rows))}
}

// begin begins to measure the commands of a client, which may join a group that runs. now is a time of the monotonic
// clock in nanoseconds.
func (t *timing) begin(now int64) {
	t.last, t.again = nil, nil
	if t.ran == 0 {
		t.since = now
		t.choose()
	}
}

// keptText is the largest number of bytes in the words of a group's first command if commands of the next client may
// join the group.
const keptText = 256

// keep prepares the group that runs for the commands of another client: it copies the words of the first command. It
// returns false if the group has to end, because its command is timed alone or has too many words or bytes.
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

// endsAt reports whether the group that runs ends before a command of this row.
func (t *timing) endsAt(r *row) bool { return t.apart || t.alone || r.canBeSlow() }

// add adds the command that runs next to the group.
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

// end ends the group that runs, if there is one: it reads the clock and counts the time of the group's commands. read
// is false if there is no group; then the clock was not read.
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

// report enters a group in the slow log and in the latency events if it took long.
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

// canBeSlow reports whether a command of the row may take long: commands with any number of keys or with none, unless
// they are marked fast.
func (r *row) canBeSlow() bool { return r.lock != lockOne && r.flags&fast == 0 }
