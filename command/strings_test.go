package command

import (
	"testing"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/engine"
)

func TestStringCommandsAnswerAsRedis(t *testing.T) {
	runScript(t, `
		GET k => $-1
		SET k v => +OK
		GET k => $1¶v
		set k "" => +OK
		GET k => $0¶
		SET k "\x00\r\n\xff" => +OK
		GET k => $4¶\x00\r\n\xff
		SET k 007 => +OK
		GET k => $3¶007
		SET k -0 => +OK
		GET k => $2¶-0
		SET k -9223372036854775808 => +OK
		GET k => $20¶-9223372036854775808
		STRLEN k => :20
		SET k 9223372036854775808 => +OK
		GET k => $19¶9223372036854775808
		GETSET k 5 => $19¶9223372036854775808
		GETSET k x => $1¶5
		GETSET new x => $-1
		GETDEL new => $1¶x
		GETDEL new => $-1
		SETNX n 1 => :1
		SETNX n 2 => :0
		GET n => $1¶1
		MSET a 1 b two a 3 => +OK
		MGET a b nothing a => *4¶$1¶3¶$3¶two¶$-1¶$1¶3
		MSET a 1 b => -ERR wrong number of arguments for 'mset' command
		MSETNX x 1 a 2 => :0
		EXISTS x => :0
		MSETNX x 1 y 2 x 3 => :1
		MGET x y => *2¶$1¶3¶$1¶2
		MSETNX x => -ERR wrong number of arguments for 'msetnx' command
		MSETNX x 1 y => -ERR wrong number of arguments for 'msetnx' command
		STRLEN nothing => :0
		STRLEN b => :3
		GET => -ERR wrong number of arguments for 'get' command
		GeT a b => -ERR wrong number of arguments for 'get' command
	`)
}

func TestSetOptionsAnswerAsRedis(t *testing.T) {
	runScript(t, `
		SET k 1 XX => $-1
		SET k 1 NX => +OK
		SET k 2 NX => $-1
		SET k 2 NX GET => $1¶1
		SET k 2 XX GET => $1¶1
		SET new 2 XX GET => $-1
		SET new 2 NX GET => $-1
		GET new => $1¶2
		SET k v NX XX => -ERR syntax error
		SET k v EX => -ERR syntax error
		SET k v EX 10 PX 10 => -ERR syntax error
		SET k v EX 10 EX 20 => +OK
		SET k v KEEPTTL EX 10 => -ERR syntax error
		SET k v EX 10 KEEPTTL => -ERR syntax error
		SET k v PERSIST => -ERR syntax error
		SET k v \xe2\x84\xaaEEPTTL => -ERR syntax error
		SET k v EX 0 => -ERR invalid expire time in 'set' command
		SET k v PXAT -1 => -ERR invalid expire time in 'set' command
		SET k v EX 9223372036854776 => -ERR invalid expire time in 'set' command
		SET k v PX 9223372036854775807 => -ERR invalid expire time in 'set' command
		SET k v EX 1.5 => -ERR value is not an integer or out of range
		SET k v EX NX => -ERR value is not an integer or out of range
		SET k v NX EX 0 => -ERR invalid expire time in 'set' command
		SET k v exat 99999999999 get => $1¶v
		PEXPIRETIME k => :99999999999000
		SET k w KEEPTTL => +OK
		PEXPIRETIME k => :99999999999000
		SET k 5 KEEPTTL KEEPTTL GET => $1¶w
		INCR k => :6
		PEXPIRETIME k => :99999999999000
		SET k 5 => +OK
		PEXPIRETIME k => :-1
		SET k w GET PXAT 1 => $1¶5
		EXISTS k => :0
		SET k w EXAT 1 => +OK
		! DBSIZE => :1
		SETEX k 0 v => -ERR invalid expire time in 'setex' command
		SETEX k abc v => -ERR value is not an integer or out of range
		PSETEX k -1 v => -ERR invalid expire time in 'psetex' command
		SETEX k 100 v => +OK
		TTL k => :100
		PSETEX k 100400 7 => +OK
		TTL k => :100
		SET k v => +OK
		GETEX k => $1¶v
		GETEX k EX 0 => -ERR invalid expire time in 'getex' command
		GETEX nothing EX 0 => $-1
		GETEX nothing WHAT => -ERR syntax error
		GETEX k NX => -ERR syntax error
		GETEX k EX 1 PERSIST => -ERR syntax error
		GETEX k PERSIST PERSIST => $1¶v
		GETEX k PXAT 99999999999001 => $1¶v
		PEXPIRETIME k => :99999999999001
		GETEX k PERSIST => $1¶v
		PEXPIRETIME k => :-1
		GETEX k PXAT 1 => $1¶v
		GET k => $-1
	`)
}

func TestCountersAnswerAsRedis(t *testing.T) {
	runScript(t, `
		INCR k => :1
		INCRBY k 10 => :11
		DECR k => :10
		DECRBY k -5 => :15
		INCRBY k 0 => :15
		INCRBY z 0 => :0
		EXISTS z => :1
		INCRBY k abc => -ERR value is not an integer or out of range
		INCRBY k +1 => -ERR value is not an integer or out of range
		INCRBY k 9223372036854775808 => -ERR value is not an integer or out of range
		INCRBY k 9223372036854775807 => -ERR increment or decrement would overflow
		DECRBY k -9223372036854775808 => -ERR decrement would overflow
		DECRBY k 9223372036854775807 => :-9223372036854775792
		DECRBY k 17 => -ERR increment or decrement would overflow
		DECRBY k 16 => :-9223372036854775808
		DECR k => -ERR increment or decrement would overflow
		GET k => $20¶-9223372036854775808
		SET s 01 => +OK
		INCR s => -ERR value is not an integer or out of range
		GET s => $2¶01
		SET s 41 => +OK
		INCR s => :42
		TYPE s => +string
		INCR => -ERR wrong number of arguments for 'incr' command
		! INCRBYFLOAT s 1.5 => -ERR INCRBYFLOAT is not supported: counters are 64-bit integers
		INCRBYFLOAT s => -ERR wrong number of arguments for 'incrbyfloat' command
	`)
}

// TestMSETOfOneNameStoresTheLastValueOnly compares the stamps of a key in two servers: each value that is stored gets a
// later one.
func TestMSETOfOneNameStoresTheLastValueOnly(t *testing.T) {
	stamp := func(command ...string) crdt.Stamp {
		t.Helper()
		b := newBench(t, nil)
		if got := b.do(command...); got != "+OK\r\n" {
			t.Fatalf("%v: %q", command, got)
		}
		if got := b.do("GET", "k"); got != "$4\r\nlast\r\n" {
			t.Fatalf("%v: %q", command, got)
		}
		var d engine.Deltas
		b.DB.AppendState(&d, b.DB.Key([]byte("k")).Hash, true)
		var e crdt.Entry
		if _, _, err := crdt.DecodeRecord(d.Records, &e); err != nil {
			t.Fatal(err)
		}
		return e.Base.Stamp
	}
	one := stamp("SET", "k", "last")
	if got := stamp("MSET", "k", "1", "k", "2", "k", "last"); got != one {
		t.Errorf("MSET of one name has the stamp %+v, SET %+v", got, one)
	}
	if got := stamp("MSET", "k", "1", "k", "2", "other", "3", "k", "last"); got == one {
		t.Errorf("MSET of a name that comes back has the stamp of one SET")
	}
}
