package command

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/replica"
)

// newReplicatedBench is a bench with some keys, of a node with peers, which keeps records of deleted keys.
func newReplicatedBench(t *testing.T, keys int) *bench {
	t.Helper()
	b := newBench(t, nil)
	db, err := engine.Open(engine.Options{Shards: 8, Node: 1, HashKey: [2]uint64{1, 2}, Replicated: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.Wait()
		_ = db.Close()
	})
	b.DB = db
	for i := range keys {
		b.do("INCR", "key"+strconv.Itoa(i))
	}
	return b
}

// TestFLUSHALLWithPeersHasItsClientWaitAndNobodyElse: other clients get replies while FLUSHALL runs, and the next
// command of its own client runs after it.
func TestFLUSHALLWithPeersHasItsClientWaitAndNobodyElse(t *testing.T) {
	b := newReplicatedBench(t, 1000)
	b.flushes.mu.Lock() // another pass runs
	if got := b.run(b.client, batchOf("FLUSHALL", "DBSIZE")); got != "" || b.turn.Next != Late {
		t.Errorf("FLUSHALL answers %q at once", got)
	}
	other := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	if got := b.run(other, batchOf("DBSIZE", "INCR key1")); got != ":1000\r\n:2\r\n" {
		t.Errorf("meanwhile another client is answered %q", got)
	}
	b.flushes.mu.Unlock()
	b.Wait()
	if got := b.run(b.client, batchOf("DBSIZE")); got != "+OK\r\n:0\r\n" {
		t.Errorf("afterwards: %q", got)
	}
}

// TestFLUSHALLInATransactionIsAtomic: all keys are deleted when EXEC replies.
func TestFLUSHALLInATransactionIsAtomic(t *testing.T) {
	b := newReplicatedBench(t, 100)
	b.flushes.mu.Lock()
	defer b.flushes.mu.Unlock()
	got := b.do("MULTI") + b.do("FLUSHALL") + b.do("DBSIZE") + b.do("EXEC")
	if got != "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:0\r\n" {
		t.Errorf("got %q", got)
	}
}

// TestFLUSHALLsAtOnceShareAPass: clients that ask during a pass share the next one, because the running pass may
// already be past keys that they have seen.
func TestFLUSHALLsAtOnceShareAPass(t *testing.T) {
	var f flushes
	var passes atomic.Int64
	entered, leave := make(chan bool), make(chan bool)
	pass := func() error {
		passes.Add(1)
		entered <- true
		<-leave
		return nil
	}
	var all sync.WaitGroup
	all.Go(func() { _ = f.share(f.begun.Load(), pass) })
	<-entered
	asked := f.begun.Load()
	for range 50 {
		all.Go(func() { _ = f.share(asked, pass) })
	}
	leave <- true
	<-entered
	leave <- true
	all.Wait()
	if passes.Load() != 2 {
		t.Errorf("%d passes", passes.Load())
	}
	failed := errors.New("the disk fails")
	if err := f.share(f.begun.Load(), func() error { return failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
}

// TestFLUSHALLEndsWithTheServer: the rest of the keys stays.
func TestFLUSHALLEndsWithTheServer(t *testing.T) {
	b := newReplicatedBench(t, 100)
	b.End()
	if err := (&flushPace{server: b.Server}).fits(); !errors.Is(err, errServerEnds) {
		t.Error(err)
	}
}

// TestFLUSHALLWaitsForAPeerThatComesOn: it waits for a peer that is behind and makes progress. It does not wait for a
// peer that is offline, that keeps up, or that has stopped acknowledging.
func TestFLUSHALLWaitsForAPeerThatComesOn(t *testing.T) {
	p := flushPace{slowed: map[uint16]peerPace{}}
	start := time.Now()
	for i, c := range []struct {
		after  time.Duration
		state  replica.State
		behind int
		ahead  bool
	}{
		{0, replica.Online, flushAhead, false},
		{0, replica.Online, 3 * flushAhead, true},
		{flushPatience / 2, replica.Online, 3 * flushAhead, true},
		{flushPatience, replica.Online, 2 * flushAhead, true}, // it makes progress
		{2*flushPatience - 1, replica.Online, 2 * flushAhead, true},
		{2 * flushPatience, replica.Online, 2 * flushAhead, false},
		{2 * flushPatience, replica.Offline, 4 * flushAhead, false},
		{2 * flushPatience, replica.Syncing, 4 * flushAhead, true},
	} {
		st := replica.Status{Peers: []replica.PeerStatus{{Node: 2, State: c.state, BehindKeys: c.behind}}}
		if got := p.isAhead(st, start.Add(c.after)); got != c.ahead {
			t.Errorf("step %d: it waits: %v", i, got)
		}
	}
}

// TestNoKeyGoesOnceCLIENTPAUSEHasAnswered: the reply of CLIENT PAUSE waits for the piece of a FLUSHALL that has begun,
// and the next piece waits for the end of the pause.
func TestNoKeyGoesOnceCLIENTPAUSEHasAnswered(t *testing.T) {
	b := newReplicatedBench(t, 5000)
	b.Fences = true
	now, begun, goOn := b.Now(), make(chan struct{}), make(chan struct{})
	var pieces atomic.Int64
	b.Now = func() engine.Moment {
		if pieces.Add(1) == 1 {
			close(begun)
			<-goOn
		}
		return now
	}
	var flushing sync.WaitGroup
	flushing.Go(func() { _ = b.flushAll(false) })
	<-begun
	answered := make(chan string)
	go func() { answered <- b.do("CLIENT", "PAUSE", "1000", "WRITE") }()
	for deadline := time.Now().Add(10 * time.Second); b.pause.end() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("CLIENT PAUSE does not begin")
		}
	}
	select {
	case <-answered:
		t.Error("CLIENT PAUSE answers while keys go")
	case <-time.After(10 * time.Millisecond):
	}
	close(goOn)
	if got := <-answered; got != "+OK\r\n" || b.turn != (Turn{Next: Held, Ran: 1, Hold: Hold{Order: true}}) {
		t.Fatalf("%q, turn %+v", got, b.turn)
	}
	other := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	keys := func() string { return b.run(other, batchOf("DBSIZE")) }
	left := keys()
	for before := pieces.Load(); pieces.Load() < before+10; { // a piece that waits reads the clock each time it looks
		if got := keys(); got != left || got == ":0\r\n" || got == ":5000\r\n" {
			t.Fatalf("%q keys are left, then %q", left, got)
		}
	}
	if got := b.run(other, batchOf("CLIENT UNPAUSE")); got != "+OK\r\n" {
		t.Fatal(got)
	}
	flushing.Wait()
	if got := keys(); got != ":0\r\n" {
		t.Errorf("%q keys are left at the end", got)
	}
}
