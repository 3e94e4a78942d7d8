package crash

import (
	"strings"
	"testing"
	"time"
)

// moment is a time in milliseconds of a hand-made history, which ends at 1000.
func moment(ms int) time.Time {
	if ms < 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(1_000_000 + ms))
}

const noReply = -1

// made is a step sent one millisecond before its reply, or at 900 without one.
func made(acked int, after ...count) step {
	sent := acked - 1
	if acked == noReply {
		sent = 900
	}
	return step{command: "STEP", sent: moment(sent), acked: moment(acked), after: after}
}

func is(v int64) count { return count{value: v, there: true} }
func dying(v int64, ttl int) count {
	return count{value: v, there: true, ttl: time.Duration(ttl) * time.Millisecond}
}
func past(steps ...step) history {
	return history{[]string{"a", "b", "c"}[:len(steps[0].after)], steps}
}
func seen(c ...count) []observation { return seenAt(1100, c...) }
func wantErr(err error, w string) bool {
	return (err == nil) == (w == "") && (err == nil || strings.Contains(err.Error(), w))
}

func seenAt(ms int, counts ...count) []observation {
	var o []observation
	for _, c := range counts {
		o = append(o, observation{c, moment(ms), moment(ms + 1)})
	}
	return o
}

var none count

func TestAUnitIsFoundAtAMomentOfItsHistory(t *testing.T) {
	counting := past(made(0, is(10)), made(100, is(11)), made(500, is(13)), made(980, is(14)), made(noReply, is(16)), made(noReply, is(17)))
	deleting := past(made(0, is(7)), made(100, none), made(200, is(1)), made(300, is(2)), made(noReply, none))
	setting := past(made(0, none), made(100, is(1)), made(200, is(100)), made(300, is(101)))
	together := past(made(0, is(1), is(1), is(1)), made(100, is(2), is(3), is(4)), made(noReply, is(3), is(5), is(7)))
	renaming := past(made(0, is(5), none), made(100, none, is(5)), made(200, none, is(6)), made(noReply, is(6), none))
	window := past(made(0, none), made(100, is(3)), made(200, dying(3, 300)), made(700, is(1)), made(800, dying(1, 5000)))
	for name, tt := range map[string]struct {
		history history
		seen    []observation
		durable time.Time
		want    verdict
		err     string
	}{
		"all of it":                              {counting, seen(is(17)), forever, verdict{}, ""},
		"what was acknowledged":                  {counting, seen(is(14)), forever, verdict{lostUnknown: 2}, ""},
		"a first part of the unknown":            {counting, seen(is(16)), forever, verdict{lostUnknown: 1}, ""},
		"a lost acknowledgement":                 {counting, seen(is(13)), forever, verdict{}, "lost 1 steps"},
		"a loss within the delay":                {counting, seen(is(13)), moment(900), verdict{lostAcked: 1, lostUnknown: 2}, ""},
		"a loss of more than the delay":          {counting, seen(is(11)), moment(900), verdict{}, "lost 1 steps"},
		"a loss of earlier lives":                {counting, seen(is(9)), moment(900), verdict{}, "never so"},
		"nothing left":                           {counting, seen(none), forever, verdict{}, "never so"},
		"an unknown step without the one before": {counting, seen(is(15)), forever, verdict{}, "never so"},
		"an unknown step twice":                  {counting, seen(is(18)), forever, verdict{}, "never so"},
		"a number between two steps":             {counting, seen(is(12)), moment(900), verdict{}, "never so"},

		"a reset key":                       {deleting, seen(is(2)), forever, verdict{lostUnknown: 1}, ""},
		"an unknown deletion":               {deleting, seen(none), forever, verdict{}, ""},
		"a deleted count that comes back":   {deleting, seen(is(9)), forever, verdict{}, "never so"},
		"a key from before its deletion":    {deleting, seen(is(7)), moment(250), verdict{}, "lost 2 steps"},
		"a deletion lost within the delay":  {deleting, seen(is(7)), moment(50), verdict{lostAcked: 3, lostUnknown: 1}, ""},
		"an increment older than its SET":   {setting, seen(is(2)), forever, verdict{}, "never so"},
		"the SET without the count from it": {setting, seen(is(100)), forever, verdict{}, "lost 1 steps"},

		"a whole transaction":                 {together, seen(is(3), is(5), is(7)), forever, verdict{}, ""},
		"no transaction":                      {together, seen(is(2), is(3), is(4)), forever, verdict{lostUnknown: 1}, ""},
		"half a transaction":                  {together, seen(is(3), is(3), is(4)), forever, verdict{}, "never so"},
		"half an acknowledged transaction":    {together, seen(is(2), is(3), is(1)), moment(50), verdict{}, "never so"},
		"a transaction lost within the delay": {together, seen(is(1), is(1), is(1)), moment(50), verdict{lostAcked: 1, lostUnknown: 1}, ""},

		"a renamed key":               {renaming, seen(none, is(6)), forever, verdict{lostUnknown: 1}, ""},
		"an unknown rename":           {renaming, seen(is(6), none), forever, verdict{}, ""},
		"a renamed key in both":       {renaming, seen(is(6), is(6)), forever, verdict{}, "never so"},
		"a renamed key in neither":    {renaming, seen(none, none), forever, verdict{}, "never so"},
		"the source of a rename back": {renaming, seen(is(5), none), forever, verdict{}, "lost 2 steps"},

		"a count that lives on":               {window, seen(dying(1, 4700)), forever, verdict{}, ""},
		"a count that has lost its deadline":  {window, seen(is(1)), forever, verdict{}, "lost 1 steps"},
		"a count with another's deadline":     {window, seen(dying(1, 300)), forever, verdict{}, "never so"},
		"a count that is gone before its end": {window, seen(none), forever, verdict{}, "lost 2 steps"},
		"a count that is gone at its end":     {window, seenAt(6000, none), forever, verdict{}, ""},
		"a count that outlives its end":       {window, seenAt(6000, dying(1, 100)), forever, verdict{}, "never so"},
		"an expired count that comes back":    {window, seen(dying(4, 4700)), forever, verdict{}, "never so"},
		"an expired count alone":              {window, seen(dying(3, 1)), moment(600), verdict{}, "never so"},
		"an expired count without its end":    {window, seen(is(3)), moment(600), verdict{}, "lost 1 steps"},
		"an expired count, the next one lost": {window, seen(none), moment(600), verdict{lostAcked: 2}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.history.verify(tt.seen, tt.durable, moment(1000))
			got.oldest = 0 // used only in messages
			if got != tt.want || !wantErr(err, tt.err) {
				t.Errorf("got %v, %v; want %v, %q", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestASharedCounterIsWhatItWasAndAFirstPartOfEachClients(t *testing.T) {
	counter := shared{key: "s", before: 100, clients: [][]addition{
		{{1, moment(100)}, {3, moment(990)}, {20, moment(noReply)}, {40, moment(noReply)}},
		{{5, moment(200)}, {1000, moment(noReply)}},
		{},
	}}
	for name, tt := range map[string]struct {
		seen    int64
		durable time.Time
		err     string
	}{
		"all":                               {1169, forever, ""},
		"all that was acknowledged":         {109, forever, ""},
		"one of the unknown":                {129, forever, ""},
		"another's unknown":                 {1109, forever, ""},
		"a lost acknowledgement":            {106, forever, "lost 3"},
		"a loss within the delay":           {106, moment(900), ""},
		"a loss of more than the delay":     {101, moment(900), "lost 5"},
		"an unknown without the one before": {149, moment(900), "adds up"},
		"more than was sent":                {1170, forever, "1 more than"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := counter.verify(tt.seen, tt.durable); !wantErr(err, tt.err) {
				t.Errorf("got %v; want %q", err, tt.err)
			}
		})
	}
}

func TestASharedCounterBeginsAnewAfterFLUSHALL(t *testing.T) {
	counter := shared{"s", 100, moment(500), [][]addition{{{1, moment(600)}, {3, moment(noReply)}}}}
	for name, tt := range map[string]struct {
		seen    int64
		durable time.Time
		err     string
	}{
		"anew":                             {1, forever, ""},
		"a lost FLUSHALL":                  {100, forever, "more than"},
		"a FLUSHALL lost within the delay": {100, moment(400), ""},
		"FLUSHALL lost, but what followed": {101, moment(400), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := counter.verify(tt.seen, tt.durable); !wantErr(err, tt.err) {
				t.Errorf("got %v; want %q", err, tt.err)
			}
		})
	}
}

func TestALimitHoldsOverEveryInterval(t *testing.T) {
	l := limit{name: "l", tokens: 3, window: 300 * time.Millisecond} // one each 100 ms
	given := func(acked ...int) (tokens []token) {
		for _, ms := range acked {
			tokens = append(tokens, token{moment(ms - 1), moment(ms)})
		}
		return tokens
	}
	for name, tt := range map[string]struct {
		given []token
		err   string
	}{
		"none":                    {nil, ""},
		"a burst":                 {given(1, 2, 3), ""},
		"a burst and more":        {given(1, 2, 3, 4), "4 tokens"},
		"what was earned":         {given(1, 2, 3, 101, 201, 301), ""},
		"more than that":          {given(1, 2, 3, 101, 201, 211), "6 tokens"},
		"a second burst":          {given(1, 2, 3, 401, 402, 403, 404), "4 tokens"},
		"a reply that was slow":   {[]token{{moment(1), moment(500)}, {moment(2), moment(3)}, {moment(2), moment(4)}, {moment(4), moment(5)}}, ""},
		"a burst behind a second": {given(1001, 1002, 1003, 1004), "4 tokens"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := l.verify(tt.given); !wantErr(err, tt.err) {
				t.Errorf("got %v; want %q", err, tt.err)
			}
		})
	}
}
