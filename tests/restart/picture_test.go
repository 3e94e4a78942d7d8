package restart

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

// picture is everything that clients can see of a node, read between two moments.
type picture struct {
	from, to time.Time
	keys     map[string]entry
	digest   string
}

// entry is a key.
type entry struct {
	kind     string // the reply of TYPE
	value    string
	deadline int64 // unix ms; -1: none
	quota    quota // limit 0: none
}

// quota is what QUOTAGET FULL tells of a quota and of the node's own part of it.
type quota struct {
	limit  int64
	window string // a number of seconds, or of milliseconds with its unit
	part   int64  // of the limit: the size of the node's bucket
	left   int64  // in the node's bucket
}

// refill is how many tokens the node's bucket earns in a while.
func (q quota) refill(passed time.Duration) float64 {
	unit, number := time.Second, q.window
	if ms, ok := strings.CutSuffix(q.window, "ms"); ok {
		unit, number = time.Millisecond, ms
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("restart: a window of %q", q.window))
	}
	// A window is shown rounded up, so the bucket may earn in the time of one unit less.
	window := max(time.Duration(n)*unit-unit, time.Duration(n)*unit/2)
	return float64(q.part) * float64(passed) / float64(window)
}

// mayFill reports whether the node's bucket may have become full: then a transient quota ends by itself.
func (q quota) mayFill(passed time.Duration) bool {
	return q.limit > 0 && float64(q.left+1)+q.refill(passed) >= float64(q.part)
}

const (
	bulkPrefix = "n:" // prefix of counters that are only counted in bulk, and compared less closely
	chunk      = 500  // commands in a pipeline
	patience   = 20 * time.Second
)

// look makes a picture of a node. DBSIZE counts expired keys until they are swept; soon it must be the number of keys
// that SCAN finds.
func look(c *wire.Conn) (*picture, error) {
	// Above maxmemory a transaction takes no commands, as in Redis.
	if _, err := c.Do("CONFIG", "SET", "maxmemory", "0"); err != nil {
		return nil, err
	}
	p := &picture{from: time.Now(), keys: map[string]entry{}}
	names, err := scan(c)
	if err != nil {
		return nil, err
	}
	var plain, rest []string
	for name := range names {
		if strings.HasPrefix(name, bulkPrefix) {
			plain = append(plain, name)
		} else {
			rest = append(rest, name)
		}
	}
	for part := range slices.Chunk(plain, chunk) {
		values, err := c.Do(append([]string{"MGET"}, part...)...)
		if err != nil {
			return nil, err
		}
		for i, v := range values.Elems {
			p.keys[part[i]] = entry{kind: "string", value: v.Text, deadline: -1}
		}
	}
	if err := p.closely(c, rest); err != nil {
		return nil, err
	}
	if p.digest, err = digest(c); err != nil {
		return nil, err
	}
	p.to = time.Now()
	return p, countsAs(c)
}

// scan is the names of all keys.
func scan(c *wire.Conn) (map[string]bool, error) {
	names := map[string]bool{}
	for cursor := "0"; ; {
		v, err := c.Do("SCAN", cursor, "COUNT", "1000")
		if err != nil {
			return nil, err
		}
		if len(v.Elems) != 2 {
			return nil, fmt.Errorf("SCAN: %v", v)
		}
		for _, e := range v.Elems[1].Elems {
			names[e.Text] = true
		}
		if cursor = v.Elems[0].Text; cursor == "0" {
			return names, nil
		}
	}
}

// closely reads everything about some keys, each key at one moment.
func (p *picture) closely(c *wire.Conn, names []string) error {
	for _, name := range names {
		var raw []byte
		for _, args := range [][]string{{"MULTI"}, {"TYPE", name}, {"GET", name}, {"PEXPIRETIME", name}, {"QUOTAGET", name, "FULL"}, {"EXEC"}} {
			raw = wire.AppendCommand(raw, args...)
		}
		replies, err := c.Pipeline(raw, 6)
		if err != nil {
			return err
		}
		v := replies[5].Elems
		if len(v) != 4 {
			return fmt.Errorf("looking at %q: %v", name, replies)
		}
		e := entry{kind: v[0].Text, value: v[1].Text}
		if e.kind == "none" { // the key has expired since SCAN found it
			continue
		}
		e.deadline, _ = v[2].Int()
		if q := v[3].Elems; len(q) == 9 {
			var n [9]int64
			for i := range q {
				n[i], _ = q[i].Int()
			}
			e.value, e.quota = "", quota{n[0], q[1].Text, n[5], n[6]}
		}
		p.keys[name] = e
	}
	return nil
}

