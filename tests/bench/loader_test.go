package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestKeysAreThoseOfRedisBenchmark(t *testing.T) {
	for _, i := range []int{0, 7, 123456, 9_999_999} {
		want := fmt.Sprintf("x$20\r\ncounter:%012d\r\n", i)
		if got := string(appendKey([]byte("x"), i)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRepliesAreCountedInPiecesOfAnySize(t *testing.T) {
	stream := ":1\r\n+OK\r\n:-5\r\n:12345\r\n"
	for _, r := range []io.Reader{strings.NewReader(stream), iotest.OneByteReader(strings.NewReader(stream)), iotest.HalfReader(strings.NewReader(stream))} {
		if err := receive(r, 4); err != nil {
			t.Error(err)
		}
	}
	if err := receive(strings.NewReader(stream), 5); err == nil {
		t.Error("five replies of four")
	}
}

func TestAnErrorAmongRepliesIsFound(t *testing.T) {
	err := receive(strings.NewReader(":1\r\n-OOM no memory\r\n:2\r\n"), 3)
	if err == nil || err.Error() != "reply -OOM no memory" {
		t.Errorf("got %v", err)
	}
}
