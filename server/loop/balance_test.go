package loop_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quotadb/quota-db/server/loop"
)

// TestConnectionsMoveWithoutLosingAByte: while they echo, are woken and end, they are moved between three loops all the
// time.
func TestConnectionsMoveWithoutLosingAByte(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := start(t, 3)
	var handlers []*handler
	var clients, moving sync.WaitGroup
	var woken, moves atomic.Int64
	for i := range 20 {
		h := &handler{input: echo, woken: func(*handler) { woken.Add(1) }, end: func(h *handler) { h.conn.CloseNow() }}
		client := g.connect(h)
		handlers = append(handlers, h)
		clients.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			for moves.Load() < 50 && converse(t, client, random) {
			}
			_ = client.CloseWrite()
			expectEnd(t, client)
		})
	}
	done := make(chan struct{})
	moving.Go(func() {
		random := rand.New(rand.NewPCG(seed, 1000))
		for {
			select {
			case <-done:
				return
			default:
			}
			h := handlers[random.IntN(len(handlers))]
			await(t, g.Move(h.conn, random.IntN(3)), "a connection to leave")
			h.conn.Wake()
			moves.Add(1)
		}
	})
	clients.Wait()
	close(done)
	moving.Wait()
	for i, h := range handlers {
		await(t, h.closed, "Closed")
		if len(h.late) > 0 {
			t.Errorf("connection %d: called behind Closed: %v", i, h.late)
		}
	}
	if woken.Load() == 0 {
		t.Error("no Wake has reached a handler")
	}
}

// converse sends bytes in pieces of any size, and reads them as they come back.
func converse(t *testing.T, client *net.TCPConn, random *rand.Rand) bool {
	text := make([]byte, 64<<10)
	for i := range text {
		text[i] = byte(random.Uint32())
	}
	var sending sync.WaitGroup
	pieces := rand.New(rand.NewPCG(random.Uint64(), 0))
	sending.Go(func() {
		for rest := text; len(rest) > 0; {
			n := min(1+pieces.IntN(1<<pieces.IntN(16)), len(rest))
			if _, err := client.Write(rest[:n]); err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
	})
	got := make([]byte, len(text))
	_, err := io.ReadFull(client, got)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("what came back differs, or fails: %v", err)
	}
	sending.Wait()
	return err == nil
}

// TestWhatIsUnsentMovesWithItsConnection: so do the wishes to read nothing and to be told of what is sent.
func TestWhatIsUnsentMovesWithItsConnection(t *testing.T) {
	const size = 8 << 20 // more than the sockets' buffers
	sent := make(chan struct{})
	h := &handler{
		open: func(h *handler) {
			h.conn.Read(false)
			h.conn.Write(make([]byte, size))
		},
		sent: func(h *handler) {
			if h.conn.Unsent() == 0 {
				close(sent)
			}
		},
		input: echo,
	}
	g := start(t, 2)
	client := g.connect(h)
	g.do(h, func() {}) // the round that wrote has ended
	before := h.conn.Loop()
	for h.conn.Loop() == before {
		g.Move(h.conn, 1)
		g.do(h, func() {})
	}
	if _, err := client.Write([]byte("held")); err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, client, size); err != nil {
		t.Fatalf("%d bytes came, then %v", n, err)
	}
	await(t, sent, "Sent with nothing unsent")
	g.do(h, func() { h.conn.Read(true) })
	expect(t, client, "held")
}

// TestAConnectionThatMayNotMoveStays.
func TestAConnectionThatMayNotMoveStays(t *testing.T) {
	g := start(t, 2)
	h := &handler{stays: true, input: echo}
	client := g.connect(h)
	before := h.conn.Loop()
	g.Move(h.conn, 1)
	g.roundTrip(client)
	if h.conn.Loop() != before {
		t.Error("the connection has moved")
	}
}

// TestConnectionsThatMoveAreClosedByAStop.
func TestConnectionsThatMoveAreClosedByAStop(t *testing.T) {
	for range 20 {
		g := start(t, 3)
		var handlers []*handler
		for range 30 {
			h := &handler{input: echo}
			g.connect(h)
			handlers = append(handlers, h)
		}
		var moving sync.WaitGroup
		for i, h := range handlers {
			moving.Go(func() {
				for n := range 30 {
					g.Move(h.conn, (i+n)%3)
				}
			})
		}
		g.Stop()
		moving.Wait()
		for _, h := range handlers {
			await(t, h.closed, "Closed")
			if slices.Contains(h.late, "Closed") {
				t.Error("closed twice")
			}
		}
	}
}

