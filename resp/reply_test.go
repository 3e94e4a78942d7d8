package resp

import (
	"math"
	"testing"
)

func TestRepliesInBothProtocols(t *testing.T) {
	for _, c := range []struct {
		name         string
		reply        func(dst []byte, proto int) []byte
		resp2, resp3 string
	}{
		{"simple", func(d []byte, _ int) []byte { return AppendSimple(d, "OK") }, "+OK\r\n", "+OK\r\n"},
		{"error", func(d []byte, _ int) []byte { return AppendError(d, "ERR syntax error") }, "-ERR syntax error\r\n", "-ERR syntax error\r\n"},
		{"error with line breaks", func(d []byte, _ int) []byte { return AppendError(d, "ERR 'a\r\n+OK\n'") }, "-ERR 'a  +OK '\r\n", "-ERR 'a  +OK '\r\n"},
		{"integer", func(d []byte, _ int) []byte { return AppendInt(d, -42) }, ":-42\r\n", ":-42\r\n"},
		{"least integer", func(d []byte, _ int) []byte { return AppendInt(d, math.MinInt64) }, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
		{"bulk", func(d []byte, _ int) []byte { return AppendBulk(d, []byte("a\r\nb")) }, "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"},
		{"empty bulk", func(d []byte, _ int) []byte { return AppendBulk(d, nil) }, "$0\r\n\r\n", "$0\r\n\r\n"},
		{"bulk string", func(d []byte, _ int) []byte { return AppendBulkString(d, "twelve bytes") }, "$12\r\ntwelve bytes\r\n", "$12\r\ntwelve bytes\r\n"},
		{"bulk integer", func(d []byte, _ int) []byte { return AppendBulkInt(d, math.MinInt64) }, "$20\r\n-9223372036854775808\r\n", "$20\r\n-9223372036854775808\r\n"},
		{"null", AppendNull, "$-1\r\n", "_\r\n"},
		{"null array", AppendNullArray, "*-1\r\n", "_\r\n"},
		{"array", func(d []byte, _ int) []byte { return AppendArray(d, 10) }, "*10\r\n", "*10\r\n"},
		{"map", func(d []byte, p int) []byte { return AppendMap(d, 3, p) }, "*6\r\n", "%3\r\n"},
		{"set", func(d []byte, p int) []byte { return AppendSet(d, 3, p) }, "*3\r\n", "~3\r\n"},
		{"push", func(d []byte, p int) []byte { return AppendPush(d, 2, p) }, "*2\r\n", ">2\r\n"},
		{"true", func(d []byte, p int) []byte { return AppendBool(d, true, p) }, ":1\r\n", "#t\r\n"},
		{"false", func(d []byte, p int) []byte { return AppendBool(d, false, p) }, ":0\r\n", "#f\r\n"},
		{"double", func(d []byte, p int) []byte { return AppendDouble(d, 0.1, p) }, "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"},
		{"whole double", func(d []byte, p int) []byte { return AppendDouble(d, 100000, p) }, "$6\r\n100000\r\n", ",100000\r\n"},
		{"large double", func(d []byte, p int) []byte { return AppendDouble(d, 1e17, p) }, "$5\r\n1e+17\r\n", ",1e+17\r\n"},
		{"longest double", func(d []byte, p int) []byte { return AppendDouble(d, -math.MaxFloat64, p) },
			"$24\r\n-1.7976931348623157e+308\r\n", ",-1.7976931348623157e+308\r\n"},
		{"minus infinity", func(d []byte, p int) []byte { return AppendDouble(d, math.Inf(-1), p) }, "$4\r\n-inf\r\n", ",-inf\r\n"},
		{"no number", func(d []byte, p int) []byte { return AppendDouble(d, math.NaN(), p) }, "$3\r\nnan\r\n", ",nan\r\n"},
		{"verbatim", func(d []byte, p int) []byte { return AppendVerbatim(d, "txt", "a\r\n", p) }, "$3\r\na\r\n\r\n", "=7\r\ntxt:a\r\n\r\n"},
	} {
		for proto, want := range map[int]string{2: c.resp2, 3: c.resp3} {
			if got := string(c.reply([]byte("before "), proto)); got != "before "+want {
				t.Errorf("%s, RESP%d: got %q, want %q", c.name, proto, got, want)
			}
		}
	}
}

func TestRepliesDoNotAllocate(t *testing.T) {
	buf, value := make([]byte, 0, 1024), []byte("value")
	if n := testing.AllocsPerRun(100, func() {
		out := AppendInt(buf, math.MinInt64)
		out = AppendBulkInt(out, math.MaxInt64)
		out = AppendBulk(out, value)
		out = AppendSimple(out, "OK")
		out = AppendNull(out, 2)
		out = AppendDouble(out, 0.1, 3)
		_ = AppendError(out, "ERR syntax error")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendInt(b *testing.B) {
	buf := make([]byte, 0, 64)
	for b.Loop() {
		AppendInt(buf, 123456)
	}
}

func BenchmarkAppendBulkInt(b *testing.B) {
	buf := make([]byte, 0, 64)
	for b.Loop() {
		AppendBulkInt(buf, 123456)
	}
}
