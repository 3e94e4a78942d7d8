package wire

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func decodeAll(r io.Reader) ([]Value, error) {
	d := NewDecoder(r)
	var values []Value
	for {
		v, err := d.Decode()
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
}

func TestDecoderReadsEveryKindOfBothProtocols(t *testing.T) {
	for _, tt := range []struct{ wire, want string }{
		{"+OK\r\n", "+OK"},
		{"+\r\n", "+"},
		{"-ERR no\r\n", "-ERR no"},
		{":-9223372036854775808\r\n", ":-9223372036854775808"},
		{"$0\r\n\r\n", `$""`},
		{"$4\r\na\r\n\x00\r\n", `$"a\r\n\x00"`},
		{"$-1\r\n", "$nil"},
		{"*-1\r\n", "*nil"},
		{"*0\r\n", "*[]"},
		{"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", `*[$"a" *[:1]]`},
		{"_\r\n", "_"},
		{"#t\r\n", "#t"},
		{",1.5\r\n", ",1.5"},
		{",inf\r\n", ",inf"},
		{"(123456789012345678901234567890\r\n", "(123456789012345678901234567890"},
		{"!5\r\nERR x\r\n", `!"ERR x"`},
		{"=5\r\ntxt:a\r\n", `="txt:a"`},
		{"%1\r\n+k\r\n:1\r\n", "%{+k: :1}"},
		{"~2\r\n:1\r\n:2\r\n", "~[:1 :2]"},
		{">1\r\n+x\r\n", ">[+x]"},
	} {
		got, err := decodeAll(iotest.OneByteReader(strings.NewReader(tt.wire)))
		if !errors.Is(err, io.EOF) || len(got) != 1 || got[0].String() != tt.want {
			t.Errorf("decode %q = %v, %v; want %s", tt.wire, got, err, tt.want)
		}
	}
}

func TestDecoderRefusesWhatIsNotRESP(t *testing.T) {
	for _, raw := range []string{
		"hello\r\n", "\r\n", "+a\n", "+a\rb\r\n", ":\r\n", ":1x\r\n", ":9223372036854775808\r\n",
		"$-2\r\n", "$x\r\n", "$1\r\nabc", "%-1\r\n", "#x\r\n", ",x\r\n", "(1x\r\n", "(\r\n", "_x\r\n",
		"=3\r\nabc\r\n", "*4194305\r\n", strings.Repeat("*1\r\n", 32) + ":1\r\n",
	} {
		if got, err := decodeAll(strings.NewReader(raw)); !errors.Is(err, ErrMalformed) {
			t.Errorf("decode %q = %v, %v; want ErrMalformed", raw, got, err)
		}
	}
}

func TestDecoderTellsACutReplyFromTheEnd(t *testing.T) {
	const whole = "*2\r\n$3\r\nabc\r\n:12\r\n"
	for cut := 1; cut < len(whole); cut++ {
		if _, err := decodeAll(strings.NewReader(whole[:cut])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("decode %q: %v; want unexpected EOF", whole[:cut], err)
		}
	}
}

func TestEqualSeesKindOrderAndNil(t *testing.T) {
	values := []Value{
		{Kind: Simple, Text: "1"}, {Kind: Bulk, Text: "1"}, {Kind: Integer, Text: "1"},
		{Kind: Bulk}, {Kind: Bulk, Nil: true}, {Kind: Null}, {Kind: Array, Nil: true}, {Kind: Array},
		{Kind: Array, Elems: []Value{{Kind: Integer, Text: "1"}, {Kind: Integer, Text: "2"}}},
		{Kind: Array, Elems: []Value{{Kind: Integer, Text: "2"}, {Kind: Integer, Text: "1"}}},
	}
	for i, v := range values {
		for j, w := range values {
			if v.Equal(w) != (i == j) || (v.String() == w.String()) != (i == j) {
				t.Errorf("%s against %s: Equal is %t", v, w, v.Equal(w))
			}
		}
	}
}

func TestAppendCommandIsWhatTheDecoderReads(t *testing.T) {
	raw := AppendCommand(nil, "SET", "k\r\n", "")
	got, err := decodeAll(strings.NewReader(string(raw)))
	if !errors.Is(err, io.EOF) || len(got) != 1 || got[0].String() != `*[$"SET" $"k\r\n" $""]` {
		t.Errorf("got %v, %v", got, err)
	}
}

func FuzzDecoderNeverPanicsAndIgnoresSplits(f *testing.F) {
	f.Add("*2\r\n$1\r\na\r\n:1\r\n%1\r\n+a\r\n_\r\n")
	f.Add("=5\r\ntxt:a\r\n-ERR\r\n$-1\r\n")
	f.Fuzz(func(t *testing.T, raw string) {
		a, errA := decodeAll(strings.NewReader(raw))
		b, errB := decodeAll(iotest.OneByteReader(strings.NewReader(raw)))
		if errA.Error() != errB.Error() || len(a) != len(b) {
			t.Fatalf("whole: %v %v, split: %v %v", a, errA, b, errB)
		}
		for i := range a {
			if !a[i].Equal(b[i]) {
				t.Fatalf("reply %d: whole %s, split %s", i, a[i], b[i])
			}
		}
	})
}
