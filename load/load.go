// Package load puts load on nodes through a client library, and measures how long their replies take, for
// `quota-db bench`.
//
// Each client has one connection, and sends its next command or pipeline when it has the replies to the last one: a
// closed loop. So a node that stalls gets fewer requests during that time, and the latencies are only those of requests
// that were sent. Latencies go into an HDR histogram.
package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/quotadb/quota-db/remote"
)

// Plan describes the load.
type Plan struct {
	Tests         []string      // names of tests, run one after the other
	Clients       int           // connections to all nodes together
	Pipeline      int           // commands that a client sends at once
	Keys          int           // number of different keys
	Duration      time.Duration // of each test; 0: until Requests are sent
	Requests      int           // of each test; 0: as many as fit in Duration
	Limit, Window int           // of quotas: tokens and seconds
	Patience      time.Duration // longest wait for one reply
}

const (
	maxLatency    = 10 * time.Minute // the largest latency of the histogram; longer ones count as this
	digits        = 3                // significant digits of the histogram
	progressEvery = time.Second
	// cleanBatch is how many keys one UNLINK of the cleaning has.
	cleanBatch = 500
)

// ErrRefused: some replies were errors.
var ErrRefused = errors.New("commands were answered with errors")

// Progress is the progress of one test.
type Progress struct {
	Test    string
	Elapsed time.Duration
	Sent    int64
	Rate    float64 // commands a second, since the last report
	Errors  int64
}

// String is the progress as a line.
func (p Progress) String() string {
	return fmt.Sprintf("%s: %.0f s, %d commands, %.0f/s, %d errors", p.Test, p.Elapsed.Seconds(), p.Sent, p.Rate, p.Errors)
}

// Run runs the tests, and calls say once a second. Keys that it creates begin with a random prefix of their own; at the
// end it deletes these keys and no others. It returns the results also if it fails. Errors: ErrRefused if some replies
// were errors; errors of the connections; the cause of ctx.
func Run(ctx context.Context, nodes []*remote.Node, plan Plan, say func(Progress)) (Results, error) {
	keys := newKeyspace(fmt.Sprintf("bench:%08x:", rand.Uint32()), plan.Keys)
	var results Results
	for _, name := range plan.Tests {
		t := &test{name: name, plan: plan, nodes: nodes, command: commandOf(name, keys, plan)}
		result, err := t.run(ctx, say)
		results = append(results, result)
		if err != nil {
			return results, errors.Join(err, clean(nodes, keys, plan))
		}
	}
	if err := clean(nodes, keys, plan); err != nil {
		return results, err
	}
	for _, r := range results {
		if r.Errors > 0 {
			return results, fmt.Errorf("%s: %d of %d %w, the first: %s", r.Test, r.Errors, r.Commands, ErrRefused, r.FirstError)
		}
	}
	return results, nil
}

// clean deletes the created keys on each node, because transient quotas are not replicated. If one node fails, the
// other nodes are cleaned all the same.
func clean(nodes []*remote.Node, keys *keyspace, plan Plan) error {
	var failed []error
	for _, node := range nodes {
		for _, f := range keys.families() {
			err := f.each(cleanBatch, func(made []any) error { return unlink(node, made, plan.Patience) })
			if err != nil {
				failed = append(failed, fmt.Errorf("%s: could not delete the keys %s*: %s", node.Addr(), f.prefix, remote.Explain(err)))
				break
			}
		}
	}
	return errors.Join(failed...)
}

func unlink(node *remote.Node, keys []any, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := node.Do(ctx, append([]any{"UNLINK"}, keys...)...)
	return err
}

// test is one test while it runs.
type test struct {
	name    string
	plan    Plan
	nodes   []*remote.Node
	command func(*rand.Rand) []any

	sent   atomic.Int64 // commands that have their reply
	errors atomic.Int64 // of them, error replies
	left   atomic.Int64 // commands that are still to be sent, if Requests bounds them

	mu         sync.Mutex // protects the fields below
	histogram  *hdrhistogram.Histogram
	firstError string
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, maxLatency.Microseconds(), digits)
}

// run runs all clients until the time is over, all commands are sent, or ctx ends. The first connection that fails ends
// the whole test.
func (t *test) run(ctx context.Context, say func(Progress)) (Result, error) {
	t.histogram = newHistogram()
	t.left.Store(int64(t.plan.Requests))
	if t.plan.Duration > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, t.plan.Duration, errTime)
		defer cancel()
		ctx = limited
	}
	ctx, fail := context.WithCancelCause(ctx)
	begin := time.Now()
	var clients sync.WaitGroup
	for i := range t.plan.Clients {
		clients.Go(func() {
			if err := t.client(ctx, t.nodes[i%len(t.nodes)]); err != nil {
				fail(err)
			}
		})
	}
	ended := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() { t.report(begin, say, ended) })
	clients.Wait()
	took := time.Since(begin)
	close(ended)
	reporter.Wait()
	cause := context.Cause(ctx)
	fail(nil)
	if cause != nil && !errors.Is(cause, errTime) {
		return t.result(took), cause
	}
	return t.result(took), nil
}

// errTime: the test's time is over.
var errTime = errors.New("the time is over")

// client runs one client.
func (t *test) client(ctx context.Context, node *remote.Node) error {
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	own := newHistogram()
	defer t.merge(own)
	batch := make([][]any, 0, t.plan.Pipeline)
	for ctx.Err() == nil {
		batch = batch[:0]
		for range t.take() {
			batch = append(batch, t.command(random))
		}
		if len(batch) == 0 {
			return nil
		}
		begin := time.Now()
		one, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.plan.Patience)
		refused, first, err := node.Pipeline(one, batch)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %s", node.Addr(), remote.Explain(err))
		}
		_ = own.RecordValue(min(time.Since(begin), maxLatency).Microseconds()) // within the bounds: cannot fail
		t.sent.Add(int64(len(batch)))
		if refused > 0 {
			t.refuse(int64(refused), first)
		}
	}
	return nil
}

// take takes the commands of the next batch from those that are left, and returns their number.
func (t *test) take() int {
	if t.plan.Requests == 0 {
		return t.plan.Pipeline
	}
	left := t.left.Add(-int64(t.plan.Pipeline)) + int64(t.plan.Pipeline)
	return int(min(max(left, 0), int64(t.plan.Pipeline)))
}

func (t *test) refuse(n int64, first error) {
	t.errors.Add(n)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.firstError == "" {
		t.firstError = first.Error()
	}
}

func (t *test) merge(h *hdrhistogram.Histogram) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.histogram.Merge(h)
}

// report calls say with the progress once a second, until ended is closed.
func (t *test) report(begin time.Time, say func(Progress), ended <-chan struct{}) {
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	last, lastAt := int64(0), begin
	for {
		select {
		case <-ended:
			return
		case now := <-ticker.C:
			sent := t.sent.Load()
			say(Progress{t.name, now.Sub(begin), sent, float64(sent-last) / now.Sub(lastAt).Seconds(), t.errors.Load()})
			last, lastAt = sent, now
		}
	}
}
