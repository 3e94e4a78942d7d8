package server

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// script is the requests of one client, and the replies that a model of the server expects. No other client uses the
// script's keys, so the model needs to know of no other client. In want, a '?' stands for any byte.
type script struct {
	random  *rand.Rand
	name    string
	send    strings.Builder
	want    strings.Builder
	count   int
	text    string
	left    int  // tokens in the client's quota; -1: it has no quota
	ended   bool // the last request ends the connection
	patient bool // the client sends no wrong passwords, which are answered a second later
	flushes bool // all clients of the server send FLUSHALL, so any key may be gone a moment later
	keys    int  // how many names newKey has given
	marks   []mark
}

// mark is where a request and its reply end.
type mark struct{ sent, want int }

// sharedBytes is the length of a value that all clients read.
const sharedBytes = 150_000

const wrongPass = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"

func newScript(seed uint64, flushes bool) *script {
	random := rand.New(rand.NewPCG(seed, 0))
	s := &script{random: random, name: strconv.FormatUint(seed, 10), left: -1, patient: random.IntN(4) > 0, flushes: flushes}
	for range 1 + random.IntN(12) {
		s.add()
	}
	if random.IntN(8) == 0 {
		s.ask("+OK\r\n", "QUIT")
		s.ended = true
	}
	return s
}

// ask adds a request and its reply.
func (s *script) ask(reply string, args ...string) {
	if s.random.IntN(10) == 0 {
		s.send.WriteString(strings.Join(args, " ") + "\r\n")
	} else {
		s.send.WriteString(request(args...))
	}
	s.want.WriteString(reply)
	s.marks = append(s.marks, mark{s.send.Len(), s.want.Len()})
}

// add adds one or a few random requests.
func (s *script) add() {
	switch {
	case s.random.IntN(5) == 0:
		s.addBeside()
	case s.flushes:
		s.addAnyKey()
	default:
		s.addOwnKey()
	}
}

// addOwnKey adds a request whose reply depends on earlier requests of the script.
func (s *script) addOwnKey() {
	counter, value, bucket := "n"+s.name, "v"+s.name, "q"+s.name
	switch n := s.random.IntN(40); {
	case n < 8:
		s.count++
		s.ask(":"+itoa(s.count)+"\r\n", "INCR", counter)
	case n < 10:
		s.text = strings.Repeat("x", 1+s.random.IntN(300))
		s.ask("+OK\r\n", "SET", value, s.text)
	case n < 12 && s.text != "":
		s.ask("$"+itoa(len(s.text))+"\r\n"+s.text+"\r\n", "GET", value)
	case n < 14:
		s.ask("$4\r\nthis\r\n", "ECHO", "this")
	case n < 16:
		s.transaction(counter)
	case n < 18:
		s.left = 100
		s.ask(":?\r\n", "QUOTADEL", bucket)
		s.ask("+OK\r\n", "QUOTASET", bucket, "100", "1000000000")
	case n < 25 && s.left >= 0:
		take := 1 + s.random.IntN(60)
		if take > s.left {
			s.ask(":-1\r\n", "INCRBY", bucket, itoa(take))
			return
		}
		s.left -= take
		s.ask(":"+itoa(s.left)+"\r\n", "INCRBY", bucket, itoa(take))
	case n < 26:
		times := 1
		if s.random.IntN(8) == 0 {
			times = 20 // more than a client may have unread before its requests wait
		}
		for range times {
			s.ask("$"+itoa(sharedBytes)+"\r\n"+strings.Repeat("s", sharedBytes)+"\r\n", "GET", "shared")
		}
	default:
		s.addAnyKey()
	}
}

// addAnyKey adds a request whose reply does not depend on any key, or a request on a new key.
func (s *script) addAnyKey() {
	switch n := 25 + s.random.IntN(15); {
	case n < 26:
		s.ask(":1\r\n", "INCR", s.newKey())
	case n < 27:
		s.ask("*2\r\n:1\r\n:0\r\n", "WAITAOF", "1", "0", "0")
	case n < 28:
		s.ask("*2\r\n:?\r\n:0\r\n", "WAITAOF", "1", "1", itoa(1+s.random.IntN(4)))
	case n < 29:
		s.ask("+OK\r\n", "SAVE")
	case n < 31:
		s.ask("+OK\r\n", "CLIENT", "PAUSE", itoa(1+s.random.IntN(4)), []string{"WRITE", "ALL"}[s.random.IntN(2)])
	case n < 32:
		s.ask("+OK\r\n", "CLIENT", "UNPAUSE")
	case n < 33:
		s.ask(":0\r\n", "CLIENT", "KILL", "ID", "987654321")
	case n < 34:
		s.ask("+OK\r\n", "ACL", "SETUSER", "someone", "on", "+get")
	case n < 35 && !s.patient:
		s.ask(wrongPass, "AUTH", "nobody", "wrong")
	case n < 36:
		s.ask("+OK\r\n", "QUOTASET", s.newKey(), "100", "1000000000")
	case n < 37:
		s.ask("+OK\r\n", "MULTI")
		s.ask("+QUEUED\r\n", "INCR", s.newKey())
		s.ask("*1\r\n:1\r\n", "EXEC")
	default:
		s.ask("+PONG\r\n", "PING")
	}
}

// addBeside adds a request that is worked on beside the event loops.
func (s *script) addBeside() {
	switch n := s.random.IntN(20); {
	case n < 4:
		s.ask("+OK\r\n", "ACL", "SAVE")
	case n < 8:
		s.ask("+OK\r\n", "ACL", "LOAD")
	case n < 12:
		s.ask("$16\r\n????????????????\r\n", "CLUSTER", "DIGEST")
	case n < 13:
		s.ask("+OK\r\n", "MEMORY", "PURGE")
	case n < 16:
		s.ask("*0\r\n", "KEYS", "[n]othing")
	default:
		if s.flushes {
			s.ask("+OK\r\n", "FLUSHALL")
		}
	}
}

// newKey is the name of a key that no other request uses.
func (s *script) newKey() string {
	s.keys++
	return "k" + s.name + "." + itoa(s.keys)
}

func (s *script) transaction(counter string) {
	s.ask("+OK\r\n", "MULTI")
	n := 1 + s.random.IntN(3)
	replies := "*" + itoa(n) + "\r\n"
	for range n {
		s.count++
		s.ask("+QUEUED\r\n", "INCR", counter)
		replies += ":" + itoa(s.count) + "\r\n"
	}
	s.ask(replies, "EXEC")
}
