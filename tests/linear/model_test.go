package linear

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	keys    = 2
	clients = 4
)

// slack is the largest difference of two readings of clocks: the server counts whole milliseconds and may use a reading
// that is a millisecond old, and the test has another clock.
const slack = 4 * time.Millisecond

// action is one command, or all those of a transaction, which run at one moment.
type action struct {
	client     int
	index      int // of the client's
	commands   [][]string
	call, done time.Duration // when it was sent, and when its reply was read
}

// value is the value of a key. The moment of its deadline is known only as an interval.
type value struct {
	exists      bool
	text        string
	early, late time.Duration // the deadline lies between them; both 0: there is none
}

// state is the content of a server, and how many actions of each client have run; the latest began at now.
type state struct {
	values [keys]value
	ran    [clients]int
	now    time.Duration
}

// model is a server that runs one action after the other.
func model() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{state{}} },
		Step: func(s, input, output any) []any {
			var next []any
			for _, n := range step(s.(state), input.(*action), output.([]string)) {
				next = append(next, n)
			}
			return next
		},
		DescribeOperation: func(input, output any) string { return describe(input.(*action), output.([]string)) },
	}
	return m.ToModel()
}

func describe(a *action, replies []string) string {
	var words []string
	for i, command := range a.commands {
		words = append(words, strings.Join(command, " ")+" -> "+replies[i])
	}
	return fmt.Sprintf("client %d, %v to %v: %s", a.client, a.call, a.done, strings.Join(words, "; "))
}

// step returns the states to which an action with these replies may lead.
func step(s state, a *action, replies []string) []state {
	if s.ran[a.client] != a.index {
		return nil // not this action's turn
	}
	s.ran[a.client]++
	s.now = max(s.now, a.call)
	states := []state{s}
	for i, command := range a.commands {
		var next []state
		for _, s := range states {
			key := int(command[1][0] - 'a')
			for _, v := range moments(s.values[key], s.now, a.done) {
				want := v.run(command, s.now, a.done)
				if want != replies[i] && !v.isRemaining(want, replies[i], s.now, a.done) {
					continue
				}
				s.values[key] = v
				next = append(next, s)
			}
		}
		states = next
	}
	return states
}

// moments returns what an action between two moments may find: the value, or no value because its deadline has passed.
func moments(v value, from, to time.Duration) (all []value) {
	if !v.exists || v.late == 0 {
		return []value{v}
	}
	if from-slack < v.late { // the key may still exist: then its deadline is later
		alive := v
		alive.early = max(v.early, from-slack)
		all = append(all, alive)
	}
	if to+slack >= v.early {
		all = append(all, value{})
	}
	return all
}

// run returns the reply to a command between two moments, and the value afterwards.
func (v *value) run(command []string, from, to time.Duration) string {
	null := "$nil"
	bulk := func(text string) string { return "$" + strconv.Quote(text) }
	before := null
	if v.exists {
		before = bulk(v.text)
	}
	switch args := command[2:]; command[0] {
	case "GET":
		return before
	case "SET":
		keep := len(args) == 3 && args[1] == "KEEPTTL"
		if kept := *v; keep && v.exists {
			*v = value{exists: true, text: args[0], early: kept.early, late: kept.late}
		} else {
			*v = value{exists: true, text: args[0]}
		}
		if len(args) == 3 && args[1] == "PX" {
			v.expire(args[2], from, to)
		}
		if keep { // with GET
			return before
		}
		return "+OK"
	case "INCR", "DECR":
		n := int64(0)
		if v.exists {
			var err error
			if n, err = strconv.ParseInt(v.text, 10, 64); err != nil || strconv.FormatInt(n, 10) != v.text {
				return "-ERR value is not an integer or out of range"
			}
		}
		if n++; command[0] == "DECR" {
			n -= 2
		}
		v.exists, v.text = true, strconv.FormatInt(n, 10)
		return ":" + v.text
	case "APPEND":
		v.exists, v.text = true, v.text+args[0]
		return ":" + strconv.Itoa(len(v.text))
	case "GETDEL":
		*v = value{}
		return before
	case "DEL", "EXISTS", "PEXPIRE", "PERSIST":
		return v.runFlag(command, from, to)
	case "PTTL":
		switch {
		case !v.exists:
			return ":-2"
		case v.late == 0:
			return ":-1"
		}
		return "remaining"
	}
	panic("no model of " + command[0])
}

// runFlag is run for commands that reply whether they have found something.
func (v *value) runFlag(command []string, from, to time.Duration) string {
	found := v.exists
	switch command[0] {
	case "DEL":
		*v = value{}
	case "PEXPIRE":
		if v.exists {
			v.expire(command[2], from, to)
		}
	case "PERSIST":
		found = v.exists && v.late != 0
		v.early, v.late = 0, 0
	}
	if found {
		return ":1"
	}
	return ":0"
}

// expire gives the value a deadline in some milliseconds from a moment between two.
func (v *value) expire(millis string, from, to time.Duration) {
	n, err := strconv.Atoi(millis)
	if err != nil {
		panic(err)
	}
	v.early, v.late = from-slack+time.Duration(n)*time.Millisecond, to+slack+time.Duration(n)*time.Millisecond
}

// isRemaining reports whether a reply to PTTL is what may be left of the deadline between two moments.
func (v *value) isRemaining(want, reply string, from, to time.Duration) bool {
	if want != "remaining" || !strings.HasPrefix(reply, ":") {
		return false
	}
	n, err := strconv.Atoi(reply[1:])
	left := time.Duration(n) * time.Millisecond
	return err == nil && n >= 0 && left >= v.early-to-slack && left <= v.late-from+slack
}
