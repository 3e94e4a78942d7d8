package robust

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

func TestOneConnectionTooManyIsRefusedWithRedisText(t *testing.T) {
	t.Parallel()
	const most = 5
	server := process.QuotaDB(t, "--max-connections", fmt.Sprint(most))
	var admitted []*wire.Conn
	eventually(t, "all connections are admitted", func() bool { // the harness's own connection may still count
		c := server.Dial(t)
		if v, err := c.Do("PING"); err == nil && v.Text == "PONG" {
			admitted = append(admitted, c)
		}
		return len(admitted) == most
	})
	refused := server.Dial(t)
	got, err := refused.Drain()
	if err != nil || fmt.Sprint(got) != "[-ERR max number of clients reached]" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, c := range admitted {
		want(t, c, "+PONG", "PING")
	}
	if err := admitted[0].Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a free place is given away", func() bool {
		v, err := server.Dial(t).Do("PING")
		return err == nil && v.Text == "PONG"
	})
}

func TestFullMemoryRefusesWritesButNotReadsAndDeletes(t *testing.T) {
	t.Parallel()
	const (
		limit   = "20mb"
		refusal = "-OOM command not allowed when used memory > 'maxmemory'."
		most    = 100_000 // KiB written at the latest, five times the limit
	)
	c := process.QuotaDB(t, "--maxmemory", limit).Dial(t)
	want(t, c, `*[$"maxmemory" $"20971520"]`, "CONFIG", "GET", "maxmemory")
	value := strings.Repeat("v", 1024)
	stored := 0
	for ; stored < most; stored++ {
		v := do(t, c, "SET", fmt.Sprintf("key:%d", stored), value)
		if v.IsError() {
			if v.String() != refusal {
				t.Errorf("refused with %s", v)
			}
			break
		}
	}
	if stored < 1000 || stored == most {
		t.Fatalf("%d KiB stored under a limit of %s", stored, limit)
	}
	want(t, c, refusal, "SET", "another", value)
	want(t, c, refusal, "MSET", "another", value, "one", value)
	want(t, c, fmt.Sprintf("$%q", value), "GET", "key:0")
	want(t, c, fmt.Sprintf(":%d", stored), "DBSIZE")
	want(t, c, ":1", "EXPIRE", "key:1", "1000")
	for i := range stored {
		want(t, c, ":1", "DEL", fmt.Sprintf("key:%d", i))
	}
	want(t, c, "+OK", "SET", "another", value)
	want(t, c, "+OK", "CONFIG", "SET", "maxmemory", "1")
	want(t, c, refusal, "SET", "one more", value)
	want(t, c, "+OK", "CONFIG", "SET", "maxmemory", "0")
	want(t, c, "+OK", "SET", "one more", value)
}

func TestWithoutTTLEveryDeadlineIsRefused(t *testing.T) {
	t.Parallel()
	c := process.QuotaDB(t, "--enable-ttl", "false").Dial(t)
	want(t, c, "+OK", "SET", "k", "1")
	for _, command := range []string{
		"SET k 2 EX 100", "SET k 2 PX 100", "SET k 2 EXAT 99999999999", "SET k 2 PXAT 99999999999999",
		"SETEX k 100 2", "PSETEX k 100 2", "GETEX k EX 100", "GETEX k PXAT 99999999999999",
		"EXPIRE k 100", "PEXPIRE k 100", "EXPIREAT k 99999999999", "PEXPIREAT k 99999999999999",
	} {
		if v := do(t, c, strings.Fields(command)...); !v.IsError() {
			t.Errorf("%s answers %s", command, v)
		}
	}
	want(t, c, `$"1"`, "GET", "k")
	want(t, c, ":2", "INCR", "k")
	want(t, c, ":-1", "TTL", "k")
	want(t, c, ":0", "PERSIST", "k")
	want(t, c, "+OK", "SET", "k", "3", "KEEPTTL")
	want(t, c, `$"3"`, "GETEX", "k")
}

func TestAnIdleClientIsDisconnectedAfterTheTimeout(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	idle, busy := server.Dial(t), server.Dial(t)
	want(t, idle, "+PONG", "PING")
	want(t, busy, "+OK", "CONFIG", "SET", "timeout", "1")
	ended := make(chan error, 1)
	go func() {
		got, err := idle.Drain()
		if len(got) > 0 {
			err = fmt.Errorf("it was told %v", got)
		}
		ended <- err
	}()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
			return
		default:
			want(t, busy, "+PONG", "PING")
		}
	}
}
