package command

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestBitCommandsAnswerAsRedis(t *testing.T) {
	runScript(t, `
		SETBIT k 7 1 => :0
		SETBIT k 7 1 => :1
		GET k => $1¶\x01
		GETBIT k 7 => :1
		GETBIT k 8 => :0
		GETBIT k 4294967295 => :0
		GETBIT k 4294967296 => -ERR bit offset is not an integer or out of range
		GETBIT k -1 => -ERR bit offset is not an integer or out of range
		SETBIT k 4294967296 1 => -ERR bit offset is not an integer or out of range
		SETBIT k x 5 => -ERR bit offset is not an integer or out of range
		SETBIT k 0 2 => -ERR bit is not an integer or out of range
		SETBIT k 0 -1 => -ERR bit is not an integer or out of range
		SETBIT zero 20 0 => :0
		STRLEN zero => :3
		BITCOUNT zero => :0
		SET n 12345 => +OK
		SETBIT n 7 0 => :1
		GET n => $5¶02345
		SETBIT n 7 1 => :0
		INCR n => :12346
		SET k foobar => +OK
		BITCOUNT k => :26
		BITCOUNT k 0 0 => :4
		BITCOUNT k 5 30 BIT => :17
		BITCOUNT k -2 -1 byte => :7
		BITCOUNT k 0 => -ERR syntax error
		BITCOUNT k 0 1 what => -ERR syntax error
		BITCOUNT k -1 -2 what => :0
		BITCOUNT k 0 1 bit more => -ERR syntax error
		BITCOUNT k 0 x what => -ERR value is not an integer or out of range
		BITCOUNT nothing 0 x what => :0
		BITPOS k 1 => :1
		BITPOS k 0 -1 => :40
		BITPOS k 1 8 20 BIT => :9
		BITPOS k 0 -7 -8 => :0
		BITPOS k 0 -1 -2 => :-1
		BITPOS k 2 => -ERR The bit argument must be 1 or 0.
		BITPOS nothing 2 => -ERR The bit argument must be 1 or 0.
		BITPOS nothing 0 x => :0
		BITPOS nothing 1 => :-1
		BITPOS k 1 x 1 what => -ERR value is not an integer or out of range
		BITPOS k 1 0 x what => -ERR syntax error
		BITPOS k 1 0 x bit => -ERR value is not an integer or out of range
		BITPOS k 1 0 1 bit more => -ERR syntax error
		SET ones "\xff\xff\xff" => +OK
		BITPOS ones 0 => :24
		BITPOS ones 0 1 => :24
		BITPOS ones 0 0 -1 => :-1
		BITPOS ones 0 3 => :-1
		BITPOS ones 0 0 23 bit => :-1
		SET ones "" => +OK
		BITPOS ones 0 => :-1
		BITCOUNT ones 0 -1 => :0
	`)
}

// TestBitRangesAreWhatOneBitAfterTheOtherSays compares counting and finding with a loop over single bits.
func TestBitRangesAreWhatOneBitAfterTheOtherSays(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 0))
	for range 20_000 {
		text := make([]byte, 1+random.IntN(40))
		fill := byte(-random.IntN(2))
		for i := range text {
			if text[i] = fill; random.IntN(20) == 0 {
				text[i] = byte(random.Uint32())
			}
		}
		from := random.Int64N(int64(len(text)) * 8)
		r := bitRange{from, from + random.Int64N(int64(len(text))*8-from)}
		count, first := int64(0), [2]int64{-1, -1}
		for i := r.to; i >= r.from; i-- {
			bit := bitAt(text, i)
			count += int64(bit)
			first[bit] = i
		}
		what := fmt.Sprintf("%x, bits %d to %d", text, r.from, r.to)
		if got := countBits(text, r); got != count {
			t.Fatalf("%s: count %d, want %d", what, got, count)
		}
		for bit := range first {
			if got := findBit(text, byte(bit), r); got != first[bit] {
				t.Fatalf("%s: the first %d is at %d, want %d", what, bit, got, first[bit])
			}
		}
	}
}
