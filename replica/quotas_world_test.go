package replica

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/shares"
)

// admission is tokens that a client used.
type admission struct {
	from, to int64 // moments of its request and its reply
	tokens   uint64
}

// quotaWorld is a world whose clients take tokens of one quota from all nodes.
type quotaWorld struct {
	*world
	random   *rand.Rand
	rate     quota.Rate
	waiting  []*client
	admitted []admission
	returned int // orders that were cancelled
}

// client waits for tokens of other nodes. It takes the rest where it is.
type client struct {
	node  *testNode
	order *shares.Order
	rest  uint64
	began int64
}

// TestNodesTogetherAdmitNoMoreThanTheLimit runs random histories: clients take tokens at all nodes, and orders are
// sent, answered, cancelled and lost. In no interval is more admitted than the limit and what refills. At the end all
// tokens can be had at one node.
func TestNodesTogetherAdmitNoMoreThanTheLimit(t *testing.T) {
	seeds := uint64(150)
	if testing.Short() {
		seeds = 30
	}
	byOthers, returned := 0, 0
	for seed := range seeds {
		if !t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			q := takeAtRandom(t, seed)
			for _, n := range q.nodes {
				byOthers += int(n.Desk.Stats().GrantedTokens)
			}
			returned += q.returned
		}) {
			return
		}
	}
	if byOthers < int(seeds) || returned < int(seeds)/10 {
		t.Errorf("others gave %d tokens, %d orders were cancelled: that tests little", byOthers, returned)
	}
}

func takeAtRandom(t *testing.T, seed uint64) *quotaWorld {
	r := rand.New(rand.NewPCG(seed, 19))
	q := &quotaWorld{world: newWorld(t, 2+r.IntN(3)).sit(), random: r}
	limit := 1 + r.Uint64N(12)
	q.rate = quota.Rate{Capacity: limit, Count: limit, Period: time.Duration(20+r.IntN(200)) * time.Millisecond}
	q.connectAll()
	q.run(20 * time.Millisecond)
	for range 500 {
		q.now.Mono += r.Int64N(int64(2 * time.Millisecond))
		q.now.Wall = 1_700_000_000_000 + q.now.Mono/1e6
		i := r.IntN(len(q.nodes))
		switch n := q.nodes[i]; r.IntN(16) {
		case 0, 1:
			q.take(n, 1+r.Uint64N(min(5, limit)))
		case 2:
			q.take(n, q.left(n, "k", q.rate))
		case 3:
			q.now.Mono += r.Int64N(int64(q.rate.Period) / 4)
		case 4:
			n.Tick(q.now)
		case 5:
			if r.IntN(3) == 0 {
				q.connectSome(i, r)
			}
		case 6:
			if len(q.links) > 0 && r.IntN(8) == 0 {
				l := q.links[r.IntN(len(q.links))]
				q.carry(l, r.IntN(2), r.IntN(3))
				q.cut(l)
			}
		case 7:
			q.goOn(r.IntN(2) == 0)
		default:
			if len(q.links) > 0 {
				if l := q.links[r.IntN(len(q.links))]; q.isUp(l) {
					q.carry(l, r.IntN(2), 0)
				}
			}
		}
		q.forget()
	}
	q.law()
	q.reachAll()
	return q
}

// takeHere takes tokens from a node's own bucket: all, or none.
func (q *quotaWorld) takeHere(n *testNode, tokens uint64) (taken bool) {
	k := n.db.Key([]byte("k"))
	tx := n.db.Lock(k, q.now)
	defer tx.Unlock()
	taken, _, err := tx.Throttle(k, q.rate, tokens)
	if err != nil {
		q.t.Fatal(err)
	}
	return taken
}

// take is a client's request: what is missing here is ordered from others.
func (q *quotaWorld) take(n *testNode, tokens uint64) {
	if tokens == 0 {
		return
	}
	if q.takeHere(n, tokens) {
		q.admitted = append(q.admitted, admission{q.now.Mono, q.now.Mono, tokens})
		return
	}
	here := q.left(n, "k", q.rate)
	want := shares.Want{Rate: q.rate, Transient: true, Tokens: tokens - here}
	if o := n.Desk.Order([]byte("k"), want, q.now.Mono+int64(20*time.Millisecond), q.now.Mono, func() {}); o != nil {
		q.waiting = append(q.waiting, &client{n, o, here, q.now.Mono})
	}
}

// goOn answers clients whose orders have ended. gone: the first one has gone.
func (q *quotaWorld) goOn(gone bool) {
	kept := q.waiting[:0]
	for i, c := range q.waiting {
		granted, over := c.order.Result()
		switch {
		case gone && i == 0:
			c.node.Desk.Cancel(c.order)
			q.returned++
		case !over:
			kept = append(kept, c)
		case granted > 0 && q.takeHere(c.node, c.rest):
			q.admitted = append(q.admitted, admission{c.began, q.now.Mono, granted + c.rest})
		default:
			c.node.Desk.Cancel(c.order)
		}
	}
	q.waiting = kept
}

// law checks all intervals. Tokens that came from another node were taken between the client's request and its reply.
func (q *quotaWorld) law() {
	q.t.Helper()
	for _, first := range q.admitted {
		sums := map[int64]uint64{}
		for _, a := range q.admitted {
			if a.from >= first.from {
				sums[a.to] += a.tokens
			}
		}
		for end := range sums {
			sum := uint64(0)
			for to, n := range sums {
				if to <= end {
					sum += n
				}
			}
			if most := q.rate.Capacity + q.rate.Count*uint64(end-first.from)/uint64(q.rate.Period); sum > most {
				q.t.Fatalf("%d tokens of %+v in %v, at most %d are right", sum, q.rate, time.Duration(end-first.from), most)
			}
		}
	}
}

// reachAll connects all nodes, lets the quota fill, and takes all its tokens at one node.
func (q *quotaWorld) reachAll() {
	q.t.Helper()
	for _, l := range q.links {
		q.cut(l)
	}
	q.links = nil
	q.goOn(false)
	q.connectAll()
	q.run(2*q.rate.Period + 2*time.Second)
	n := q.nodes[q.random.IntN(len(q.nodes))]
	own := q.left(n, "k", q.rate)
	if own > 0 && !q.takeHere(n, own) {
		q.t.Fatal("the own tokens are not there")
	}
	if rest := q.rate.Capacity - own; rest > 0 {
		o := q.order(n, "k", q.rate, rest)
		q.deliver()
		q.granted(o, rest)
	}
}
