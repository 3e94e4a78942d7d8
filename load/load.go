// Package load puts load on nodes through a client library and measures how long their answers take, for `quota-db bench`.
//
// Each client has one connection and sends its next command, or pipeline, when it has the answers to the last: a closed loop. So a node that
// stalls is asked less meanwhile, and latencies are those of the requests that were sent. Latencies go into an HDR histogram.
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

// Plan says what load there is to be.
type Plan struct {
	Tests         []string      // names of tests, run one after the other
	Clients       int           // in all
	Pipeline      int           // commands that a client sends at once
	Keys          int           // that commands are spread over
	Duration      time.Duration // of each test; 0: until Requests are sent
	Requests      int           // of each test; 0: as many as fit in Duration
	Limit, Window int           // of quotas: tokens and seconds
	Patience      time.Duration // for one answer
}

const (
	maxLatency    = 10 * time.Minute // what the histogram holds, at least
	digits        = 3                // significant ones of the histogram
	progressEvery = time.Second
	// cleanBatch is how many keys one UNLINK of the cleaning has.
	cleanBatch = 500
)

// ErrRefused says that some commands were answered with errors.
var ErrRefused = errors.New("commands were answered with errors")

// Progress is how far a test has come.
type Progress struct {
	Test    string
	Elapsed time.Duration
	Sent    int64
	Rate    float64 // commands a second, since the last
	Errors  int64
}

// String is the progress as a line.
func (p Progress) String() string {
	return fmt.Sprintf("%s: %.0f s, %d commands, %.0f/s, %d errors", p.Test, p.Elapsed.Seconds(), p.Sent, p.Rate, p.Errors)
}

// Run runs the tests. Keys that it makes begin with a prefix of their own; these keys, and no others, are deleted at the end. It returns what it has measured also
// when it fails; ErrRefused says that some answers were errors.
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

// clean deletes the keys that were made, at each node: buckets that QUOTAINCR makes are a node's own. A node that fails keeps no other from being
// cleaned.
func clean(nodes []*remote.Node, keys *keyspace, plan Plan) error {
	var failed []error
	for _, node := range nodes {
		for _, f := range keys.families() {
			err := f.each(cleanBatch, func(made []any) error { return unlink(node, made, plan.Patience) })
			if err != nil {
				failed = append(failed, fmt.Errorf("%s: the keys %s* could not be deleted: %s", node.Addr(), f.prefix, remote.Explain(err)))
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

	sent   atomic.Int64 // commands that were answered
	errors atomic.Int64
	left   atomic.Int64 // commands that are still to be sent, if their number is bounded

	mu         sync.Mutex // protects what follows
	histogram  *hdrhistogram.Histogram
	firstError string
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, maxLatency.Microseconds(), digits)
}

// run runs all clients until the time, the commands or ctx end; the first connection that fails ends all.
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

// client is one client.
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
		_ = own.RecordValue(min(time.Since(begin), maxLatency).Microseconds()) // within its bounds
		t.sent.Add(int64(len(batch)))
		if refused > 0 {
			t.refuse(int64(refused), first)
		}
	}
	return nil
}

// take is how many commands the next batch has.
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

// report says once a second how far it has come.
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
