package loop_test

import (
	"encoding/binary"
	"math/rand/v2"
)

// Requests of the protocol that the clients of TestEveryByteOfEveryConversationArrives speak with an answerer. A
// request is its kind and a number of three bytes; nothing is one byte alone, content is followed by as many bytes.
const (
	nothing  = 0
	reply    = 'r' // as many bytes, at once
	pieces   = 'p' // as many bytes, in pieces
	hold     = 'h' // the next requests wait for as many microseconds
	wakes    = 'w' // other goroutines wake the connection
	content  = 'i' // as many bytes of input follow
	more     = 't' // the answerer reads input itself
	bye      = 'b' // the answerer closes when all replies have left
	shut     = 'x' // another goroutine closes the connection beside a wake-up
	cut      = 'c' // another goroutine cuts the connection
	neighbor = 'k' // the answerer closes another connection of its loop
)

// requestBytes is the length of a request.
const requestBytes = 4

// ending says how the client ends a conversation.
type ending int

const (
	byRequest   ending = iota // its last request is bye
	byHalfClose               // it half-closes, and reads until the end
	byClose                   // it closes when it has all replies
	byReset                   // it resets the connection in the middle
	endings
)

// plan is one conversation, made from a seed.
type plan struct {
	key    uint64 // of the patterns of both directions
	send   []byte // the requests
	marks  []int  // where requests begin
	want   int    // bytes of replies
	ending ending
	doomed bool // either side may end the connection at any moment, so replies may be missing at the end
	unix   bool
	random *rand.Rand
}

func newPlan(seed uint64) *plan {
	random := rand.New(rand.NewPCG(seed, 3))
	p := &plan{key: random.Uint64(), ending: ending(random.IntN(int(endings))), random: random, unix: random.IntN(3) == 0}
	p.doomed = p.ending == byReset || random.IntN(5) == 0
	inputs := 0
	for range 1 + random.IntN(1<<random.IntN(7)) {
		switch n := random.IntN(100); {
		case n < 40:
			p.ask(reply, p.size())
		case n < 60:
			p.ask(pieces, p.size())
		case n < 70:
			p.ask(hold, random.IntN(3000))
		case n < 77:
			p.ask(wakes, 1+random.IntN(4))
		case n < 85:
			n := random.IntN(1 << random.IntN(18))
			p.ask(content, n)
			bytes := make([]byte, n)
			fill(bytes, ^p.key, inputs)
			p.send, inputs = append(p.send, bytes...), inputs+n
		case n < 90:
			p.ask(more, 0)
		case n < 95:
			p.marks, p.send = append(p.marks, len(p.send)), append(p.send, nothing)
		case !p.doomed: // the others end a connection
		case n < 96:
			p.ask(shut, 0)
		case n < 97:
			p.ask(cut, 0)
		default:
			p.ask(neighbor, 0)
		}
	}
	if p.ending == byRequest {
		p.ask(bye, 0)
	}
	return p
}

// size is the length of a reply: mostly short, rarely more than the sockets' buffers hold.
func (p *plan) size() int {
	if p.random.IntN(64) == 0 {
		return 1 + p.random.IntN(1<<22)
	}
	return 1 + p.random.IntN(1<<(2+p.random.IntN(16)))
}

func (p *plan) ask(kind byte, n int) {
	p.marks = append(p.marks, len(p.send))
	p.send = append(p.send, kind, byte(n), byte(n>>8), byte(n>>16))
	if kind == reply || kind == pieces {
		p.want += n
	}
}

// fill fills b with the bytes of the pattern of a key from an offset on. The pattern is the same however it is cut.
func fill(b []byte, key uint64, at int) {
	var word [8]byte
	for i := 0; i < len(b); {
		n := at + i
		x := (key + uint64(n/8)) * 0x9e3779b97f4a7c15
		x ^= x >> 29
		x *= 0xbf58476d1ce4e5b9
		binary.LittleEndian.PutUint64(word[:], x^x>>32)
		i += copy(b[i:], word[n%8:])
	}
}
