package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/internal/history"
	"github.com/quotadb/quota-db/tests/internal/process"
)

// maxComplaints is how many are shown.
const maxComplaints = 10

// finish heals all faults, stops the clients, and checks that the nodes agree on correct values.
func (c *cluster) finish(t *testing.T) {
	t.Helper()
	c.heal()
	c.load.end(t)
	var running []*node
	var servers []*process.Server
	for _, n := range c.nodes {
		if n.server != nil {
			running, servers = append(running, n), append(servers, n.server)
		}
	}
	equal(t, servers...)
	c.load.resets.awaitEnds(t) // of windows: an ending window makes the nodes differ for a moment
	equal(t, servers...)
	values := contents(t, servers[0])
	for _, n := range running[1:] {
		for _, d := range differences(values, contents(t, n.server)) {
			t.Errorf("nodes %d and %d: %s", running[0].id, n.id, d)
		}
	}
	v := judge(c.load.all, c.load.losses, values)
	t.Log(v)
	show(t, "", v.complaints)
	c.judgeReads(t, running, slices.Collect(maps.Keys(values)))
	c.judgeQuotas(t, running)
	c.startAgain(t, running)
	if t.Failed() {
		for _, n := range running {
			all, _ := replication(t, n.server)
			t.Logf("node %d: %v", n.id, all)
		}
	}
}

// judgeReads reads all values from all nodes once more, and lets the history check every reply.
func (c *cluster) judgeReads(t *testing.T, running []*node, keys []string) {
	t.Helper()
	c.load.history.Quiescent()
	for _, n := range running {
		conn := n.server.Dial(t)
		for _, k := range keys {
			if err := c.load.do(conn, history.Op{Node: n.place, Kind: history.Get, Key: k}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	found, coverage := c.load.history.CheckCoverage()
	t.Logf("%d replies checked, of %d keys by their digits and %d by bounds", coverage.Reads, coverage.Decoded, coverage.Bounded)
	var complaints []string
	for _, v := range found {
		complaints = append(complaints, v.String())
	}
	show(t, "history: ", complaints)
}

func show(t *testing.T, what string, complaints []string) {
	t.Helper()
	for _, text := range complaints[:min(len(complaints), maxComplaints)] {
		t.Errorf("%s%s", what, text)
	}
	if more := len(complaints) - maxComplaints; more > 0 {
		t.Errorf("%sand %d more", what, more)
	}
}

func differences(a, b map[string]string) (found []string) {
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if a[k] != b[k] {
			found = append(found, fmt.Sprintf("%s is %q and %q", k, a[k], b[k]))
		}
	}
	return found
}

// verdict is the result of checking the final values.
type verdict struct {
	acked, unknown, failed int // increments
	counted, lost          int // unknown ones that count, and acknowledged ones that are lost as allowed
	complaints             []string
}

func (v *verdict) String() string {
	return fmt.Sprintf("%d acknowledged increments, of which %d were lost as they may be; %d unknown ones, of which %d count", v.acked, v.lost, v.unknown, v.counted)
}

func (v *verdict) complain(format string, what ...any) {
	v.complaints = append(v.complaints, fmt.Sprintf(format, what...))
}

// judge compares values with the increments that they should contain.
func judge(all []*increment, losses []loss, values map[string]string) *verdict {
	v := &verdict{}
	keys := map[string][]*increment{}
	for _, i := range all {
		keys[i.key] = append(keys[i.key], i)
		switch {
		case i.failed:
			v.failed++
		case i.acked.IsZero():
			v.unknown++
		default:
			v.acked++
		}
	}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		if keys[k] == nil && !isReset(k) {
			v.complain("%s: nobody has made such a key", k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		value := int64(0)
		if text, there := values[k]; there {
			var err error
			if value, err = strconv.ParseInt(text, 10, 64); err != nil {
				v.complain("%s is %q", k, text)
				continue
			}
		}
		if strings.HasPrefix(k, "hot:") {
			v.judgeSum(k, keys[k], losses, value)
		} else {
			v.judgeDigits(k, keys[k], losses, value)
		}
	}
	return v
}

// mayBeLost reports whether a killed process may have lost this acknowledged increment.
func (i *increment) mayBeLost(losses []loss) bool {
	return slices.ContainsFunc(losses, func(l loss) bool {
		return l.place == i.place && l.run == i.run && !i.acked.Before(l.from)
	})
}

// judgeSum bounds a value by the increments that certainly count and those that may.
func (v *verdict) judgeSum(key string, all []*increment, losses []loss, value int64) {
	least, most := int64(0), int64(0)
	for _, i := range all {
		if i.failed {
			continue
		}
		most += i.delta
		if !i.acked.IsZero() && !i.mayBeLost(losses) {
			least += i.delta
		}
	}
	if value < least || value > most {
		v.complain("%s is %d, but has to be from %d to %d", key, value, least, most)
	}
}

// judgeDigits takes a value apart into the increments that it contains. In base 4 a digit is 0, 1, 2 or -1.
func (v *verdict) judgeDigits(key string, all []*increment, losses []loss, value int64) {
	byDigit := map[int64]*increment{}
	for _, i := range all {
		byDigit[max(i.delta, -i.delta)] = i
	}
	rest := value
	for n := range history.Digits {
		digit := rest & 3
		if digit == 3 {
			digit = -1
		}
		rest = (rest - digit) >> 2
		i := byDigit[history.Digit(n)]
		if i == nil {
			if digit != 0 {
				v.complain("%s is %d, which has %d times %d, which nobody has sent", key, value, digit, history.Digit(n))
			}
			continue
		}
		if i.delta < 0 {
			digit = -digit
		}
		v.judgeOne(key, value, i, digit, losses)
	}
	if rest != 0 {
		v.complain("%s is %d, which has more than was sent", key, value)
	}
}

func (v *verdict) judgeOne(key string, value int64, i *increment, times int64, losses []loss) {
	switch {
	case times != 0 && times != 1, i.failed && times != 0:
		v.complain("%s is %d, which counts %d times what was sent to place %d once: %d", key, value, times, i.place, i.delta)
	case i.failed:
	case i.acked.IsZero() && times == 1:
		v.counted++
	case i.acked.IsZero() || times == 1:
	case i.mayBeLost(losses):
		v.lost++
	default:
		v.complain("%s is %d, which lacks %d, acknowledged in place %d, run %d, at %s", key, value, i.delta, i.place, i.run, clock(i.acked))
	}
}
