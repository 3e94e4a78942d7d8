package resp

import "testing"

func TestAValueBecomesTheBytesOfItsReply(t *testing.T) {
	text := func(s string) Value { return Value{Kind: KindBulk, Text: s} }
	for _, s := range []struct {
		value        Value
		resp2, resp3 string
	}{
		{Value{}, "$-1\r\n", "_\r\n"},
		{Value{Kind: KindNullArray}, "*-1\r\n", "_\r\n"},
		{Value{Kind: KindInteger, Int: -5}, ":-5\r\n", ":-5\r\n"},
		{Value{Kind: KindDouble, Double: 0.5}, "$3\r\n0.5\r\n", ",0.5\r\n"},
		{text("a\r\n"), "$3\r\na\r\n\r\n", "$3\r\na\r\n\r\n"},
		{Value{Kind: KindSimple, Text: "OK"}, "+OK\r\n", "+OK\r\n"},
		{Value{Kind: KindVerbatim, Text: "ab"}, "$2\r\nab\r\n", "=6\r\ntxt:ab\r\n"},
		{Value{Kind: KindError, Text: "ERR a\nb"}, "-ERR a b\r\n", "-ERR a b\r\n"},
		{Value{Kind: KindArray, Items: []Value{text("a"), {Kind: KindArray}}}, "*2\r\n$1\r\na\r\n*0\r\n", "*2\r\n$1\r\na\r\n*0\r\n"},
		{Value{Kind: KindSet, Items: []Value{text("a")}}, "*1\r\n$1\r\na\r\n", "~1\r\n$1\r\na\r\n"},
		{Value{Kind: KindMap, Items: []Value{text("a"), {Kind: KindInteger, Int: 1}}}, "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n"},
	} {
		for proto, want := range map[int]string{2: s.resp2, 3: s.resp3} {
			if got := string(AppendValue([]byte("x"), s.value, proto)); got != "x"+want {
				t.Errorf("%+v, RESP%d: got %q", s.value, proto, got)
			}
		}
	}
}
