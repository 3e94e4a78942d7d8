package command

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// callsEach is how many random calls of each command are made in each protocol.
const callsEach = 200

// TestEveryCommandAnswersAnyArgumentsWithOneReply calls every row with up to eight arguments of several kinds, also
// with the words of its usage line.
func TestEveryCommandAnswersAnyArgumentsWithOneReply(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, r := range newTable(commands()).rows {
		b := newBench(t, nil)
		b.failures.rate.Capacity = 1_000_000               // so that no reply is delayed
		b.do("CONFIG", "SET", "proto-max-bulk-len", "1mb") // so that no argument creates a value of 512 MB
		pool := append(anyArguments(), wordsIn(r.usage)...)
		for i := range 2 * callsEach {
			proto := 2 + i%2
			args := strings.Split(r.full, "|")
			for range rnd.IntN(9) {
				args = append(args, pool[rnd.IntN(len(pool))])
			}
			b.pause.stop() // otherwise no client gets a reply
			b.do("MSET", "counter", "5", "bytes", "abc")
			b.do("QUOTASET", "quota", "10", "60")
			client := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
			client.Proto = proto
			reply, turn := b.x.Run(client, [][][]byte{words(args)}, nil)
			if late := r.full == "waitaof" || r.full == "cluster|digest" || r.flags&takesLong != 0; late && turn.Next == Late && len(reply) == 0 {
				b.Disconnect(client) // it waits for replicas, which do not exist, or for work beside the loop
				continue
			}
			checkOneReply(t, args, reply, proto, turn.Next == Bye)
			b.Disconnect(client)
		}
	}
}

// anyArguments are numbers in and out of range, names of keys of all types, patterns, and unusual texts.
func anyArguments() []string {
	return []string{
		"0", "1", "-1", "2", "10", "007", "+1", "1.5", "1e3", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "nan",
		"counter", "bytes", "quota", "none", "*", "[a-", `\`, "x:*?", "", " ", "\x00", "a\r\nb", "\xff\xfe", "é", "default", "on", "yes",
		"get", "set", "config|get", "maxmemory", "timeout", "string", "127.0.0.1:6", strings.Repeat("x", 3000),
	}
}

// wordsIn are the words in capitals of a usage line.
func wordsIn(usage string) []string {
	var all []string
	for _, word := range strings.FieldsFunc(usage, func(r rune) bool { return strings.ContainsRune(" []<>|", r) }) {
		if word == strings.ToUpper(word) && strings.ContainsFunc(word, unicode.IsUpper) {
			all = append(all, word)
		}
	}
	return all
}

func checkOneReply(t *testing.T, args []string, reply []byte, proto int, closed bool) {
	t.Helper()
	if len(reply) == 0 && (closed || strings.HasPrefix(strings.Join(args, " "), "client reply ")) {
		return
	}
	size, err := replySize(reply, maxReplyDepth)
	if err != nil || size != len(reply) {
		t.Fatalf("%q, RESP%d: %v in %.500q", args, proto, err, reply)
	}
	foreign := map[int]string{2: "%~_=,#>(", 3: "N"}[proto]
	if kinds := kindsOf(string(reply)); strings.ContainsAny(kinds, foreign) {
		t.Fatalf("%q: types %s in the RESP%d reply %.500q", args, kinds, proto, reply)
	}
}

// kindsOf are the letters of all types in a well-formed reply, N for a null of RESP2.
func kindsOf(reply string) string {
	var kinds strings.Builder
	for reply != "" {
		line, rest, _ := strings.Cut(reply, "\r\n")
		switch n, _ := strconv.Atoi(line[1:]); {
		case strings.ContainsAny(line[:1], "$*") && n == -1:
			kinds.WriteByte('N')
		case strings.ContainsAny(line[:1], "$="):
			rest = rest[n+2:]
			fallthrough
		default:
			kinds.WriteByte(line[0])
		}
		reply = rest
	}
	return kinds.String()
}
