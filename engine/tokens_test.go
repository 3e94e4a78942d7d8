package engine

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quotadb/quota-db/quota"
)

// given is a number of tokens: one of whose take a client has heard, or the negative number that it gave back.
type given struct {
	at    int64
	n     float64
	order int // in which they happened
}

// TestNoCrashGivesATokenTwice takes tokens at random while the follower writes and syncs, and lets the process crash:
// then the disk has the synced state or one written later. Over every interval of the time in which processes ran the
// law must hold: capacity + count*t/period. With two limits in turns the largest capacity and the fastest rate count.
// Tokens that a client gives back do not count from then on, whether or not the crash forgets that.
func TestNoCrashGivesATokenTwice(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	crashes, reserved, back := 0, 0, 0.0
	for run := range uint64(800) {
		random := rand.New(rand.NewPCG(seed, run))
		h := tokenHistory{t: t, run: run, random: random, now: at(testWall)}
		for range 1 + run%3 {
			largest := [2]uint64{10, 200}[random.IntN(2)] // one version's limit may be far below the other's
			h.limits = append(h.limits, quota.Rate{Capacity: 1 + random.Uint64N(largest), Count: 1 + random.Uint64N([2]uint64{3, 100}[run/3%2]), Period: time.Second})
		}
		h.disk.peers = random.IntN(2) == 0
		h.begin(nil, false)
		if h.transient = random.IntN(2) == 0; !h.transient {
			h.set()
		}
		h.write()
		h.sync()
		for range 100 {
			h.step()
		}
		h.check()
		_ = h.db.Close()
		crashes += h.crashes
		reserved += h.free
		back += h.back
	}
	if crashes < 800 || reserved < 4000 || back < 1000 {
		t.Errorf("%d crashes, %d tokens from a reserve, %.0f given back: this tests too little", crashes, reserved, back)
	}
}

type tokenHistory struct {
	t      *testing.T
	run    uint64
	random *rand.Rand
	limits []quota.Rate
	now    Moment
	// Throttle makes the quota, and the quota ends when it is full.
	transient bool
	db        *DB
	key       Key
	life      uint64
	disk      disk
	written   [][]byte // states that a crash may leave instead of safe
	ages      []int64  // of each state in written
	safe      []byte
	age       int64
	pending   []given // tokens given whose replies have not been sent
	told      []given
	crashes   int
	free      int
	back      float64
	events    int
}

func (h *tokenHistory) given(n float64) given {
	h.events++
	return given{h.now.Mono, n, h.events}
}

// begin starts a life from the state on the disk.
func (h *tokenHistory) begin(records []byte, crashed bool) {
	h.life++
	h.disk.batch.Records = records
	if h.db != nil {
		_ = h.db.Close()
	}
	h.db = h.disk.restore(h.t, h.life, h.random, h.now, crashed)
	h.key = h.db.Key([]byte("limit"))
	h.disk.batch = Batch{Records: slices.Clone(records)}
	h.disk.writers = nil
	h.pending, h.written, h.ages = nil, nil, nil
}

func (h *tokenHistory) step() {
	switch h.random.IntN(20) {
	case 0, 1:
		h.now.Mono += h.random.Int64N(int64(time.Second))
	case 2, 3, 4:
		h.write()
	case 5:
		h.write()
		h.sync()
	case 6:
		if h.random.IntN(3) == 0 {
			h.crash()
		}
	case 7:
		if h.random.IntN(3) == 0 {
			h.write() // a clean stop writes first
			h.begin(h.written[len(h.written)-1], false)
			h.write()
			h.sync()
		}
	case 8:
		if !h.transient && h.random.IntN(2) == 0 {
			h.set()
		}
	case 9:
		h.give()
	default:
		h.take()
	}
}

