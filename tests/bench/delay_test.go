package main

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestNumbersAreReadAsGetAnswersThem(t *testing.T) {
	r := bufio.NewReader(strings.NewReader("$5\r\n70001\r\n$2\r\n-7\r\n$-1\r\n"))
	for _, want := range []int{70001, -7} {
		if got, err := readNumber(r); err != nil || got != want {
			t.Errorf("%d %v, want %d", got, err, want)
		}
	}
	if got, err := readNumber(r); err == nil {
		t.Errorf("%d of a key that does not exist", got)
	}
	for _, wrong := range []string{"-ERR no\r\n", ":1\r\n", "$3\r\n", "$1\r\nx\r\n", ""} {
		if got, err := readNumber(bufio.NewReader(strings.NewReader(wrong))); err == nil {
			t.Errorf("%q is read as %d", wrong, got)
		}
	}
}

func TestCommandsInTurnMakeWhatIsKnownOfTheirCounters(t *testing.T) {
	p := &prober{openLoop: &openLoop{key: inTurn(3, 5)}, keys: 3}
	for i, want := range []struct{ key, value int }{{0, 70001}, {5, 70001}, {10, 70001}, {0, 70002}, {5, 70002}} {
		if p.key(i) != want.key || p.makes(i) != want.value {
			t.Errorf("command %d makes %d of counter %d, want %d of %d", i, p.makes(i), p.key(i), want.value, want.key)
		}
	}
}

func TestADelayCountsFromWhenACommandWasSent(t *testing.T) {
	p := &prober{openLoop: &openLoop{interval: 10, late: []time.Duration{0, 5, 1}}, seen: []time.Duration{40, 35, 22}}
	if got, want := p.delays(), []time.Duration{1, 20, 40}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// The peer shows the increments of one command only after a pause. These must be seen later by about the pause, and the
// others must not.
func TestAProberSeesAnIncrementOnceItIsShown(t *testing.T) {
	const pause = 100 * time.Millisecond
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	begin := time.Now()
	var asked atomic.Int64
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			name, ok := strings.CutPrefix(lines.Text(), "counter:")
			if !ok {
				continue
			}
			asked.Add(1)
			value := 70001
			if name == "000000000001" && time.Since(begin) < pause {
				value = 70000
			}
			if _, err := fmt.Fprintf(conn, "$5\r\n%d\r\n", value); err != nil {
				return
			}
		}
	}()
	l := &openLoop{begin: begin, interval: time.Millisecond, key: inTurn(10, 1), late: make([]time.Duration, 3)}
	p, err := startProber(listener.Addr().String(), l, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.finish(3); err != nil {
		t.Fatal(err)
	}
	delays := p.delays()
	if len(delays) != 3 || delays[2] < pause-time.Millisecond {
		t.Errorf("delays %v, want three, the longest %v", delays, pause)
	}
	if n := asked.Load(); n < 4 {
		t.Errorf("asked %d times", n)
	}
}
