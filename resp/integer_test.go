package resp

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestParseIntTakesCanonicalTextOnly(t *testing.T) {
	for _, text := range []string{"0", "1", "9", "-1", "10", "-10", "1234567890", "9223372036854775807", "-9223372036854775808"} {
		want, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := ParseInt([]byte(text)); !ok || n != want {
			t.Errorf("%q: %d %v", text, n, ok)
		}
	}
	for _, text := range []string{"", "-", "+", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1.0", "1e3", "0x1", "1_0", "a", "1a", "\x001", "--1",
		"9223372036854775808", "-9223372036854775809", "9999999999999999999", "18446744073709551616", "18446744073709551617",
		strings.Repeat("1", 100)} {
		if n, ok := ParseInt([]byte(text)); ok {
			t.Errorf("%q: %d", text, n)
		}
	}
}

func TestParseIntReadsWhatIsWritten(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 10000 {
		want := int64(rnd.Uint64()) >> rnd.IntN(64)
		if n, ok := ParseInt(strconv.AppendInt(nil, want, 10)); !ok || n != want {
			t.Fatalf("%d: %d %v", want, n, ok)
		}
	}
}

func FuzzParseInt(f *testing.F) {
	f.Add([]byte("-9223372036854775808"))
	f.Add([]byte("-0"))
	f.Fuzz(func(t *testing.T, b []byte) {
		want, err := strconv.ParseInt(string(b), 10, 64)
		canonical := err == nil && strconv.FormatInt(want, 10) == string(b)
		if n, ok := ParseInt(b); ok != canonical || ok && n != want {
			t.Fatalf("%q: %d %v", b, n, ok)
		}
	})
}

func BenchmarkParseInt(b *testing.B) {
	text := []byte("1234567890")
	for b.Loop() {
		ParseInt(text)
	}
}
