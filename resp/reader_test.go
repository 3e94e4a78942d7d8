package resp

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// cuts yields the pieces of a stream. It is called until nothing is left.
type cuts func(rest []byte) int

func whole(rest []byte) int    { return len(rest) }
func eachByte(rest []byte) int { return 1 }

// cutAt makes two pieces, the first of n bytes.
func cutAt(n int) cuts {
	first := true
	return func(rest []byte) int {
		if first && n > 0 {
			first = false
			return n
		}
		return len(rest)
	}
}

// readStream reads a stream in pieces, with at most batch commands a round, and returns copies of the commands and the
// text of the error. Each piece is overwritten after its round, so what is still used of it shows.
func readStream(r *Reader, stream []byte, cut cuts, batch int) (commands [][]string, text string) {
	var round [][][]byte
	read := func(chunk []byte) (full bool) {
		r.Feed(chunk)
		round = round[:0]
		for len(round) < batch {
			args, err := r.Next()
			if err != nil {
				text = err.Error()
			}
			if args == nil {
				break
			}
			round = append(round, args)
		}
		for _, args := range round {
			commands = append(commands, copyArgs(args))
		}
		r.Keep()
		clear(chunk)
		return len(round) == batch
	}
	for rest := stream; len(rest) > 0; {
		n := min(cut(rest), len(rest))
		full := read(slices.Clone(rest[:n]))
		for full && batch > 1 { // with 1, what is held piles up until the end
			full = read(nil)
		}
		rest = rest[n:]
	}
	for read(nil) {
	}
	return commands, text
}

func copyArgs(args [][]byte) []string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = string(arg)
	}
	return words
}

func sameCommands(a, b [][]string) bool {
	return slices.EqualFunc(a, b, func(a, b []string) bool { return slices.Equal(a, b) })
}

const manyCommands = 1 << 30 // more than any round has

// mustRead fails the test unless the stream reads as want and wantErr.
func mustRead(t *testing.T, l *Limits, stream []byte, cut cuts, batch int, how string, want [][]string, wantErr string) {
	t.Helper()
	for name, r := range map[string]*Reader{"own scratch": NewReader(l), "shared scratch": new(Scratch).NewReader(l)} {
		got, text := readStream(r, stream, cut, batch)
		if !sameCommands(got, want) || text != wantErr {
			t.Fatalf("%s, %s: got %.200q %q\nwant %.200q %q\nof %.200q", how, name, got, text, want, wantErr, stream)
		}
	}
}

func TestCommandsAndErrorsDoNotDependOnCuts(t *testing.T) {
	for _, s := range streams {
		t.Run(s.name, func(t *testing.T) {
			b, err := []byte(s.bytes), s.err
			if err != "" {
				err = "Protocol error: " + err
			}
			l := DefaultLimits()
			mustRead(t, l, b, whole, manyCommands, "whole", s.commands, err)
			mustRead(t, l, b, whole, 1, "whole, one a round", s.commands, err)
			mustRead(t, l, b, eachByte, manyCommands, "byte by byte", s.commands, err)
			mustRead(t, l, b, eachByte, 1, "byte by byte, one a round", s.commands, err)
			step := 1 + len(b)/512
			for n := 1; n < len(b); n += step {
				mustRead(t, l, b, cutAt(n), manyCommands, fmt.Sprintf("cut at %d", n), s.commands, err)
			}
		})
	}
}

// hostileStream is a stream of pieces that each mean something, in an order that mostly does not.
func hostileStream(rnd *rand.Rand) []byte {
	pieces := []string{"*1\r\n", "*2\r\n", "*3\r\n", "*0\r\n", "*-1\r\n", "*9\r\n", "*12\r\n", "$0\r\n\r\n", "$1\r\na\r\n", "$4\r\nPING\r\n",
		"$10\r\n0123456789\r\n", "$40\r\n" + strings.Repeat("y", 40) + "\r\n", "$41\r\n", "$x\r\n", "\r", "\n", "\r\n", "*", "$", "1", "PING\r\n",
		"\"a b\"", "'", "\\", " ", "word", strings.Repeat("z", 30), "*1\r\n$4\r\nPING\r\n", "*2\r\n$4\r\nECHO\r\n$1\r\na\r\n"}
	var b []byte
	for range 1 + rnd.IntN(12) {
		b = append(b, pieces[rnd.IntN(len(pieces))]...)
	}
	return b
}

