package command

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestLCSAnswersAsRedis(t *testing.T) {
	runScript(t, `
		MSET a ohmytext b mynewtext n 12345 m 21345 e "" => +OK
		LCS a b => $6¶mytext
		LCS a b LEN => :6
		LCS a b IDX => *4¶$7¶matches¶*2¶*2¶*2¶:4¶:7¶*2¶:5¶:8¶*2¶*2¶:2¶:3¶*2¶:0¶:1¶$3¶len¶:6
		LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN => *4¶$7¶matches¶*1¶*3¶*2¶:4¶:7¶*2¶:5¶:8¶:4¶$3¶len¶:6
		LCS a b IDX MINMATCHLEN -5 => *4¶$7¶matches¶*2¶*2¶*2¶:4¶:7¶*2¶:5¶:8¶*2¶*2¶:2¶:3¶*2¶:0¶:1¶$3¶len¶:6
		LCS a b MINMATCHLEN 5 WITHMATCHLEN => $6¶mytext
		LCS n m => $4¶2345
		LCS a nothing => $0¶
		LCS a e IDX => *4¶$7¶matches¶*0¶$3¶len¶:0
		LCS nothing e LEN => :0
		LCS a a => $8¶ohmytext
		LCS a b LEN IDX => -ERR If you want both the length and indexes, please just use IDX.
		LCS a b MINMATCHLEN => -ERR syntax error
		LCS a b MINMATCHLEN x => -ERR value is not an integer or out of range
		LCS a b WHAT => -ERR syntax error
		LCS a => -ERR wrong number of arguments for 'lcs' command
	`)
}

func TestLCSRefusesWhatRedisRefuses(t *testing.T) {
	runScript(t, `
		SETRANGE a 11583 a => :11584
		SETRANGE b 11584 a => :11585
		LCS a b LEN => -ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
		SETRANGE long 2097150 x => :2097151
		SETRANGE short 60 x => :61
		LCS long short IDX => *4¶$7¶matches¶*1¶*2¶*2¶:2097090¶:2097150¶*2¶:0¶:60¶$3¶len¶:61
		APPEND long x => :2097152
		! LCS long short LEN => -ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
	`)
	b := newBench(t, nil)
	b.do("SETRANGE", "a", "11583", "a")
	if got := b.do("LCS", "a", "a", "LEN"); got != ":11584\r\n" {
		t.Errorf("one byte less: %q", got)
	}
}

// TestLCSFindsWhatRedisFinds compares on random texts of few letters, where many subsequences have the same length.
func TestLCSFindsWhatRedisFinds(t *testing.T) {
	redis := dialRedis(t)
	if redis == nil {
		t.Skip("no redis-server on PATH")
	}
	b, random := newBench(t, nil), rand.New(rand.NewPCG(1, 0))
	text := func() string {
		letters := make([]byte, random.IntN(200))
		for i := range letters {
			letters[i] = 'a' + byte(random.IntN(3))
		}
		return string(letters)
	}
	for range 300 {
		set := []string{"MSET", "a", text(), "b", text()}
		b.do(set...)
		redis.do(t, set...)
		for _, options := range []string{"LCS a b", "LCS a b IDX WITHMATCHLEN", "LCS a b IDX MINMATCHLEN 2", "LCS a b LEN"} {
			command := strings.Fields(options)
			if got, want := b.do(command...), redis.do(t, command...); got != want {
				t.Fatalf("%q, %s\ngot  %q\nwant %q", set, options, got, want)
			}
		}
	}
}
