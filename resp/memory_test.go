package resp

import (
	"bytes"
	"fmt"
	"math/bits"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

func TestPipelineIsReadWithoutAllocation(t *testing.T) {
	for name, r := range map[string]*Reader{"own scratch": NewReader(DefaultLimits()), "shared scratch": new(Scratch).NewReader(DefaultLimits())} {
		depth := 128
		if name == "own scratch" {
			depth = keptOwnArgs / 2
		}
		chunk := incrPipeline(depth)
		inline := bytes.Repeat([]byte("SET key 1\r\n"), keptOwnArgs/3)
		if n := testing.AllocsPerRun(100, func() {
			if got, err := readRound(r, chunk); got != depth || err != nil {
				t.Fatal(got, err)
			}
			if got, err := readRound(r, inline); got != keptOwnArgs/3 || err != nil {
				t.Fatal(got, err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a round", name, n)
		}
	}
}

func TestIdleReaderHoldsNothing(t *testing.T) {
	if size := unsafe.Sizeof(Reader{}); size > 200 {
		t.Errorf("a Reader has %d bytes", size)
	}
	r := NewReader(DefaultLimits())
	stream := append(incrPipeline(1000), "*2\r\n$4\r\nECHO\r\n$100000\r\n"+strings.Repeat("x", 100000)+"\r\n"...)
	if got, text := readStream(r, stream, func([]byte) int { return 999 }, manyCommands); len(got) != 1001 || text != "" {
		t.Fatal(len(got), text)
	}
	if r.held != nil || r.buf != nil || r.chunk != nil || cap(r.scratch.args) > keptOwnArgs || r.Buffered() != 0 {
		t.Fatalf("%+v", r)
	}
}

func TestLittleInputIsNotHeldInMuchMemory(t *testing.T) {
	r := NewReader(DefaultLimits())
	stream := "*2\r\n$4\r\nECHO\r\n$100000\r\n" + strings.Repeat("x", 100000) + "\r\n*2\r\n$4\r\n"
	got, text := readStream(r, []byte(stream), cutAt(50000), manyCommands)
	if len(got) != 1 || text != "" || r.Buffered() != 8 || cap(r.held) > spareHeld {
		t.Fatal(len(got), text, r.Buffered(), cap(r.held))
	}
}

func TestSharedScratchKeepsNoInputAlive(t *testing.T) {
	s := new(Scratch)
	r := s.NewReader(DefaultLimits())
	r.Feed(incrPipeline(10))
	for args, _ := r.Next(); args != nil; args, _ = r.Next() {
	}
	r.Keep()
	r.Feed([]byte("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1\r\n")) // not complete
	if args, err := r.Next(); args != nil || err != nil {
		t.Fatal(args, err)
	}
	r.Keep()
	for _, arg := range s.args[:cap(s.args)] {
		if arg != nil {
			t.Fatalf("%q is still there", arg)
		}
	}
	readStream(r, append([]byte("1\r\n"), incrPipeline(keptArgs)...), whole, manyCommands)
	if cap(s.args) > keptArgs {
		t.Fatalf("%d arguments are kept", cap(s.args))
	}
}

func TestReleaseGivesBackArgumentsOnly(t *testing.T) {
	r := new(Scratch).NewReader(DefaultLimits())
	r.Feed(incrPipeline(100))
	for i := range 100 {
		args, err := r.Next()
		if err != nil || string(args[0]) != "INCR" {
			t.Fatal(i, args, err)
		}
		r.Release()
	}
	if cap(r.scratch.args) > 2 {
		t.Fatalf("room for %d arguments", cap(r.scratch.args))
	}
	r.Keep()
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestMemoryFollowsWhatArrivedNotWhatWasAnnounced(t *testing.T) {
	for _, announced := range []string{"*1048576\r\n$1\r\na\r\n", "*2\r\n$3\r\nGET\r\n$536870912\r\nabc", "*1048576\r\n$536870912\r\n"} {
		r := NewReader(DefaultLimits())
		// of the whole process; what is announced would be megabytes
		if n := allocated(func() { readStream(r, []byte(announced), whole, manyCommands) }); n > 64<<10 {
			t.Errorf("%q: %d bytes", announced, n)
		}
	}
	const size = 8 << 20
	stream := append(fmt.Appendf(nil, "*2\r\n$4\r\nECHO\r\n$%d\r\n", size), make([]byte, size+2)...)
	r := NewReader(DefaultLimits())
	n := allocated(func() {
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), 64<<10)
			if _, err := readRound(r, rest[:n]); err != nil {
				t.Fatal(err)
			}
			if cap(r.held) > 2*(len(stream)-len(rest)+n) {
				t.Fatalf("%d bytes are held in %d", r.Buffered(), cap(r.held))
			}
			rest = rest[n:]
		}
	})
	if n > 5*size/2 {
		t.Errorf("%d bytes were allocated for %d", n, size)
	}
}

// A reader that copies again what it has shows in what it allocates; one that searches again takes minutes here.
func TestSlowClientCostsLinearTime(t *testing.T) {
	const size = 500_000
	for name, stream := range map[string][]byte{
		"one argument":   append(fmt.Appendf(nil, "*1\r\n$%d\r\n", size), make([]byte, size+2)...),
		"many arguments": append(fmt.Appendf(nil, "*%d\r\n", size/7), bytes.Repeat([]byte("$1\r\na\r\n"), size/7)...),
	} {
		r := NewReader(DefaultLimits())
		commands := 0
		bytes := allocated(func() {
			for i := range stream {
				n, err := readRound(r, stream[i:i+1])
				if err != nil {
					t.Fatal(err)
				}
				commands += n
			}
		})
		if commands != 1 {
			t.Errorf("%s: %d commands", name, commands)
		}
		if bytes > 32*size { // most of it are the slices of the arguments
			t.Errorf("%s: %d bytes were allocated for %d", name, bytes, size)
		}
	}
}

// A session that stops in the middle of what it has, and reads on later, must not copy it all each time.
func TestStoppingOftenCostsLinearTime(t *testing.T) {
	const depth = 100_000
	r := NewReader(DefaultLimits())
	commands, moves := 0, 0
	for chunk := incrPipeline(depth); ; chunk = nil {
		r.Feed(chunk)
		args, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if args == nil {
			break
		}
		commands++
		r.Keep()
		if r.pos == 0 {
			moves++
		}
	}
	r.Keep()
	if commands != depth || r.held != nil {
		t.Fatal(commands, cap(r.held))
	}
	if most := 2 * bits.Len(depth); moves > most { // each time half of it has been read
		t.Errorf("what is held was moved %d times", moves)
	}
}
