package command

import (
	"github.com/quotadb/quota-db/resp"
	"strconv"
	"strings"
	"testing"
)

// TestEveryCommandRunsInATransaction finds rows that take locks of their own, which would wait for EXEC's for ever.
func TestEveryCommandRunsInATransaction(t *testing.T) {
	for _, r := range newTable(commands()).rows {
		if r.handler == nil || r.flags&(atOnce|noMulti) != 0 {
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
