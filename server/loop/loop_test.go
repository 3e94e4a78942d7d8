package loop_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/server/loop"
)

// TestWhatIsWrittenArrivesInOrder, in pieces of any size, also if the client reads late; and Sent is called until
// everything has left.
func TestWhatIsWrittenArrivesInOrder(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	text := make([]byte, 8<<20) // more than the sockets' buffers hold
	for i := range text {
		text[i] = byte(i >> 8 * 7)
	}
	allSent := make(chan struct{})
	var once sync.Once
	h := &handler{
		input: func(h *handler, _ []byte) {
			for rest := text; len(rest) > 0; {
				n := min(1+random.IntN(1<<random.IntN(18)), len(rest))
				h.conn.Write(rest[:n])
				rest = rest[n:]
			}
		},
		sent: func(h *handler) {
			if h.conn.Unsent() == 0 {
				once.Do(func() { close(allSent) })
			}
		},
	}
	g := start(t, 1)
	client := g.connect(h)
	if _, err := client.Write([]byte("go")); err != nil {
		t.Fatal(err)
	}
	g.do(h, func() {}) // a round of the loop, in which it may have seen the end
	got := make([]byte, len(text))
	if _, err := io.ReadFull(client, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, text) {
		t.Error("the text differs")
	}
	await(t, allSent, "Sent with nothing unsent")
}

// TestAClientThatIsNotToBeReadIsHeldBack until it is to be read again; then all its bytes arrive.
func TestAClientThatIsNotToBeReadIsHeldBack(t *testing.T) {
	g := start(t, 1)
	other := g.connect(&handler{input: echo})
	h := &handler{open: func(h *handler) { h.conn.Read(false) }, input: echo}
	client := g.connect(h)
	if _, err := client.Write([]byte("held")); err != nil {
		t.Fatal(err)
	}
	g.roundTrip(other)
	buf := make([]byte, 2)
	g.do(h, func() {
		if n := h.conn.TryRead(buf); n != 2 || string(buf) != "he" {
			t.Errorf("TryRead gives %q", buf[:n])
		}
		h.conn.Read(true)
	})
	expect(t, client, "ld")
}

// TestAHalfClosedConnectionIsServedOn: End is called once, after all input, and bytes that are written then arrive.
func TestAHalfClosedConnectionIsServedOn(t *testing.T) {
	var got []byte
	h := &handler{
		input: func(_ *handler, chunk []byte) { got = append(got, chunk...) },
		end:   func(h *handler) { h.conn.Write(append(got, " and more"...)) },
	}
	g := start(t, 1)
	other, client := g.connect(&handler{input: echo}), g.connect(h)
	if _, err := client.Write([]byte("all")); err != nil {
		t.Fatal(err)
	}
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expect(t, client, "all and more")
	g.roundTrip(other) // a second End would write again
	g.do(h, func() {
		h.conn.Write([]byte("."))
		h.conn.EndOutput()
		h.conn.CloseNow()
	})
	expect(t, client, ".")
	expectEnd(t, client)
	await(t, h.closed, "Closed")
}

// TestWakesThatComeTogetherAreOne: Woken is called once for them, and again after a later Wake.
func TestWakesThatComeTogetherAreOne(t *testing.T) {
	woken := 0
	h := &handler{woken: func(*handler) { woken++ }}
	g := start(t, 1)
	g.connect(h)
	for range 2 {
		g.do(h, func() { // no round ends meanwhile
			var all sync.WaitGroup
			for range 50 {
				all.Go(h.conn.Wake)
			}
			all.Wait()
		})
		g.do(h, func() {})
	}
	g.do(h, func() {
		if woken != 2 {
			t.Errorf("woken %d times, want 2", woken)
		}
	})
}

