package command

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/quota"
)

func TestKeyCommandsAnswerAsRedis(t *testing.T) {
	runScript(t, `
		RANDOMKEY => $-1
		DBSIZE => :0
		KEYS * => *0
		SCAN 0 => *2¶$1¶0¶*0
		MSET a 1 b two => +OK
		EXISTS a a b c => :3
		TOUCH a a c => :2
		TYPE a => +string
		TYPE b => +string
		TYPE c => +none
		OBJECT ENCODING a => $3¶int
		OBJECT ENCODING b => $6¶embstr
		OBJECT ENCODING c => $-1
		SET long 012345678901234567890123456789012345678901234 => +OK
		OBJECT ENCODING long => $3¶raw
		OBJECT ENCODING => -ERR wrong number of arguments for 'object|encoding' command
		OBJECT FOO a => -ERR unknown subcommand 'FOO'. Try OBJECT HELP.
		DEL long a a c => :2
		UNLINK b => :1
		DBSIZE => :0
		SET only 1 => +OK
		RANDOMKEY => $4¶only
		KEYS on[kl]y => *1¶$4¶only
		KEYS x* => *0
		SCAN 0 COUNT 100 MATCH o* TYPE string => *2¶$1¶0¶*1¶$4¶only
		SCAN 0 COUNT 100 TYPE list => *2¶$1¶0¶*0
		SCAN "" => *2¶$1¶0¶*1¶$4¶only
		SCAN "0\x00x" => *2¶$1¶0¶*1¶$4¶only
		SCAN +0 => *2¶$1¶0¶*1¶$4¶only
		SCAN abc => -ERR invalid cursor
		SCAN - => -ERR invalid cursor
		SCAN " 0" => -ERR invalid cursor
		SCAN 18446744073709551616 => -ERR invalid cursor
		SCAN abc COUNT 0 => -ERR invalid cursor
		SCAN 0 COUNT 0 => -ERR syntax error
		SCAN 0 COUNT x => -ERR value is not an integer or out of range
		SCAN 0 COUNT => -ERR syntax error
		SCAN 0 WHAT 1 => -ERR syntax error
		FLUSHDB NOW => -ERR syntax error
		FLUSHALL SYNC ASYNC => -ERR syntax error
		DBSIZE => :1
		FLUSHDB async => +OK
		DBSIZE => :0
		FLUSHALL => +OK
	`)
}

func TestExpireCommandsAnswerAsRedis(t *testing.T) {
	runScript(t, `
		TTL k => :-2
		PEXPIRETIME k => :-2
		PERSIST k => :0
		EXPIRE k 100 => :0
		SET k v => +OK
		TTL k => :-1
		PTTL k => :-1
		EXPIRETIME k => :-1
		EXPIREAT k 99999999999 GT => :0
		EXPIREAT k 99999999999 XX => :0
		EXPIREAT k 99999999999 NX => :1
		EXPIREAT k 99999999998 NX => :0
		EXPIREAT k 99999999998 GT => :0
		EXPIREAT k 99999999998 LT => :1
		EXPIREAT k 99999999999 LT XX => :0
		EXPIREAT k 99999999999 gt xx => :1
		PEXPIREAT k 99999999999499 => :1
		EXPIRETIME k => :99999999999
		PEXPIREAT k 99999999999500 => :1
		EXPIRETIME k => :100000000000
		PEXPIREAT k 9223372036854775807 => :1
		PEXPIRETIME k => :9223372036854775807
		EXPIRETIME k => :9223372036854776
		PERSIST k => :1
		PERSIST k => :0
		EXPIRE k 100 NX XX => -ERR NX and XX, GT or LT options at the same time are not compatible
		EXPIRE k 100 GT LT => -ERR GT and LT options at the same time are not compatible
		EXPIRE k 100 "a\r\nb" => -ERR Unsupported option a  b
		EXPIRE k abc WHAT => -ERR Unsupported option WHAT
		EXPIRE k abc => -ERR value is not an integer or out of range
		EXPIRE k 9223372036854775807 => -ERR invalid expire time in 'expire' command
		EXPIRE k 9223372036854775 => -ERR invalid expire time in 'expire' command
		PEXPIRE k 9223372036854775807 => -ERR invalid expire time in 'pexpire' command
		EXPIREAT k -9223372036854776 => -ERR invalid expire time in 'expireat' command
		EXPIRE k -1 XX => :0
		EXPIRE k -1 GT => :0
		EXPIRE k -1 LT => :1
		EXISTS k => :0
		INCRBY k 10 => :10
		PEXPIREAT k -9223372036854775808 => :1
		INCR k => :1
		TTL k => :-1
		EXPIRE k 100 => :1
		TTL k => :100
		EXPIRE k 0 => :1
		DBSIZE => :0
	`)
}

