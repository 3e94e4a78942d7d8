package glob

import (
	"math/rand/v2"
	"strconv"
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

func TestAPatternWithMoreThanAThousandStarsMatchesNothingAsInRedis(t *testing.T) {
	long := strings.Repeat("a", 3000)
	for _, tt := range []struct {
		pattern string
		want    bool
	}{
		{strings.Repeat("*a", maxStars), true},
		{strings.Repeat("*a", maxStars) + "*", true},
		{strings.Repeat("*a", maxStars+1), false},
		{strings.Repeat("a*", maxStars+1), true}, // the last one has nothing behind it
		{strings.Repeat("a*", maxStars+2), false},
		{strings.Repeat("*", 5000), true},
		{strings.Repeat("*?", 50_000), false},
	} {
		if got := Match([]byte(tt.pattern), []byte(long)); got != tt.want {
			t.Errorf("%.10s..., %d bytes: %t", tt.pattern, len(tt.pattern), got)
		}
	}
}

func TestTheWorkOfAPatternIsBounded(t *testing.T) {
	name := []byte(strings.Repeat("y", 2<<20))
	for _, tt := range []struct {
		what, pattern string
		exceeded      bool
	}{
		{"stars", strings.Repeat("y*", 900) + "z", false},
		{"a long class", "*[" + strings.Repeat("z", 1<<20) + "]", false},
		{"ranges", "*[" + strings.Repeat("a-x", 1<<18) + "]", false},
		{"plain bytes", "*" + strings.Repeat("y", 1<<20) + "z", false},
		{"plain bytes between stars", "*" + strings.Repeat("y", 1<<20) + "z*", false},
		{"any bytes", "*" + strings.Repeat("y?", 1<<19) + "z*", true},
		{"classes", "*" + strings.Repeat("[xy]", 1<<19) + "z*", true},
	} {
		begin, budget := time.Now(), NewBudget()
		if Compile([]byte(tt.pattern)).Match(name, &budget) && !budget.Exceeded() {
			t.Errorf("%s: it matches", tt.what)
		}
		if budget.Exceeded() != tt.exceeded {
			t.Errorf("%s: the budget is exceeded: %t", tt.what, !tt.exceeded)
		}
		if took := time.Since(begin); took > 5*time.Second { // a tenth of a second on a machine with nothing else to do
			t.Errorf("%s: took %v", tt.what, took)
		}
	}
}

func TestPatternsAsPeopleWriteThemCostNothing(t *testing.T) {
	for _, pattern := range []string{"user:*", "*:count", "user:*:day:*", "h[ae]llo*", "user:????:[0-9]*", "*[0-9][0-9]:*?x"} {
		budget, compiled := Budget{left: 0}, Compile([]byte(pattern))
		for i := range 100_000 {
			compiled.Match([]byte("user:1234:day:2026-11-"+strconv.Itoa(i)), &budget)
		}
		if budget.Exceeded() {
			t.Errorf("%s is beyond the budget", pattern)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{{"h[ae]llo*", "hello"}, {"*[^a-c]?\\*", "abcd*"}, {"a*b*c", "aXbXc"}, {"[z-a", "m"}, {"*[", "["}, {"\\", "\\"}, {"**a**", "bab"}} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, pattern, name []byte) {
		if len(pattern) > 1000 || len(name) > 1000 {
			return // the obvious way takes too long, and has no bound of stars
		}
		if got, want := Match(pattern, name), obviousMatch(pattern, name); got != want {
			t.Errorf("%q, %q: %t", pattern, name, got)
		}
	})
}

// obviousMatch is Match in its most readable form. It reports whether a name matches a pattern, byte for byte as
// Redis's glob does: * is any run of bytes, ? one byte, [abc], [a-z] and [^a] one byte of a class, \x the byte x. A
// class that is not closed ends with the pattern.
//
// A star is tried with ever longer runs, but only the last star met: whatever an earlier star could match instead, the
// later one can match too. So the time is at most the product of the two lengths.
func obviousMatch(pattern, name []byte) bool {
	if len(name) == 0 {
		return len(pattern) == 0 // Redis does not look at the pattern then, not even for stars
	}
	p, n := 0, 0
	star, from := -1, 0 // where the last star was, and from where in name its rest is being tried
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, from = p, n
			continue
		}
		if p < len(pattern) {
			if size, ok := matchOne(pattern[p:], name[n]); ok {
				p += size
				n++
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, n = star, from
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchOne matches one byte against what a pattern begins with, which is not a star, and returns the size of that.
func matchOne(pattern []byte, b byte) (size int, ok bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return matchClass(pattern, b)
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == b
		}
	}
	return 1, pattern[0] == b
}

// matchClass is matchOne for a class.
func matchClass(pattern []byte, b byte) (size int, ok bool) {
	i := 1
	not := i < len(pattern) && pattern[i] == '^'
	if not {
		i++
	}
	for ; i < len(pattern); i++ {
		switch rest := pattern[i:]; {
		case rest[0] == '\\' && len(rest) >= 2:
			i++
			ok = ok || rest[1] == b
		case rest[0] == ']':
			return i + 1, ok != not
		case len(rest) >= 3 && rest[1] == '-':
			i += 2
			ok = ok || min(rest[0], rest[2]) <= b && b <= max(rest[0], rest[2])
		default:
			ok = ok || rest[0] == b
		}
	}
	return len(pattern), ok != not
}