// TestAConnectionCanBeClosedInEachCallback: bytes written before leave, no method is called after Closed, and the loop
// continues.
func TestAConnectionCanBeClosedInEachCallback(t *testing.T) {
	shut := func(h *handler) {
		h.conn.Write([]byte("bye"))
		h.conn.CloseNow()
		h.conn.CloseNow()
		h.conn.Write([]byte("lost"))
		h.conn.Wake()
		h.conn.Close()
	}
	for name, h := range map[string]*handler{
		"Open":  {open: shut},
		"Input": {input: func(h *handler, _ []byte) { shut(h) }},
		"End":   {end: shut},
		"Woken": {input: func(h *handler, _ []byte) { h.conn.Wake() }, woken: shut},
		"Sent": {input: func(h *handler, _ []byte) { h.conn.Write(make([]byte, 16<<20)) }, sent: func(h *handler) {
			h.conn.CloseNow()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, 1)
			other, client := g.connect(&handler{input: echo}), g.connect(h)
			if name != "Open" {
				_, _ = client.Write([]byte("x"))
			}
			_ = client.CloseWrite()
			await(t, h.closed, "Closed")
			if name != "Sent" {
				expect(t, client, "bye")
				expectEnd(t, client)
			}
			g.roundTrip(other)
			g.roundTrip(other)
			g.do(h, func() {
				if len(h.late) > 0 {
					t.Errorf("called behind Closed: %v", h.late)
				}
			})
		})
	}
}

// TestADescriptorThatIsUsedAgainIsTheNewConnections: one connection closes another that is ready too, round after
// round, and the next connection gets the descriptor.
func TestADescriptorThatIsUsedAgainIsTheNewConnections(t *testing.T) {
	g := start(t, 1)
	var victim *handler
	killer := g.connect(&handler{input: func(h *handler, chunk []byte) {
		victim.conn.CloseNow()
		h.conn.Write(chunk)
	}})
	for i := range 100 {
		var got []byte
		h := &handler{input: func(h *handler, chunk []byte) {
			got = append(got, chunk...)
			h.conn.Write(chunk)
		}}
		victim = h
		client := g.connect(h)
		mine := []byte{byte(i)}
		if _, err := client.Write(mine); err != nil {
			t.Fatal(err)
		}
		expect(t, client, string(mine))
		hold, held := make(chan struct{}), make(chan struct{})
		h.conn.Loop().Post(func() { close(held); <-hold }) // so that both are ready in one round
		<-held
		_, _ = client.Write([]byte("more"))
		if _, err := killer.Write([]byte("k")); err != nil {
			t.Fatal(err)
		}
		close(hold)
		expect(t, killer, "k")
		await(t, h.closed, "Closed")
		g.do(h, func() {
			if len(h.late) > 0 || !slices.Equal(got, mine) && string(got[1:]) != "more" {
				t.Fatalf("connection %d got %q, and behind Closed %v", i, got, h.late)
			}
		})
		_ = client.Close()
	}
}

// TestABusyConnectionStarvesNobody: another connection's input, posted functions, timers and new connections are all
// served.
func TestABusyConnectionStarvesNobody(t *testing.T) {
	g := start(t, 1)
	busy := &handler{}
	client := g.connect(busy)
	chunk := make([]byte, 256<<10)
	var sending sync.WaitGroup
	sending.Go(func() {
		for {
			if _, err := client.Write(chunk); err != nil {
				return
			}
		}
	})
	for range 20 {
		other := g.connect(&handler{input: echo})
		g.roundTrip(other)
		woken := make(chan struct{})
		h := &handler{woken: func(*handler) { close(woken) }}
		g.connect(h)
		time.AfterFunc(time.Microsecond, h.conn.Wake)
		await(t, woken, "a timer")
		g.do(h, h.conn.CloseNow)
	}
	_ = client.Close()
	sending.Wait()
}

// TestStopClosesEverythingAndTakesNothingMore.
func TestStopClosesEverythingAndTakesNothingMore(t *testing.T) {
	g := start(t, 3)
	var all []*handler
	for range 9 {
		h := &handler{open: func(h *handler) { h.conn.Write([]byte("hello")) }}
		expect(t, g.connect(h), "hello")
		all = append(all, h)
	}
	g.Stop()
	for _, h := range all {
		await(t, h.closed, "Closed")
	}
	passed := false
	g.Each(func(*loop.Loop) { t.Error("a loop that has ended runs a function") }, func() { passed = true })
	if !passed {
		t.Error("Each waits for loops that have ended")
	}
	client, server := g.pair()
	if err := g.Serve(server, &handler{}); !errors.Is(err, loop.ErrStopped) {
		t.Errorf("Serve answers %v", err)
	}
	expectEnd(t, client)
}
