package command

import (
	"bytes"
	"strings"
	"testing"
)

func TestTableFindsEveryNameInAnyCaseAndNothingElse(t *testing.T) {
	table := newTable(commands())
	for _, r := range table.top {
		mixed := []byte(r.name)
		mixed[0] = bytes.ToUpper(mixed[:1])[0]
		for _, name := range [][]byte{[]byte(r.name), bytes.ToUpper([]byte(r.name)), mixed} {
			if table.find(name) != r {
				t.Errorf("%s is not found", name)
			}
		}
		for i := range len(r.name) {
			for _, b := range []byte{0, ' ', '@', '[', '`', '{', r.name[i] ^ 0x80, r.name[i] - 0x40, r.name[i] ^ 1} {
				name := []byte(r.name)
				name[i] = b
				if found := table.find(name); found != nil && found.name != strings.ToLower(string(name)) {
					t.Errorf("%q finds %s", name, found.name)
				}
			}
		}
		for _, name := range []string{r.name + "\x00", "\x00" + r.name, r.name + " ", r.name[1:], r.name + r.name} {
			if found := table.find([]byte(name)); found != nil && found.name != name {
				t.Errorf("%q finds %s", name, found.name)
			}
		}
	}
	for _, name := range []string{"", "\x00", strings.Repeat("x", 15), strings.Repeat("x", 16), strings.Repeat("get", 1000)} {
		if found := table.find([]byte(name)); found != nil {
			t.Errorf("%.20q finds %s", name, found.name)
		}
	}
}

func TestFoldIsTheNameInLowerCase(t *testing.T) {
	for n := 1; n <= maxNameBytes; n++ {
		for c := range 256 {
			for at := range n {
				name := []byte(strings.Repeat("q", n))
				name[at] = byte(c)
				slow := folded{high: uint64(n) << 56}
				for i, b := range name {
					if b >= 'A' && b <= 'Z' {
						b += 'a' - 'A'
					}
					if i < 8 {
						slow.low |= uint64(b) << (8 * i)
					} else {
						slow.high |= uint64(b) << (8 * (i - 8))
					}
				}
				if fold(name) != slow {
					t.Fatalf("%q: got %x, want %x", name, fold(name), slow)
				}
			}
		}
	}
}

// BenchmarkTableFind looks up names as clients send them.
func BenchmarkTableFind(b *testing.B) {
	table := newTable(commands())
	for _, name := range []string{"GET", "incr", "PEXPIRETIME"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if table.find([]byte(name)) == nil {
					b.Fatal("not found")
				}
			}
		})
	}
}
