package command

import (
	"slices"
	"strings"
	"testing"
)

func TestGlobMatchesAsRedis(t *testing.T) {
	redis, b := dialRedis(t), newBench(t, nil)
	if redis == nil {
		t.Skip("no redis-server on PATH")
	}
	names := []string{"", "a", "b", "ab", "aab", "abc", "a*", "a]b", "^", "-", "[", "]", "\\", "a-c", "hallo", "hello", "\xff\xfe", "a\x00b"}
	for _, name := range names {
		b.do("SET", name, "1")
		redis.do(t, "SET", name, "1")
	}
	patterns := []string{"*", "**", "?", "??", "a*", "*b", "a*b", "*a*b*", "a?b", "[ab]", "[^ab]", "[a-c]", "[c-a]*", "[a-]", "[a-", "[a", "[", "[^", "[^]",
		"[]a]", "[\\]]", "[\\", "\\", "a\\*", "\\a", "a[\\-]c", "h[ae]llo", "h[^e]llo", "h[^a-d]llo", "\xff*", "a\x00*", "*[", "*]", "*\\", "[]", "[*]", "?[*]", "*?*", "*[^x]"}
	for _, pattern := range patterns {
		got, want := sorted(bulks(t, b.do("KEYS", pattern))), sorted(bulks(t, redis.do(t, "KEYS", pattern)))
		if got != want {
			t.Errorf("%q: got %s, Redis %s", pattern, got, want)
		}
	}
}

func sorted(names []string) string {
	slices.Sort(names)
	return strings.Join(names, " ")
}
