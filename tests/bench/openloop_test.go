package main

import (
	"bufio"
	"net"
	"slices"
	"testing"
	"time"
)

func TestAWindowHasTheCommandsThatWereDueInIt(t *testing.T) {
	begin := time.Unix(1000, 0)
	l := &openLoop{begin: begin, interval: 10, latencies: []time.Duration{0, 1, 2, 3, 4}}
	for _, tt := range []struct {
		from, to time.Duration
		want     []time.Duration
	}{
		{0, 50, l.latencies}, {0, 10, l.latencies[:1]}, {1, 21, l.latencies[1:3]}, {11, 19, nil},
		{20, 30, l.latencies[2:3]}, {-100, 5, l.latencies[:1]}, {40, 1000, l.latencies[4:]}, {100, 200, nil},
	} {
		if got := l.window(l.latencies, period{begin.Add(tt.from), begin.Add(tt.to)}); !slices.Equal(got, tt.want) {
			t.Errorf("from %d to %d: %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}

func TestLatencyCountsFromWhenACommandWasDue(t *testing.T) {
	l := &openLoop{interval: 10, clients: []*loopClient{{}, {}}, latencies: make([]time.Duration, 5)}
	l.note(1, 1, 15)  // command 1, due at 10
	l.note(0, 2, 100) // commands 0 and 2, due at 0 and 20
	l.note(0, 1, 101) // command 4, due at 40
	if want := []time.Duration{100, 5, 80, 0, 61}; !slices.Equal(l.latencies, want) {
		t.Errorf("got %v, want %v", l.latencies, want)
	}
}

func TestAPauseOfTheServerDelaysAllThatIsDueMeanwhile(t *testing.T) {
	const pause = 200 * time.Millisecond
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		time.Sleep(pause) // the server under test stands still
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			if lines.Text() == "$20" { // one for each command
				if _, err := conn.Write([]byte(":1\r\n")); err != nil {
					return
				}
			}
		}
	}()
	l, err := startLoop(listener.Addr().String(), 1, 1000, anyOf(10))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * pause) // the length of the load
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	waited := 0
	for _, latency := range l.latencies {
		if latency >= pause/2 {
			waited++
		}
	}
	if want := int(pause/2/time.Millisecond) - 10; waited < want {
		t.Errorf("%d of %d commands waited half of a pause of %v, want at least %d", waited, len(l.latencies), pause, want)
	}
}