func digest(c *wire.Conn) (string, error) {
	v, err := c.Do("CLUSTER", "DIGEST")
	if err == nil && v.IsError() {
		err = fmt.Errorf("CLUSTER DIGEST: %v", v)
	}
	return v.Text, err
}

// countsAs waits until DBSIZE is the number of keys that SCAN finds.
func countsAs(c *wire.Conn) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		v, err := c.Do("DBSIZE")
		if err != nil {
			return err
		}
		names, err := scan(c)
		if err != nil {
			return err
		}
		if v.Text == strconv.Itoa(len(names)) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("DBSIZE is %s, SCAN finds %d keys", v.Text, len(names))
		}
	}
}

// slack is the largest difference between the clocks of the test and of a server, reading included.
const slack = 5 * time.Millisecond

// compare compares a node's picture with its earlier one. lost is what quotas may miss. stored: the stored data must be
// the same too, since no deadline can have passed unseen.
func (p *picture) compare(before *picture, lost losable, stored bool) error {
	passed := p.to.Sub(before.from) + slack
	names := slices.Collect(maps.Keys(before.keys))
	for name := range p.keys {
		if _, ok := before.keys[name]; !ok {
			return fmt.Errorf("%q was not there, and is %+v", name, p.keys[name])
		}
	}
	slices.Sort(names)
	still := true // no key has ended by itself
	for _, name := range names {
		was := before.keys[name]
		now, there := p.keys[name]
		ends := time.UnixMilli(was.deadline)
		mayEnd := was.deadline > 0 && !ends.After(p.to.Add(slack))
		mayFill := was.quota.mayFill(passed)
		still = still && !mayEnd && !mayFill
		switch {
		case !there && (mayEnd || mayFill):
		case !there:
			return fmt.Errorf("%q is not there, and was %+v", name, was)
		case was.deadline > 0 && ends.Add(slack).Before(p.from):
			return fmt.Errorf("%q has a deadline that has passed, and is still there: %+v", name, now)
		case now.deadline != was.deadline:
			return fmt.Errorf("%q has another deadline: it was %+v, and is %+v", name, was, now)
		case mayFill && now.quota.limit == 0: // and the key may have another value now
		case now.kind != was.kind || now.value != was.value || now.quota.limit != was.quota.limit || now.quota.window != was.quota.window:
			return fmt.Errorf("%q was %+v, and is %+v", name, was, now)
		case was.quota.limit > 0:
			if err := now.quota.compare(was.quota, passed, lost); err != nil {
				return fmt.Errorf("%q: %w: it was %+v, and is %+v, %v later", name, err, was.quota, now.quota, passed)
			}
		}
	}
	if stored && still && p.digest != before.digest {
		return fmt.Errorf("the digest was %s, and is %s", before.digest, p.digest)
	}
	return nil
}

// losable is what a quota may lose while a node is ended and started.
type losable uint8

const (
	nothing    losable = iota
	aReserve           // the node was killed
	everything         // the node cannot prove that its directory is its newest, and begins from empty
)

// compare checks the tokens of a quota that has refilled for a while.
func (q quota) compare(was quota, passed time.Duration, lost losable) error {
	most := min(float64(was.left+1)+was.refill(passed), float64(was.part))
	least := was.left
	switch lost {
	case aReserve:
		least -= max(1, was.part/4) // the largest reserve
	case everything:
		least = 0
	}
	switch {
	case float64(q.left) > most:
		return fmt.Errorf("more tokens than it can have, %.1f", most)
	case q.left < least:
		return fmt.Errorf("less tokens than it must have, %d", least)
	}
	return nil
}
