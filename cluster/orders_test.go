package cluster

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/replica"
	"github.com/quotadb/quota-db/shares"
)

// beginWithQuotas starts replication of a node that founds a cluster with its peers.
func (n *testNode) beginWithQuotas(delay time.Duration) *shares.Desk {
	n.t.Helper()
	council, err := shares.NewCouncil(shares.CouncilOptions{Node: n.id, Fresh: true, Random: rand.Uint64, Log: n.o.Log}, testNow().Mono)
	if err != nil {
		n.t.Fatal(err)
	}
	desk := shares.NewDesk(n.id)
	n.Start(Stepping{
		Machine: replica.New(replica.Options{
			Node: n.id, Run: n.o.Run, Life: n.life, Address: n.Addr().String(), DB: n.db, BatchSize: 100, Interval: time.Second, Log: n.o.Log,
			Council: council, Desk: desk,
		}),
		Now: testNow, Tick: delay, Refresh: n.db.RefreshDigests,
	})
	return desk
}

// order orders a token, and returns how long that took and whether it came.
func order(t *testing.T, desk *shares.Desk, rate quota.Rate) (took time.Duration, granted bool) {
	t.Helper()
	done, began, now := make(chan struct{}), time.Now(), testNow().Mono
	o := desk.Order([]byte("k"), shares.Want{Rate: rate, Transient: true, Tokens: 1}, now+int64(patience), now, func() { close(done) })
	if o == nil {
		return 0, false
	}
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("an order does not end")
	}
	n, _ := o.Result()
	return time.Since(began), n == 1
}

// TestAnOrderWaitsForNoBatchDelay: an order is sent and answered at once, also by owners that rest.
func TestAnOrderWaitsForNoBatchDelay(t *testing.T) {
	const delay, limit = 100 * time.Millisecond, 20
	rate := quota.Rate{Capacity: limit, Count: limit, Period: time.Hour}
	for name, rests := range map[string]bool{"busy": false, "at rest": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tick := delay
			if rests {
				tick = 5 * time.Millisecond // with a longer delay an owner does not rest
			}
			a := listen(t, 1, nil)
			b := listen(t, 2, func(o *Options) { o.Peers = addresses([]*testNode{a}) })
			desk := a.beginWithQuotas(tick)
			b.beginWithQuotas(tick)
			for _, n := range []*testNode{a, b} {
				eventually(t, "the cluster is founded", func() bool { return n.db.Part().State == shares.InForce })
			}
			var times []time.Duration
			for range limit / 2 {
				if rests {
					eventually(t, "the owners rest", func() bool { return a.rests() && b.rests() })
				}
				took, granted := order(t, desk, rate)
				if !granted {
					t.Fatal("no token comes, and the peer has some")
				}
				times = append(times, took)
			}
			if _, granted := order(t, desk, rate); granted {
				t.Error("more tokens come than the peer has")
			}
			slices.Sort(times)
			if median := times[len(times)/2]; median > delay/4 {
				t.Errorf("half of the orders take more than %v", median)
			}
			if s := desk.Stats(); s.Granted != limit/2 || s.Asks > limit/2+1 {
				t.Errorf("%+v", s)
			}
			if d := desk.RoundTrip(); d <= 0 || d > patience {
				t.Errorf("the round trip is %v", d)
			}
		})
	}
}

// rests reports whether the owner rests.
func (n *testNode) rests() (on bool) {
	o := n.owner.Load()
	o.do(func() { on = o.rest.on })
	return on
}

func TestAStopEndsNoOrderLate(t *testing.T) {
	a := listen(t, 1, nil)
	b := listen(t, 2, func(o *Options) { o.Peers = addresses([]*testNode{a}) })
	desk := a.beginWithQuotas(time.Millisecond)
	b.beginWithQuotas(time.Millisecond)
	eventually(t, "the cluster is founded", func() bool { return a.db.Part().State == shares.InForce })
	rate := quota.Rate{Capacity: 10, Count: 10, Period: time.Hour}
	if _, granted := order(t, desk, rate); !granted {
		t.Fatal("no token comes")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	eventually(t, "nobody is hoped for", func() bool { _, granted := order(t, desk, rate); return !granted })
	if got := desk.Others([]byte("k"), rate, testNow().Mono); got != 0 {
		t.Errorf("%d tokens are thought to be elsewhere", got)
	}
	if got := desk.Stranded([]byte("k"), rate); got != 5 {
		t.Errorf("%d tokens are stranded", got)
	}
}
