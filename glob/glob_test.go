package glob

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestMatchesAreThoseOfTheObviousWay(t *testing.T) {
	names := []string{"", "a", "b", "ab", "aab", "abc", "a*", "a]b", "^", "-", "[", "]", "\\", "a-c", "hallo", "hello", "\xff\xfe", "a\x00b"}
	patterns := []string{"*", "**", "?", "??", "a*", "*b", "a*b", "*a*b*", "a?b", "[ab]", "[^ab]", "[a-c]", "[c-a]*", "[a-]", "[a-", "[a", "[", "[^", "[^]",
		"[]a]", "[\\]]", "[\\", "\\", "a\\*", "\\a", "a[\\-]c", "h[ae]llo", "h[^e]llo", "h[^a-d]llo", "\xff*", "a\x00*", "*[", "*]", "*\\", "[]", "[*]", "?[*]", "*?*", "*[^x]"}
	for _, pattern := range patterns {
		for _, name := range names {
			if got, want := Match([]byte(pattern), []byte(name)), slowGlob(pattern, name); got != want && name != "" {
				t.Errorf("%q, %q: got %t", pattern, name, got)
			}
		}
	}
}

// slowGlob is the obvious way: a star is nothing, or one byte and a star.
func slowGlob(pattern, name string) bool {
	switch {
	case pattern == "":
		return name == ""
	case pattern[0] == '*':
		return slowGlob(pattern[1:], name) || name != "" && slowGlob(pattern, name[1:])
	case name == "":
		return false
	}
	size, ok := matchOne([]byte(pattern), name[0])
	return ok && slowGlob(pattern[size:], name[1:])
}

func TestGlobAgreesWithTheSlowWay(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	word := func(letters string) string {
		var b strings.Builder
		for range random.IntN(9) {
			b.WriteByte(letters[random.IntN(len(letters))])
		}
		return b.String()
	}
	for range 200_000 {
		pattern, name := word("ab*?[]^-\\"), word("ab-]")
		if got := Match([]byte(pattern), []byte(name)); name != "" && got != slowGlob(pattern, name) {
			t.Fatalf("%q, %q: got %t", pattern, name, got)
		}
	}
}

func TestGlobWithManyStarsTakesNoTime(t *testing.T) {
	begin := time.Now()
	if Match([]byte(strings.Repeat("a*", 500)+"b"), []byte(strings.Repeat("a", 5000))) {
		t.Error("matches")
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}
