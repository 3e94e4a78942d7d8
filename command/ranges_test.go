package command

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

func TestRangesAnswerAsRedis(t *testing.T) {
	runScript(t, `
		SET k "Hello World" => +OK
		GETRANGE k 0 4 => $5¶Hello
		SUBSTR k -5 -1 => $5¶World
		GETRANGE k -3 -100 => $0¶
		GETRANGE k 0 9223372036854775807 => $11¶Hello World
		GETRANGE k -9223372036854775808 -9223372036854775808 => $1¶H
		GETRANGE k 5 9223372036854775808 => -ERR value is not an integer or out of range
		GETRANGE nothing 0 -1 => $0¶
		SETRANGE k 6 Redis => :11
		GET k => $11¶Hello Redis
		SETRANGE k 536870912 x => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
		SETRANGE k 536870911 xy => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
		SETRANGE k 9223372036854775807 x => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
		SETRANGE k 9223372036854775807 "" => :11
		SETRANGE k -1 "" => -ERR offset is out of range
		SETRANGE nothing 5 "" => :0
		EXISTS nothing => :0
		SETRANGE new 2 x => :3
		GET new => $3¶\x00\x00x
		APPEND new yz => :5
		APPEND empty "" => :0
		EXISTS empty => :1
		SET n 10 PXAT 99999999999999 => +OK
		APPEND n 5 => :3
		INCR n => :106
		APPEND n "" => :3
		GETRANGE n 1 1 => $1¶0
		SETRANGE n 0 9 => :3
		INCR n => :907
		SETRANGE n 0 0 => :3
		INCR n => -ERR value is not an integer or out of range
		PEXPIRETIME n => :99999999999999
		SET k v PXAT 1 => +OK
		APPEND k x => :1
		PEXPIRETIME k => :-1
		SET m 9223372036854775807 => +OK
		APPEND m 0 => :20
		INCR m => -ERR value is not an integer or out of range
		SET m -922337203685477580 => +OK
		APPEND m 8 => :20
		INCR m => :-9223372036854775807
		APPEND counter 1 => :1
		INCR counter => :2
	`)
}

func TestWritesIntoAQuotaAreErrors(t *testing.T) {
	b := newBench(t, nil)
	b.do("QUOTASET", "q", "100", "60")
	b.do("SET", "s", "v")
	for _, s := range [][2]string{
		{"APPEND q 1", "-" + errQuota}, {"APPEND q \"\"", "-" + errQuota}, {"SETRANGE q 0 1", "-" + errQuota}, {"SETBIT q 0 1", "-" + errQuota},
		{"RENAME q r", "-" + errQuotaMove}, {"RENAMENX q s", "-" + errQuotaMove}, {"COPY q r", "-" + errQuotaMove}, {"COPY q s REPLACE", "-" + errQuotaMove},
		{"EXISTS r", ":0"}, {"GET s", "$1\r\nv"},
		{"GETRANGE q 0 1", "$2\r\n10"}, {"GETBIT q 2", ":1"}, {"BITCOUNT q 0 0", ":3"}, {"BITPOS q 1", ":2"}, {"LCS q s", "$0\r\n"},
		{"GET q", "$3\r\n100"}, {"OBJECT IDLETIME q", ":0"}, {"COPY s q", ":0"},
		{"COPY s q REPLACE", ":1"}, {"GET q", "$1\r\nv"}, // overwriting a quota removes it, as SET does
	} {
		if got := b.do(splitWords(t, s[0])...); got != s[1]+"\r\n" {
			t.Errorf("%s: got %q", s[0], got)
		}
	}
}

// TestPatchesAreWhatASliceWouldHold compares random writes into values of all sizes with the same writes into a slice.
func TestPatchesAreWhatASliceWouldHold(t *testing.T) {
	b, random := newBench(t, nil), rand.New(rand.NewPCG(1, 0))
	twin := map[string][]byte{}
	for range 3000 {
		key := fmt.Sprintf("key:%d", random.IntN(5))
		data := strings.Repeat(string('0'+rune(random.IntN(12))), random.IntN(1<<random.IntN(14)))
		at := random.IntN(1 << random.IntN(14))
		switch random.IntN(4) {
		case 0:
			b.do("APPEND", key, data)
			twin[key] = append(twin[key], data...)
		case 1:
			b.do("DEL", key)
			delete(twin, key)
		default:
			b.do("SETRANGE", key, fmt.Sprint(at), data)
			if missing := at + len(data) - len(twin[key]); missing > 0 && data != "" {
				twin[key] = append(twin[key], make([]byte, missing)...)
			}
			copy(twin[key][min(at, len(twin[key])):], data)
		}
		if got := b.do("GETRANGE", key, "0", "-1"); got != fmt.Sprintf("$%d\r\n%s\r\n", len(twin[key]), twin[key]) {
			t.Fatalf("%s has %.100q, the slice %.100q", key, got, twin[key])
		}
	}
}

func TestChangingALargeValueInPlaceCostsNoCopy(t *testing.T) {
	b := newBench(t, nil)
	b.do("SETBIT", "k", fmt.Sprint(8<<20), "1")
	used := b.DB.Used()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		b.do("SETRANGE", "k", "1000", "text")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("100 changes allocate %d bytes", n)
	}
	if b.DB.Used() != used {
		t.Errorf("%d bytes used, %d before", b.DB.Used(), used)
	}
	if got := b.do("GETRANGE", "k", "998", "1005"); got != "$8\r\n\x00\x00text\x00\x00\r\n" {
		t.Errorf("%q", got)
	}
}
