package cluster

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestAClientLibraryWritesToAllNodes uses go-redis as an application does, one client for each node.
func TestAClientLibraryWritesToAllNodes(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	const keys, times = 5, 200
	var writing sync.WaitGroup
	for place, s := range r.servers {
		client := redis.NewClient(&redis.Options{Addr: s.Addr})
		t.Cleanup(func() { _ = client.Close() })
		writing.Go(func() {
			ctx := context.Background()
			for n := range times {
				if err := client.IncrBy(ctx, fmt.Sprint("k", n%keys), int64(1+place)).Err(); err != nil {
					t.Errorf("node %d: %v", place+1, err)
				}
			}
			pipe := client.Pipeline()
			for n := range times {
				pipe.Incr(ctx, fmt.Sprint("k", n%keys))
			}
			if _, err := pipe.Exec(ctx); err != nil {
				t.Errorf("node %d: %v", place+1, err)
			}
		})
	}
	writing.Wait()
	for n := range keys {
		r.becomes(t, fmt.Sprintf("$%q", itoa(times/keys*(1+2+3+3))), "GET", fmt.Sprint("k", n))
	}
	r.equal(t)
}
