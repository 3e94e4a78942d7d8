package command

import (
	"strings"
	"testing"
)

func TestEveryCommandOfRedisIsHereOrItsAbsenceIsExplained(t *testing.T) {
	b := newBench(t, nil)
	for name, why := range b.missing {
		if b.table.find([]byte(name)) != nil {
			continue // newer than Redis 7.0
		}
		want := "-ERR unknown command '" + strings.ToUpper(name) + "': " + why + "\r\n"
		if got := b.do(strings.ToUpper(name), "a"); got != want || len(name) > maxMissingBytes {
			t.Errorf("%s: %q", name, got)
		}
	}
	redis := dialRedis(t)
	if redis == nil {
		return
	}
	for _, name := range bulks(t, redis.do(t, "COMMAND", "LIST")) {
		if _, ok := b.missing[name]; !ok && !strings.Contains(name, "|") && b.table.find([]byte(name)) == nil {
			t.Errorf("nothing is known of %s", name)
		}
	}
}

func TestAMissingCommandNamesWhatThereIsNot(t *testing.T) {
	b := newBench(t, nil)
	for _, s := range [][2]string{
		{"LPUSH", "-ERR unknown command 'LPUSH': QuotaDB keeps counters, strings and quotas, no lists\r\n"},
		{"eVaL", "-ERR unknown command 'eVaL': QuotaDB runs no scripts\r\n"},
		{"LPUSHY", "-ERR unknown command 'LPUSHY', with args beginning with: 'a' \r\n"},
	} {
		if got := b.do(s[0], "a"); got != s[1] {
			t.Errorf("got %q", got)
		}
	}
}