// TestAsManyLoopsServeAsTheLoadNeeds goes through windows of two or three loops.
func TestAsManyLoopsServeAsTheLoadNeeds(t *testing.T) {
	const step = 100 * time.Millisecond
	type window struct {
		busy   []float64 // of the loops; below 0: it waits for the whole window
		idle   bool      // a processor idles
		active int       // loops that serve after it
		to     int       // where the first loop is to move a part of its traffic, -1: nowhere
	}
	full := window{busy: []float64{1, -1, -1}, idle: true, active: 1, to: -1}
	with := func(w window, active, to int) window { w.active, w.to = active, to; return w }
	few := window{busy: []float64{0.2, 0.2, -1}, idle: true, active: 2, to: -1}
	for name, windows := range map[string][]window{
		"one that is full for long gets help":        {full, full, with(full, 2, 1)},
		"a short burst is no reason":                 {full, full, {busy: []float64{0.5, -1, -1}, idle: true, active: 1, to: -1}, full, full},
		"nor is it one without a processor":          {{busy: []float64{1, -1, -1}, active: 1, to: -1}, {busy: []float64{1, -1, -1}, active: 1, to: -1}, {busy: []float64{1, -1, -1}, active: 1, to: -1}, {busy: []float64{1, -1, -1}, active: 1, to: -1}},
		"two that are busy enough stay":              {full, full, with(full, 2, 1), {busy: []float64{0.5, 0.5, -1}, active: 2, to: -1}, {busy: []float64{0.5, 0.5, -1}, active: 2, to: -1}, {busy: []float64{0.5, 0.5, -1}, active: 2, to: -1}},
		"a full one gives to one that is not":        {full, full, with(full, 2, 1), {busy: []float64{1, 0.2, -1}, active: 2, to: -1}, {busy: []float64{1, 0.2, -1}, active: 2, to: -1}, {busy: []float64{1, 0.2, -1}, active: 2, to: 1}},
		"the last leaves when there is little to do": {full, full, with(full, 2, 1), few, few, with(few, 1, -1)},
		"two that are full get a third":              {full, full, with(full, 2, 1), {busy: []float64{1, 1, -1}, idle: true, active: 2, to: -1}, {busy: []float64{1, 1, -1}, idle: true, active: 2, to: -1}, {busy: []float64{1, 1, -1}, idle: true, active: 3, to: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, 3)
			at := time.Now()
			for i, w := range windows {
				at = at.Add(step)
				g.SetIdle(w.idle)
				first := -1
				for l, busy := range w.busy {
					if busy >= 0 && l < max(g.Active(), 1) {
						if to, _ := g.Compare(l, busy, at); l == 0 {
							first = to
						}
					}
				}
				if g.Active() != w.active || first != w.to {
					t.Fatalf("after window %d: %d loops serve, and the first one is to give to %d; want %d and %d", i, g.Active(), first, w.active, w.to)
				}
			}
		})
	}
}

// TestAllConnectionsComeBackWhenOneLoopIsEnough.
func TestAllConnectionsComeBackWhenOneLoopIsEnough(t *testing.T) {
	g := start(t, 2)
	g.SetIdle(true)
	at := time.Now().Add(time.Hour) // the loops themselves do not know of these windows
	for range 3 {
		at = at.Add(100 * time.Millisecond)
		g.Compare(0, 1, at)
	}
	var clients []net.Conn
	var handlers []*handler
	loops := map[*loop.Loop]bool{}
	for range 10 {
		h := &handler{input: echo}
		clients = append(clients, g.connect(h))
		handlers = append(handlers, h)
		loops[h.conn.Loop()] = true
	}
	if len(loops) != 2 {
		t.Fatalf("%d loops serve 10 connections, want 2", len(loops))
	}
	for g.Active() > 1 {
		at = at.Add(100 * time.Millisecond)
		g.Compare(0, 0.1, at)
	}
	for i, client := range clients {
		for handlers[i].conn.Loop() != handlers[0].conn.Loop() {
			g.roundTrip(client)
		}
	}
}