func TestKeyIsGoneAtItsDeadline(t *testing.T) {
	b := newBench(t, nil)
	for _, s := range []struct {
		after         int64 // milliseconds
		command, want string
	}{
		{0, "SET k 5 PX 1500", "+OK\r\n"},
		{0, "PTTL k", ":1500\r\n"},
		{0, "TTL k", ":2\r\n"},
		{1000, "TTL k", ":1\r\n"},
		{1, "TTL k", ":0\r\n"},
		{498, "GET k", "$1\r\n5\r\n"},
		{1, "GET k", "$-1\r\n"},
		{0, "EXISTS k", ":0\r\n"},
		{0, "KEYS *", "*0\r\n"},
		{0, "RANDOMKEY", "$-1\r\n"},
		{0, "SET k 1 XX", "$-1\r\n"},
		{0, "INCR k", ":1\r\n"},
		{0, "TTL k", ":-1\r\n"},
	} {
		b.wall += s.after
		if got := b.do(strings.Fields(s.command)...); got != s.want {
			t.Errorf("%d ms, %s: got %q, want %q", b.wall-testWall, s.command, got, s.want)
		}
	}
}

func TestScanAndKeysFindEveryKey(t *testing.T) {
	b := newBench(t, nil)
	var want []string
	for i := range 3000 {
		name := fmt.Sprintf("key:%d", i)
		b.do("INCR", name)
		want = append(want, name)
	}
	slices.Sort(want)
	got := bulks(t, b.do("KEYS", "*"))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("KEYS finds %d keys, want %d", len(got), len(want))
	}
	var scanned []string
	for cursor := "0"; ; {
		reply := bulks(t, b.do("SCAN", cursor, "COUNT", "7"))
		cursor, scanned = reply[0], append(scanned, reply[1:]...)
		if cursor == "0" {
			break
		}
	}
	slices.Sort(scanned)
	if !slices.Equal(scanned, want) {
		t.Errorf("SCAN finds %d keys, want %d", len(scanned), len(want))
	}
	if got := bulks(t, b.do("KEYS", "key:299?")); len(got) != 10 {
		t.Errorf("KEYS key:299? finds %q", got)
	}
}

// bulks are the bulk strings in a reply whose contents have no line breaks.
func bulks(t *testing.T, reply string) []string {
	t.Helper()
	var found []string
	lines := strings.Split(reply, "\r\n")
	for i := 0; i+1 < len(lines); i++ {
		if strings.HasPrefix(lines[i], "$") {
			found = append(found, lines[i+1])
			i++
		}
	}
	return found
}

func TestWithoutTTLEveryDeadlineIsRefused(t *testing.T) {
	b := newBench(t, func(c *config.Config) { c.EnableTTL = false })
	b.do("SET", "k", "1")
	for _, command := range []string{
		"SET k 2 EX 100", "SET k 2 PXAT 99999999999999", "SETEX k 100 2", "PSETEX k 100 2", "GETEX k EX 100",
		"EXPIRE k 100", "PEXPIRE k -1", "EXPIREAT k 99999999999", "PEXPIREAT nothing 99999999999999",
	} {
		if got := b.do(strings.Fields(command)...); got != "-"+errNoTTL+"\r\n" {
			t.Errorf("%s: got %q", command, got)
		}
	}
	for command, want := range map[string]string{
		"GET k": "$1\r\n1\r\n", "TTL k": ":-1\r\n", "PERSIST k": ":0\r\n", "SET k 1 KEEPTTL": "+OK\r\n", "GETEX k PERSIST": "$1\r\n1\r\n",
	} {
		if got := b.do(strings.Fields(command)...); got != want {
			t.Errorf("%s: got %q", command, got)
		}
	}
}

func TestQuotaIsReadAndTakenByOrdinaryCommands(t *testing.T) {
	b := newBench(t, nil)
	rate, err := quota.Limit(3, 1e9)
	if err != nil {
		t.Fatal(err)
	}
	k := b.DB.Key([]byte("q"))
	tx := b.DB.Lock(k, b.Now())
	err = tx.SetQuota(k, rate)
	tx.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range [][2]string{
		{"TYPE q", "+quota\r\n"}, {"GET q", "$1\r\n3\r\n"}, {"INCR q", ":2\r\n"}, {"INCRBY q 3", ":-1\r\n"},
		{"INCRBY q 2", ":0\r\n"}, {"INCR q", ":-1\r\n"}, {"DECR q", "-" + errQuota + "\r\n"},
		{"SCAN 0 TYPE quota", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nq\r\n"}, {"SCAN 0 TYPE string", "*2\r\n$1\r\n0\r\n*0\r\n"},
		{"SET q 5", "+OK\r\n"}, {"INCR q", ":6\r\n"},
	} {
		if got := b.do(strings.Fields(s[0])...); got != s[1] {
			t.Errorf("%s: got %q, want %q", s[0], got, s[1])
		}
	}
}

func TestKeyThatIsTooLongIsRefused(t *testing.T) {
	b := newBench(t, nil)
	longest, tooLong := strings.Repeat("k", engine.MaxKeyBytes), strings.Repeat("k", engine.MaxKeyBytes+1)
	if got := b.do("INCR", longest); got != ":1\r\n" {
		t.Errorf("the longest key: %.100q", got)
	}
	for _, args := range [][]string{{"INCR", tooLong}, {"GET", tooLong}, {"MSET", "a", "1", tooLong, "2"}, {"DEL", tooLong}} {
		if got := b.do(args...); got != "-"+errKeySize+"\r\n" {
			t.Errorf("%s: %.100q", args[0], got)
		}
	}
	if got := b.do("EXISTS", "a"); got != ":0\r\n" {
		t.Errorf("half of an MSET was done: %q", got)
	}
}
