package client

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/redis/go-redis/v9"
)

// clientTimeout is generous: the suites share few cores.
const clientTimeout = 20 * time.Second

func connect(t *testing.T, addr string, protocol int) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{
		Addr: addr, Protocol: protocol, PoolSize: 60,
		DialTimeout: clientTimeout, ReadTimeout: clientTimeout, WriteTimeout: clientTimeout,
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func forBothProtocols(t *testing.T, test func(t *testing.T, protocol int)) {
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			t.Parallel()
			test(t, protocol)
		})
	}
}

func TestConcurrentIncrementsSumUpExactly(t *testing.T) {
	t.Parallel()
	const (
		goroutines = 50
		increments = 200_000
		keys       = 100
		perBatch   = 20 // half of the goroutines send pipelines of this many
	)
	server := process.QuotaDB(t)
	forBothProtocols(t, func(t *testing.T, protocol int) {
		c := connect(t, server.Addr, protocol)
		key := func(i int) string { return fmt.Sprintf("sum:%d:%d", protocol, i%keys) }
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				const share = increments / 2 / goroutines // half per protocol
				batch := 1
				if g%2 == 0 {
					batch = perBatch
				}
				for done := 0; done < share; done += batch {
					_, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
						for i := range batch {
							p.Incr(t.Context(), key(g*share+done+i))
						}
						return nil
					})
					if err != nil {
						t.Errorf("goroutine %d: %v", g, err)
						return
					}
				}
			})
		}
		all.Wait()
		for i := range keys {
			const want = increments / 2 / keys
			if got, err := c.Get(t.Context(), key(i)).Int64(); err != nil || got != want {
				t.Errorf("%s = %d, %v; want %d", key(i), got, err, want)
			}
		}
	})
}

func TestConcurrentIncrementsOfOneKeyReturnEveryNumberOnce(t *testing.T) {
	t.Parallel()
	const goroutines, each = 20, 500
	c := connect(t, process.QuotaDB(t).Addr, 3)
	seen := make([][]int64, goroutines)
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for range each {
				n, err := c.Incr(t.Context(), "one").Result()
				if err != nil {
					t.Error(err)
					return
				}
				seen[g] = append(seen[g], n)
			}
		})
	}
	all.Wait()
	returned := map[int64]bool{}
	for g, numbers := range seen {
		for i, n := range numbers {
			if returned[n] || n < 1 || n > goroutines*each || i > 0 && n <= numbers[i-1] {
				t.Fatalf("goroutine %d got %d after %v", g, n, numbers[max(0, i-3):i])
			}
			returned[n] = true
		}
	}
	if len(returned) != goroutines*each {
		t.Errorf("%d numbers, want %d", len(returned), goroutines*each)
	}
}

func TestPipelinesOfTenThousandCommandsAreAnsweredInOrder(t *testing.T) {
	t.Parallel()
	const depth = 10_000
	server := process.QuotaDB(t)
	forBothProtocols(t, func(t *testing.T, protocol int) {
		c := connect(t, server.Addr, protocol)
		counter := fmt.Sprintf("pipeline:%d", protocol)
		replies, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			for i := range depth / 2 {
				p.Incr(t.Context(), counter)
				p.Echo(t.Context(), i)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range depth / 2 {
			if got := replies[2*i].(*redis.IntCmd).Val(); got != int64(i+1) {
				t.Fatalf("INCR %d answered %d", i, got)
			}
			if got := replies[2*i+1].(*redis.StringCmd).Val(); got != strconv.Itoa(i) {
				t.Fatalf("ECHO %d answered %q", i, got)
			}
		}
	})
}

func TestTheClientLibraryUnderstandsEveryReply(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	for _, protocol := range []int{2, 3} { // one after the other: they flush
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			ctx := t.Context()
			c := connect(t, server.Addr, protocol)
			check(t, "FLUSHALL", c.FlushAll(ctx).Val(), "OK")
			check(t, "SET", c.Set(ctx, "k", "v\x00\r\n", time.Hour).Val(), "OK")
			check(t, "GET", c.Get(ctx, "k").Val(), "v\x00\r\n")
			check(t, "GET missing", c.Get(ctx, "missing").Err(), error(redis.Nil))
			check(t, "TTL", c.TTL(ctx, "k").Val() > 59*time.Minute, true)
			check(t, "PERSIST", c.Persist(ctx, "k").Val(), true)
			check(t, "TTL without deadline", c.TTL(ctx, "k").Val(), -1)
			check(t, "SETNX", c.SetNX(ctx, "k", 1, 0).Val(), false)
			check(t, "SET XX GET", c.SetArgs(ctx, "k", 5, redis.SetArgs{Mode: "XX", Get: true}).Val(), "v\x00\r\n")
			check(t, "INCRBY", c.IncrBy(ctx, "k", math.MaxInt64-5).Val(), math.MaxInt64)
			check(t, "INCR overflow", c.Incr(ctx, "k").Err().Error(), "ERR increment or decrement would overflow")
			check(t, "MSET", c.MSet(ctx, "a", 1, "b", "two").Val(), "OK")
			check(t, "MGET", fmt.Sprint(c.MGet(ctx, "a", "missing", "b").Val()), "[1 <nil> two]")
			check(t, "EXISTS", c.Exists(ctx, "a", "b", "missing").Val(), 2)
			check(t, "TYPE", c.Type(ctx, "a").Val(), "string")
			check(t, "EXPIRE GT", c.ExpireGT(ctx, "a", time.Hour).Val(), false)
			check(t, "GETEX", c.GetEx(ctx, "a", time.Hour).Val(), "1")
			check(t, "GETDEL", c.GetDel(ctx, "a").Val(), "1")
			check(t, "DEL", c.Del(ctx, "a", "b").Val(), 1)
			check(t, "DBSIZE", c.DBSize(ctx).Val(), 1)
			check(t, "CONFIG GET", c.ConfigGet(ctx, "maxmemory").Val()["maxmemory"], "0")
			check(t, "TIME", time.Since(c.Time(ctx).Val()).Abs() < time.Minute, true)
			check(t, "INFO", c.Info(ctx).Err(), nil)
			check(t, "CLIENT ID", c.ClientID(ctx).Val() > 0, true)
			var keys []string
			for it := c.Scan(ctx, 0, "*", 10).Iterator(); it.Next(ctx); {
				keys = append(keys, it.Val())
			}
			check(t, "SCAN", fmt.Sprint(keys), "[k]")
		})
	}
}

func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestTheClientReconnectsAfterAKill(t *testing.T) {
	t.Parallel()
	first := process.QuotaDB(t)
	c := connect(t, first.Addr, 3)
	if err := c.Incr(t.Context(), "k").Err(); err != nil {
		t.Fatal(err)
	}
	first.Signal(t, syscall.SIGKILL)
	first.Exit(t)
	if err := c.Incr(t.Context(), "k").Err(); err == nil {
		t.Fatal("a dead server answered")
	}
	process.QuotaDBAt(t, first.Addr)
	ctx, cancel := context.WithTimeout(t.Context(), clientTimeout)
	defer cancel()
	for {
		err := c.Incr(ctx, "k").Err()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}
