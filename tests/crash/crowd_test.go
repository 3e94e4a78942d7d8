package crash

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// crowd is clients at work, each over its connection.
type crowd struct {
	conns []*wire.Conn
	// steps are those acknowledged to anybody.
	steps   atomic.Int64
	marks   []mark
	ending  atomic.Bool // the server is stopping, so connections may break
	working sync.WaitGroup
	failed  chan error // errors that no client should get; room for one of each client
}

// mark is a number of steps that a goroutine waits for.
type mark struct {
	at      int64
	reached chan struct{}
}

func startCrowd(t *testing.T, s *process.Server, clients []*client, marks ...int64) *crowd {
	t.Helper()
	c := &crowd{failed: make(chan error, len(clients))}
	for _, at := range marks {
		c.marks = append(c.marks, mark{at, make(chan struct{})})
	}
	for range clients {
		c.conns = append(c.conns, s.Dial(t))
	}
	for i, one := range clients {
		c.working.Go(func() {
			defer func() { _ = c.conns[i].Close() }()
			broken, wrong := one.work(c.conns[i], c.acked)
			if wrong == nil && !c.ending.Load() {
				wrong = fmt.Errorf("the connection broke: %w", broken)
			}
			if wrong != nil {
				c.failed <- fmt.Errorf("client %d: %w", i, wrong)
			}
		})
	}
	return c
}

func (c *crowd) acked() {
	n := c.steps.Add(1)
	for _, m := range c.marks {
		if n == m.at {
			close(m.reached)
		}
	}
}

func (c *crowd) wait(t *testing.T, m mark) {
	t.Helper()
	select {
	case <-m.reached:
	case err := <-c.failed:
		t.Fatal(err)
	}
}

// stop sends all clients home.
func (c *crowd) stop() {
	c.ending.Store(true)
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.working.Wait()
}