func TestReaderAgreesWithItsTwin(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	streams := 20000
	if testing.Short() {
		streams = 1000
	}
	for range streams {
		l := &Limits{MaxArgs: 1 + rnd.IntN(10), MaxBulkBytes: rnd.IntN(41), MaxInlineBytes: rnd.IntN(60), MaxBufferedBytes: rnd.IntN(150)}
		stream := hostileStream(rnd)
		want, wantErr := readWithTwin(l, stream)
		mustRead(t, l, stream, whole, manyCommands, fmt.Sprintf("%+v whole", *l), want, wantErr)
		mustRead(t, l, stream, eachByte, manyCommands, fmt.Sprintf("%+v byte by byte", *l), want, wantErr)
		random := func(rest []byte) int { return 1 + rnd.IntN(len(rest)) }
		mustRead(t, l, stream, random, manyCommands, fmt.Sprintf("%+v cut anywhere", *l), want, wantErr)
	}
}

func TestLimitsBoundCommands(t *testing.T) {
	l := &Limits{MaxArgs: 2, MaxBulkBytes: 10, MaxInlineBytes: 12, MaxBufferedBytes: 35}
	for _, c := range []struct{ name, stream, err string }{
		{"as many arguments as allowed", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", ""},
		{"one argument more", "*3\r\n", "invalid multibulk length"},
		{"an argument as long as allowed", "*1\r\n$10\r\n0123456789\r\n", ""},
		{"one byte more", "*1\r\n$11\r\n", "invalid bulk length"},
		{"an inline command as long as allowed", "abcd 6789012\n", ""},
		{"one byte more inline", "abcd 67890123\n", "too big inline request"},
		{"one byte more inline, unfinished", "abcd 67890123", "too big inline request"},
		{"inline words", "a b c\n", "too big inline request"},
		{"a command as long as allowed", "*2\r\n$10\r\n0123456789\r\n$8\r\n01234567\r\n", ""},
		{"one byte more in all", "*2\r\n$10\r\n0123456789\r\n$9\r\n", "too big request"},
		{"commands that are longer together", strings.Repeat("*1\r\n$10\r\n0123456789\r\n", 9), ""},
	} {
		want := c.err
		if want != "" {
			want = "Protocol error: " + want
		}
		for _, cut := range []cuts{whole, eachByte} {
			if _, got := readStream(NewReader(l), []byte(c.stream), cut, manyCommands); got != want {
				t.Errorf("%s: got %q, want %q", c.name, got, want)
			}
		}
	}
}

func TestUnreadInputIsBounded(t *testing.T) {
	l := DefaultLimits()
	l.MaxBufferedBytes = 100
	r := NewReader(l)
	r.Feed(bytes.Repeat([]byte("PING\r\n"), 16))
	r.Keep()
	if _, err := r.Next(); err != nil || r.Buffered() != 96 {
		t.Fatal(err, r.Buffered())
	}
	r.Feed([]byte("PING\r\n"))
	r.Keep()
	r.Feed(nil)
	var protocolError *ProtocolError
	if _, err := r.Next(); !errors.As(err, &protocolError) || err.Error() != "Protocol error: too much unread input" {
		t.Fatal(err)
	}
	if r.held != nil || r.Buffered() != 0 {
		t.Fatal("the input is still held")
	}
}

func TestErrorIsFinal(t *testing.T) {
	r := NewReader(DefaultLimits())
	for range 3 {
		r.Feed([]byte("*x\r\n*1\r\n$4\r\nPING\r\n"))
		for range 2 {
			if args, err := r.Next(); args != nil || err == nil || err.Error() != "Protocol error: invalid multibulk length" {
				t.Fatal(args, err)
			}
		}
		r.Keep()
	}
}

func TestArgumentsOfARoundAreValidTogether(t *testing.T) {
	r := NewReader(DefaultLimits())
	stream := incrPipeline(1000)
	r.Feed(stream[:len(stream)/2+5])
	for args, _ := r.Next(); args != nil; args, _ = r.Next() {
	}
	r.Keep()
	r.Feed(stream[len(stream)/2+5:]) // the first of these is joined
	var batch [][][]byte
	for args, _ := r.Next(); args != nil; args, _ = r.Next() {
		batch = append(batch, args)
	}
	for i, args := range batch {
		n := 1000 - len(batch) + i
		if want := fmt.Sprintf("key:%016d", n*7919%10000); string(args[0]) != "INCR" || string(args[1]) != want {
			t.Fatalf("command %d is %q, not %s", n, args, want)
		}
		if cap(args) != 2 || cap(args[0]) != 4 || cap(args[1]) != 20 {
			t.Fatal("appending to an argument would overwrite another")
		}
	}
	r.Keep()
}

func TestFeedBeforeKeepIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	r := NewReader(DefaultLimits())
	r.Feed(nil)
	r.Feed(nil)
}
