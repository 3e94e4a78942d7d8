package command

import (
	"github.com/quotadb/quota-db/resp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestEveryCommandRunsInATransaction finds rows that take locks of their own. They would wait for ever for the locks of
// EXEC.
func TestEveryCommandRunsInATransaction(t *testing.T) {
	for _, r := range newTable(commands()).rows {
		if r.handler == nil || r.flags&(atOnce|noMulti|takesLong) != 0 {
			continue
		}
		b := newBench(t, nil)
		b.do("SET", "1", "1")
		args := strings.Split(r.full, "|")
		for len(args) < max(r.arity, -r.arity) {
			args = append(args, "1")
		}
		if got := b.do("MULTI"); got != "+OK\r\n" {
			t.Fatal(got)
		}
		if got := b.do(args...); got != "+QUEUED\r\n" {
			t.Errorf("%q: %q", args, got)
		}
		if got := b.do("EXEC"); !strings.HasPrefix(got, "*1\r\n") {
			t.Errorf("%q: EXEC answers %q", args, got)
		}
		b.do("CLIENT", "UNPAUSE")
		if size, err := replySize([]byte(b.do("PING")), 1); size == 0 || err != nil {
			t.Errorf("%q: nothing runs afterwards", args)
		}
		tx := b.DB.LockEvery(b.Now())
		tx.Unlock()
	}
}

func TestTransactionIsBounded(t *testing.T) {
	b := newBench(t, nil)
	b.limits.Store(&resp.Limits{MaxBufferedBytes: 1000})
	b.do("MULTI")
	size := 0
	for range 10 {
		if got := b.do("SET", "k", strings.Repeat("x", 200)); got == "+QUEUED\r\n" {
			size += 200
		} else if got != "-"+errTransactionSize+"\r\n" {
			t.Fatal(got)
		}
	}
	if held := b.client.QueuedBytes(); size > 1000 || held > 1000 || held < size {
		t.Errorf("%d bytes are queued, %d are counted", size, held)
	}
	if got := b.do("EXEC"); got != "-"+errExecAbort+"\r\n" {
		t.Error(got)
	}
	if b.client.QueuedBytes() != 0 {
		t.Error("the queue is kept")
	}
}

func TestWatchesAreBoundedAndEnd(t *testing.T) {
	b := newBench(t, nil)
	keys := make([]string, 1+maxWatches)
	keys[0] = "WATCH"
	for i := range keys[1:] {
		keys[1+i] = strconv.Itoa(i)
	}
	if got := b.do(keys...); got != "+OK\r\n" {
		t.Fatal(got)
	}
	if got := b.do("WATCH", "one more"); got != "-"+errWatches+"\r\n" {
		t.Fatal(got)
	}
	b.do("SET", keys[7], "1")
	b.do("MULTI")
	if got := b.do("EXEC"); got != "*-1\r\n" {
		t.Error(got)
	}
	if got := b.do("WATCH", "one more"); got != "+OK\r\n" {
		t.Error(got)
	}
	b.Disconnect(b.client)
}

func TestWatchedNamesAreBoundedInBytesAndCount(t *testing.T) {
	b := newBench(t, nil)
	b.limits.Store(&resp.Limits{MaxBufferedBytes: 5000})
	name := func(i int) string { return strconv.Itoa(i) + strings.Repeat("x", 1000) }
	for range 2 { // watching a key twice needs no more memory
		if got := b.do("WATCH", name(1), name(2), name(1)); got != "+OK\r\n" {
			t.Fatal(got)
		}
	}
	if held := b.client.QueuedBytes(); held < 2000 || held > 3000 {
		t.Errorf("names of 2002 bytes count as %d", held)
	}
	if got := b.do("WATCH", name(3), name(4), name(5), name(6)); got != "-"+errWatchSize+"\r\n" {
		t.Error(got)
	}
	if held := b.client.QueuedBytes(); held < 4000 || held > 5000 || b.client.watching.Load() != 4 {
		t.Errorf("%d names count as %d bytes", b.client.watching.Load(), held)
	}
	b.do("MULTI")
	if got := b.do("SET", "k", name(1)); got != "-"+errTransactionSize+"\r\n" {
		t.Errorf("names and queue together: %q", got)
	}
	b.do("DISCARD")
	if b.client.QueuedBytes() != 0 {
		t.Error("the names still count")
	}
}

func TestWatchKeepsOneCopyOfTheName(t *testing.T) {
	b := newBench(t, nil)
	const size = 1 << 20
	for _, client := range []*Client{b.client, b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})} {
		batch := [][][]byte{words([]string{"WATCH", strings.Repeat("x", size)})}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b.x.Run(client, batch, nil)
		runtime.ReadMemStats(&after)
		clear(batch[0][1]) // the input's memory is used again
		if grown := after.TotalAlloc - before.TotalAlloc; grown > size*3/2 {
			t.Errorf("a watch of %d bytes takes %d", size, grown)
		}
	}
	b.do("SET", strings.Repeat("x", size), "1")
	b.do("MULTI")
	if got := b.do("EXEC"); got != "*-1\r\n" {
		t.Error(got)
	}
	b.do("SET", strings.Repeat("x", size), "2")
}

func TestQuotaTakesTokensWithinATransaction(t *testing.T) {
	runOurs(t, `
		QUOTASET q 3 60 => +OK
		WATCH q => +OK
		MULTI => +OK
		INCR q => +QUEUED
		INCRBY q 5 => +QUEUED
		QUOTAINCR r 1 60 => +QUEUED
		EXEC => *3¶:2¶:-1¶:0
		WATCH q => +OK
		INCR q => :1
		MULTI => +OK
		EXEC => *-1
		WATCH q => +OK
		INCRBY q 9 => :-1
		MULTI => +OK
		EXEC => *0
	`)
}

func TestAnAppendOfNothingCountsAsAWrite(t *testing.T) {
	runOurs(t, `
		SET k v => +OK
		WATCH k => +OK
		APPEND k "" => :1
		MULTI => +OK
		GET k => +QUEUED
		EXEC => *-1
	`)
}