// give is QUOTAGIVE.
func (h *tokenHistory) give() {
	tx := h.db.Lock(h.key, h.now)
	defer tx.Unlock()
	before, ok := tx.Quota(h.key)
	after, still := tx.GiveBack(h.key, 1+h.random.Uint64N(20))
	if ok != still {
		h.t.Fatalf("a quota is there: %v, and takes tokens back: %v", ok, still)
	}
	if n := float64(before.Rate.Count) * (before.Bucket.FullAfter(h.now.Mono) - after.Bucket.FullAfter(h.now.Mono)).Seconds(); n > 0 {
		h.told = append(h.told, h.given(-n))
		h.back += n
	}
}

// limit is one of the limits that clients send.
func (h *tokenHistory) limit() quota.Rate { return h.limits[h.random.IntN(len(h.limits))] }

// set is QUOTASET.
func (h *tokenHistory) set() {
	tx := h.db.Lock(h.key, h.now)
	defer tx.Unlock()
	if err := tx.SetQuota(h.key, h.limit()); err != nil {
		h.t.Fatal(err)
	}
}

// take is INCR or QUOTAINCR.
func (h *tokenHistory) take() {
	n := h.random.Int64N([2]int64{4, 40}[h.random.IntN(2)])
	h.now.Mono += h.random.Int64N(int64(10 * time.Millisecond))
	tx := h.db.Lock(h.key, h.now)
	defer tx.Unlock()
	if h.transient || h.random.IntN(2) == 0 {
		taken, _, err := tx.Throttle(h.key, h.limit(), uint64(n))
		if err != nil {
			h.t.Fatal(err)
		}
		if !taken {
			return
		}
	} else if left, err := tx.Add(h.key, n); err != nil {
		h.t.Fatal(err)
	} else if left < 0 {
		return
	}
	for range n {
		if tx.Unsafe() {
			h.pending = append(h.pending, h.given(1))
		} else {
			h.told = append(h.told, h.given(1))
			h.free++
		}
	}
}

func (h *tokenHistory) write() {
	h.disk.take(h.t, h.db, 100)
	h.written = append(h.written, slices.Clone(h.disk.batch.Records))
	h.ages = append(h.ages, h.now.Mono)
}

// sync syncs what is written. More may be taken meanwhile, and even written.
func (h *tokenHistory) sync() {
	n, heard, grants := len(h.written), len(h.pending), len(h.disk.batch.Reserves)
	for range h.random.IntN(4) {
		h.take()
	}
	if h.random.IntN(3) == 0 {
		h.write()
	}
	h.safe, h.age = h.written[n-1], h.ages[n-1]
	h.written, h.ages = h.written[n:], h.ages[n:]
	h.db.ReservesAreSafe(h.disk.batch.Reserves[:grants])
	h.disk.batch.Reserves = h.disk.batch.Reserves[grants:]
	h.told = append(h.told, h.pending[:heard]...) // the waiting clients hear now
	h.pending = h.pending[heard:]
}

func (h *tokenHistory) crash() {
	h.crashes++
	records, age := h.safe, h.age
	if n := h.random.IntN(len(h.written) + 1); n > 0 {
		records, age = h.written[n-1], h.ages[n-1]
	}
	lost := h.now.Mono - age // time that has passed without the disk's knowledge
	for i := range h.told {
		h.told[i].at -= lost
	}
	h.now.Mono = age
	h.begin(records, true)
}

func (h *tokenHistory) check() {
	slices.SortStableFunc(h.told, func(a, b given) int { return a.order - b.order })
	// From one take to another the law is sum <= capacity + earned. So for each take the sum of all tokens up to it,
	// less what is earned by then, may be at most capacity above the smallest such difference just before a take.
	lowest, sum := math.Inf(1), 0.0
	var largest quota.Rate
	for _, r := range h.limits {
		largest.Capacity, largest.Count = max(largest.Capacity, r.Capacity), max(largest.Count, r.Count)
	}
	for _, g := range h.told {
		earned := float64(largest.Count) * float64(g.at) / float64(time.Second)
		lowest = min(lowest, sum-earned)
		sum += g.n
		// A time is rounded to nanoseconds, which is far less than a token.
		if n := sum - earned - lowest; n > float64(largest.Capacity)+1e-3 {
			h.t.Fatalf("run %d, %+v: %.3f tokens more than were earned", h.run, h.limits, n)
		}
	}
}
