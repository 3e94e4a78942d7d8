//go:build linux

package main

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

func TestAnswersAreCountedInPiecesOfAnySize(t *testing.T) {
	const stream = "+OK\r\n:12\r\n$-1\r\n$5\r\na\r\nbc\r\n$0\r\n\r\n:1\r\n"
	for size := 1; size <= len(stream); size++ {
		var a answers
		got := 0
		for piece := range slices.Chunk([]byte(stream), size) {
			n, err := a.count(piece)
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
		if got != 6 {
			t.Errorf("in pieces of %d bytes there are %d replies, want 6", size, got)
		}
	}
	for _, bad := range []string{"-ERR no\r\n", "$x\r\n"} {
		var a answers
		if _, err := a.count([]byte(bad)); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}

func TestRequestsAreWholeCommands(t *testing.T) {
	for verb, words := range map[string]int{"incr": 2, "get": 2, "set": 3, "mset": 21, "ping": 1} {
		l := load{verb: verb, pipeline: 3, keys: 1000}
		raw := l.appendRequest(nil, newRandom())
		decoder := wire.NewDecoder(strings.NewReader(string(raw)))
		for range l.pipeline {
			v, err := decoder.Decode()
			if err != nil || len(v.Elems) != words || !strings.EqualFold(v.Elems[0].Text, verb) {
				t.Errorf("%s: %v, %v", verb, v, err)
			}
		}
		if _, err := decoder.Decode(); err == nil {
			t.Errorf("%s: there are more than %d commands", verb, l.pipeline)
		}
	}
}

// answerer is a server of one reply for each command, whose process is this one.
func answerer(t *testing.T) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				commands := wire.NewDecoder(conn)
				for {
					if _, err := commands.Decode(); err != nil {
						return
					}
					if _, err := conn.Write([]byte(":1\r\n")); err != nil {
						return
					}
				}
			}()
		}
	}()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return &server{port: port, cmd: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}
}

// TestAllServersGetTheirSlices, in closed loops and at a rate; each command is answered, and counted once.
func TestAllServersGetTheirSlices(t *testing.T) {
	for name, l := range map[string]load{"closed": {"incr", 5, 4, 100, 0}, "at a rate": {"incr", 5, 2, 100, 1000}} {
		t.Run(name, func(t *testing.T) {
			var targets []*target
			for range 2 {
				target, err := newTarget(answerer(t), l)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = target.close() }()
				targets = append(targets, target)
			}
			if err := loadInSlices(targets, 2, time.Minute); err != nil {
				t.Fatal(err)
			}
			for i, target := range targets {
				if len(target.costs) != 2 || len(target.rates) != 2 || len(target.latencies) < 2 {
					t.Fatalf("server %d has %d slices and %d latencies", i, len(target.costs), len(target.latencies))
				}
				if f := target.figures(); f.p50 <= 0 || f.p99 < f.p50 || f.rate <= 0 || f.cost <= 0 {
					t.Errorf("server %d: %+v", i, f)
				}
				if l.rate > 0 && (target.rates[0] > 1.2*float64(l.rate) || len(target.latencies) > 2*l.rate/l.pipeline) {
					t.Errorf("server %d got %.0f commands a second, want at most %d", i, target.rates[0], l.rate)
				}
			}
		})
	}
}
