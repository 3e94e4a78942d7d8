package command

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestMemoryStatsHasTheNamesOfRedis(t *testing.T) {
	b := newBench(t, nil)
	b.do("SET", "k", "v")
	names := func(reply string) []string { // without nan, which Redis may reply with at first
		return regexp.MustCompile(`[a-z][.a-z0-9-]{3,}\r`).FindAllString(reply, -1)
	}
	got := b.do("MEMORY", "STATS")
	if redis := dialRedis(t); redis != nil {
		redis.do(t, "SET", "k", "v")
		if want := redis.do(t, "MEMORY", "STATS"); !slices.Equal(names(got), names(want)) {
			t.Errorf("got  %q\nwant %q", names(got), names(want))
		}
	}
	if !strings.Contains(got, "$10\r\nkeys.count\r\n:1\r\n") || !strings.Contains(got, "$15\r\npeak.percentage\r\n$3\r\n100\r\n") {
		t.Errorf("%q", got)
	}
	b.do("HELLO", "3")
	if got := b.do("MEMORY", "STATS"); !strings.HasPrefix(got, "%28\r\n") || !strings.Contains(got, "\r\n,1\r\n") {
		t.Errorf("in RESP3: %q", got)
	}
}

func TestMemoryUsageGrowsWithTheValue(t *testing.T) {
	b := newBench(t, nil)
	usage := func(key string) int {
		reply := b.do("MEMORY", "USAGE", key)
		n, err := strconv.Atoi(strings.Trim(reply, ":\r\n"))
		if err != nil {
			t.Fatal(reply)
		}
		return n
	}
	b.do("INCR", "counter:0123456789ab")
	b.do("SET", "large", strings.Repeat("x", 1000))
	if n := usage("counter:0123456789ab"); n < 24 || n > 40 {
		t.Errorf("a counter takes %d bytes", n)
	}
	if n := usage("large"); n < 1000 || n > 1100 {
		t.Errorf("1000 bytes take %d", n)
	}
	b.do("QUOTAINCR", "transient", "5", "60")
	b.do("INCRBY", "kept", "7")
	b.do("QUOTAINCR", "kept", "5", "60")
	b.wall += 60_000
	if got := b.do("MEMORY", "USAGE", "transient"); got != "$-1\r\n" {
		t.Errorf("a quota that has ended takes %q", got)
	}
	if n := usage("kept"); n < 12 {
		t.Errorf("a counter whose quota has ended takes %d", n)
	}
}

func TestMemoryDoctorNamesWhatIsWrong(t *testing.T) {
	b := newBench(t, nil)
	if got := b.do("MEMORY", "DOCTOR"); !strings.HasPrefix(got, "$") {
		t.Errorf("%q", got)
	}
	b.do("INCR", "k")
	b.do("CONFIG", "SET", "maxmemory", "1")
	if got := b.do("MEMORY", "DOCTOR"); !strings.Contains(got, "maxmemory") {
		t.Errorf("%q", got)
	}
	if got := b.do("MEMORY", "PURGE"); got != "+OK\r\n" {
		t.Errorf("%q", got)
	}
	if got := b.do("MEMORY", "MALLOC-STATS"); !strings.Contains(got, "/memory/classes/total:bytes ") {
		t.Errorf("%q", got)
	}
}

func TestLolwutEndsWithTheVersion(t *testing.T) {
	b := newBench(t, nil)
	for _, command := range []string{"LOLWUT", "LOLWUT VERSION 5 1 2 3", "LOLWUT VERSION", "LOLWUT WHAT"} {
		if got := b.do(strings.Fields(command)...); !strings.HasSuffix(got, "Redis ver. "+RedisVersion+"\n\r\n") {
			t.Errorf("%s: %q", command, got)
		}
	}
	if got := b.do("LOLWUT", "VERSION", "x"); got != "-"+errNotInteger+"\r\n" {
		t.Errorf("%q", got)
	}
}
