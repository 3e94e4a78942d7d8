package oracle

import (
	"fmt"
	"strings"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

// A chooser picks a number from 0 to n-1. rapid's can be shrunk, a seeded one is fast.
type chooser func(n int) int

// generator makes commands that mean the same on two servers whatever the time.
// Deadlines are therefore far away or long past; relative ones are seconds apart
// from each other and never meet GT or LT, whose answer could depend on one
// millisecond.
type generator struct {
	choose chooser
	keys   int // how many different keys to use
}

// templates are the commands. A name in angle brackets is replaced by one of
// fillings, <key> by one of the generator's keys.
var templates = []string{
	"GET <key>", "GET <key>", "SET <key> <value>", "SET <key> <value>", "SET <key> <value> <when>",
	"SET <key> <value> <when> <how>", "SET <key> <value> <how> <when>", "SET <key> <value> <how> <how> <how>",
	"SETNX <key> <value>", "SETEX <key> <seconds> <value>", "PSETEX <key> <millis> <value>",
	"GETSET <key> <value>", "GETDEL <key>", "GETEX <key>", "GETEX <key> <when>", "GETEX <key> PERSIST",
	"MGET <key> <key> <key>", "MSET <key> <value> <key> <value>", "MSETNX <key> <value> <key> <value>",
	"STRLEN <key>", "INCR <key>", "INCR <key>", "INCR <key>", "DECR <key>", "DECR <key>",
	"INCRBY <key> <amount>", "INCRBY <key> <amount>", "DECRBY <key> <amount>", "DECRBY <key> <amount>",
	"DEL <key>", "DEL <key> <key>", "UNLINK <key>", "EXISTS <key> <key>", "TYPE <key>", "TOUCH <key> <key>",
	"EXPIRE <key> <seconds>", "EXPIRE <key> <seconds> <once>", "PEXPIRE <key> <millis>", "PEXPIRE <key> <millis> <once>",
	"EXPIREAT <key> <at>", "EXPIREAT <key> <at> <only>", "EXPIREAT <key> <at> <only> <only>",
	"PEXPIREAT <key> <atms>", "PEXPIREAT <key> <atms> <only>",
	"TTL <key>", "PTTL <key>", "EXPIRETIME <key>", "PEXPIRETIME <key>", "PERSIST <key>", "PERSIST <key>",
	"GETRANGE <key> <position> <position>", "SUBSTR <key> <position> <position>", "SETRANGE <key> <offset> <value>",
	"APPEND <key> <value>", "APPEND <key> <digit>", "APPEND <key> <digit>", "SETRANGE <key> <offset> <digit>",
	"SETBIT <key> <bit> <digit>", "GETBIT <key> <bit>", "BITCOUNT <key>", "BITCOUNT <key> <position> <position>",
	"BITCOUNT <key> <position> <position> <unit>", "BITPOS <key> <digit>", "BITPOS <key> <digit> <position>",
	"BITPOS <key> <digit> <position> <position>", "BITPOS <key> <digit> <position> <position> <unit>",
	"LCS <key> <key> <common>", "COPY <key> <key>", "COPY <key> <key> <replace>", "RENAME <key> <key>", "RENAMENX <key> <key>",
	"PING", "ECHO <value>", "NOSUCHCOMMAND <key> <value>",
}

var fillings = map[string][]string{
	"value": {
		"0", "1", "-1", "42", "-100000", "9223372036854775807", "9223372036854775806", "-9223372036854775808",
		"9223372036854775808", "abc", "", "01", "+1", " 1", "-0", "1.5", "\x00\xff\r\n", strings.Repeat("x", 100),
		strings.Repeat("long", 5000),
	},
	"amount": {
		"0", "1", "-1", "2", "1000", "-77777", "9223372036854775807", "-9223372036854775808", "4611686018427387904",
		"abc", "1.5", "01", "9223372036854775808",
	},
	"when": {
		"EX <seconds>", "PX <millis>", "EXAT <at>", "PXAT <atms>", "KEEPTTL",
	},
	"how":     {"NX", "XX", "GET", "get", "KEEPTTL", "EX <seconds>"},
	"seconds": {"100000", "200000", "300000", "100000", "0", "-1", "abc", "9223372036854775807"},
	"millis":  {"100000000", "200000000", "300000000", "0", "-1", "abc", "9223372036854775807"},
	"at":      {"99999999997", "99999999998", "99999999999", "99999999998", "1", "0", "-1", "abc", "9223372036854775807"},
	"atms":    {"99999999998000", "99999999998001", "99999999998999", "99999999999000", "1", "-1", "9223372036854775807"},
	"position": {
		"0", "1", "2", "-1", "-2", "5", "-5", "17", "99", "-99", "9223372036854775807", "-9223372036854775808", "abc", "9223372036854775808",
	},
	"offset":  {"0", "1", "2", "7", "19", "20", "21", "300", "-1", "abc", "536870912", "9223372036854775807"},
	"bit":     {"0", "1", "2", "7", "8", "15", "100", "159", "160", "1000", "-1", "abc", "4294967296"},
	"digit":   {"0", "1", "0", "1", "0", "1", "2", "x"},
	"unit":    {"BIT", "BYTE", "bit", "what"},
	"common":  {"LEN", "IDX", "LEN", "IDX MINMATCHLEN 2", "idx withmatchlen", "LEN IDX", "MINMATCHLEN abc", "WHAT"},
	"replace": {"REPLACE", "replace", "DB 0", "DB 1", "DB 0 REPLACE", "DB", "WHAT"},
	"once":    {"NX", "XX", "xx", "NX XX"},
	"only":    {"NX", "XX", "GT", "LT", "gt", "lt"},
}

// oddKeys come first, so that few keys include the strange ones.
var oddKeys = []string{"a", "", "\x00\r\n", "b", strings.Repeat("k", 300)}

func (g generator) key(i int) string {
	if i < len(oddKeys) {
		return oddKeys[i]
	}
	return fmt.Sprintf("key:%d", i)
}

// command makes one command; one in twenty has an argument too few or too many.
func (g generator) command() []string {
	args := g.fill(templates[g.choose(len(templates))])
	switch g.choose(40) {
	case 39:
		args = append(args, "extra")
	case 38:
		if len(args) > 1 {
			args = args[:len(args)-1]
		}
	case 37:
		args[0] = strings.ToLower(args[0])
	}
	return args
}

func (g generator) fill(template string) []string {
	var args []string
	for _, word := range strings.Fields(template) {
		name, ok := strings.CutPrefix(word, "<")
		if !ok {
			args = append(args, word)
			continue
		}
		name = strings.TrimSuffix(name, ">")
		if name == "key" {
			args = append(args, g.key(g.choose(g.keys)))
			continue
		}
		choices := fillings[name]
		choice := choices[g.choose(len(choices))]
		if name == "value" || name == "amount" { // literal bytes, never a template
			args = append(args, choice)
		} else {
			args = append(args, g.fill(choice)...)
		}
	}
	return args
}

// inspection reads everything about every key.
func (g generator) inspection() [][]string {
	commands := [][]string{{"KEYS", "*"}}
	for i := range g.keys {
		key := g.key(i)
		commands = append(commands, []string{"TYPE", key}, []string{"GET", key}, []string{"STRLEN", key}, []string{"PEXPIRETIME", key})
	}
	return append(commands, []string{"DBSIZE"}) // last: by now both servers have found every expired key
}

// comparisonFor allows a generated command what the passing of time costs.
func comparisonFor(args []string) comparison {
	const slack = 20 // seconds between the two servers, far below the steps between deadlines
	switch strings.ToUpper(args[0]) {
	case "TTL", "EXPIRETIME":
		return about(slack)
	case "PTTL", "PEXPIRETIME":
		return about(slack * 1000)
	case "KEYS":
		return normalised(sorted)
	case "HELLO":
		return normalised(hello)
	}
	return wire.Value.Equal
}
