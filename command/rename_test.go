package command

import "testing"

func TestRenameAndCopyAnswerAsRedis(t *testing.T) {
	runScript(t, `
		RENAME nothing b => -ERR no such key
		RENAMENX nothing nothing => -ERR no such key
		SET a 5 PXAT 99999999999999 => +OK
		SET b v => +OK
		RENAMENX a b => :0
		RENAMENX a a => :0
		RENAME a a => +OK
		RENAME a b => +OK
		EXISTS a => :0
		INCR b => :6
		PEXPIRETIME b => :99999999999999
		SET a v => +OK
		RENAME a b => +OK
		PEXPIRETIME b => :-1
		RENAMENX b c => :1
		PEXPIREAT c 99999999999998 => :1
		COPY c c => -ERR source and destination objects are the same
		COPY nothing nothing => -ERR source and destination objects are the same
		COPY nothing c => :0
		COPY nothing c REPLACE => :0
		COPY c d => :1
		PEXPIRETIME d => :99999999999998
		SET c w => +OK
		GET d => $1¶v
		COPY c d => :0
		COPY c d DB 0 REPLACE replace => :1
		GET d => $1¶w
		PEXPIRETIME d => :-1
		COPY c e DB 1 => -ERR DB index is out of range
		COPY c e DB x => -ERR value is not an integer or out of range
		COPY c e DB 99999999999 => -ERR value is out of range, value must between -2147483648 and 2147483647
		COPY c e DB => -ERR syntax error
		COPY c e WHAT => -ERR syntax error
		MOVE c 0 => -ERR source and destination objects are the same
		MOVE nothing 1 => -ERR DB index is out of range
		MOVE c x => -ERR value is not an integer or out of range
		SWAPDB 0 0 => +OK
		SWAPDB 0 1 => -ERR DB index is out of range
		SWAPDB x 1 => -ERR invalid first DB index
		SWAPDB 99999999999 x => -ERR invalid first DB index
		SWAPDB 1 x => -ERR invalid second DB index
		COMMAND GETKEYS RENAME a b => *2¶$1¶a¶$1¶b
		COMMAND GETKEYS COPY a b DB 0 => *2¶$1¶a¶$1¶b
		COMMAND GETKEYS LCS a b LEN => *2¶$1¶a¶$1¶b
	`)
}

func TestAKeyThatHasEndedIsNotRenamed(t *testing.T) {
	b := newBench(t, nil)
	b.do("SET", "a", "v", "PX", "10")
	b.do("SET", "b", "w", "PX", "10")
	b.wall += 10
	for _, s := range [][3]string{{"RENAME", "a", "-" + errNoKey}, {"COPY", "a", ":0"}} {
		if got := b.do(s[0], s[1], "b"); got != s[2]+"\r\n" {
			t.Errorf("%s: %q", s[0], got)
		}
	}
	b.do("SET", "c", "x")
	if got := b.do("RENAMENX", "c", "b"); got != ":1\r\n" {
		t.Errorf("a key that has ended is in the way: %q", got)
	}
	if got := b.do("PTTL", "b"); got != ":-1\r\n" {
		t.Errorf("the deadline of a key that has ended is left: %q", got)
	}
}
