package engine

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
)

// TestTwoLimitsInTurnsAdmitWhatTheLargerOneAllows: two versions of a program send two limits, with every command that
// has a limit.
func TestTwoLimitsInTurnsAdmitWhatTheLargerOneAllows(t *testing.T) {
	ten, eleven := mustLimit(t, 10, 100*time.Second), mustLimit(t, 11, 100*time.Second)
	burst := quota.Rate{Capacity: 20, Count: 10, Period: 100 * time.Second}
	throttle := func(tx *Tx, k Key, rate quota.Rate) bool {
		taken, _, err := tx.Throttle(k, rate, 1)
		return taken && err == nil
	}
	set := func(tx *Tx, k Key, rate quota.Rate) bool {
		err := tx.SetQuota(k, rate)
		left, addErr := tx.Add(k, 1)
		return err == nil && addErr == nil && left >= 0
	}
	for name, c := range map[string]struct {
		limits [2]quota.Rate
		take   func(*Tx, Key, quota.Rate) bool
		most   int
	}{
		"QUOTAINCR":               {[2]quota.Rate{ten, eleven}, throttle, 11},
		"CL.THROTTLE":             {[2]quota.Rate{{Capacity: 10, Count: 10, Period: 100 * time.Second}, burst}, throttle, 20},
		"QUOTASET beside INCR":    {[2]quota.Rate{eleven, ten}, set, 11},
		"far apart":               {[2]quota.Rate{mustLimit(t, 1, 100*time.Second), mustLimit(t, 100, 100*time.Second)}, throttle, 100},
		"of one capacity":         {[2]quota.Rate{mustLimit(t, 5, time.Hour), mustLimit(t, 5, 2*time.Hour)}, throttle, 5},
		"permanent and transient": {[2]quota.Rate{ten, eleven}, func(tx *Tx, k Key, rate quota.Rate) bool { return set(tx, k, rate) || throttle(tx, k, rate) }, 11},
		"in turns by both kinds":  {[2]quota.Rate{eleven, ten}, func(tx *Tx, k Key, rate quota.Rate) bool { return throttle(tx, k, rate) || set(tx, k, rate) }, 11},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t, 1)
			k := db.Key([]byte("k"))
			admitted := 0
			for i := range 4000 { // of a microsecond each
				tx := db.Lock(k, after(time.Duration(i)*time.Microsecond))
				if c.take(&tx, k, c.limits[i%2]) {
					admitted++
				}
				tx.Unlock()
			}
			if admitted > c.most {
				t.Errorf("%d tokens of %d", admitted, c.most)
			}
			checkInvariants(t, db)
		})
	}
}

func TestALimitThatIsLoweredAndRaisedAgainForgetsNothing(t *testing.T) {
	hundred, one := mustLimit(t, 100, time.Hour), mustLimit(t, 1, time.Second)
	for _, transient := range []bool{false, true} {
		db := openTest(t, 1)
		k := db.Key([]byte("k"))
		change := func(at time.Duration, rate quota.Rate) {
			t.Helper()
			tx := db.Lock(k, after(at))
			defer tx.Unlock()
			if transient {
				_, _, _ = tx.Throttle(k, rate, 0)
			} else if err := tx.SetQuota(k, rate); err != nil {
				t.Fatal(err)
			}
		}
		tx := db.Lock(k, testNow)
		if taken, _, err := tx.Throttle(k, hundred, 100); !taken || err != nil {
			t.Fatal(taken, err)
		}
		tx.Unlock()
		change(0, one)
		for done := false; !done; { // the smaller limit ends no quota either, though its window is over
			_, done = db.Sweep(after(5*time.Second), 100)
		}
		change(5*time.Second, hundred)
		tx = db.Lock(k, after(5*time.Second))
		if v := tx.Get(k); v.Type != Quota || v.Int > 5 {
			t.Errorf("transient %v: after 5 s at another limit %+v is left", transient, v)
		}
		tx.Unlock()
		checkInvariants(t, db)
	}
}

// TestTwoLimitsInTurnsWaitForTheDiskAsOneDoes counts the groups that a client waits for. The disk syncs each write
// before the next call.
func TestTwoLimitsInTurnsWaitForTheDiskAsOneDoes(t *testing.T) {
	waits := func(limits []quota.Rate, permanent, peers bool) (waited int) {
		db, err := Open(Options{Shards: 1, Node: 1, HashKey: [2]uint64{1, 2}, Followed: true, Replicated: peers, MaxBytes: 1 << 24})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		var d disk
		k := db.Key([]byte("k"))
		for i := range 2000 { // the disk writes every 10 ms; here time goes 20 times as fast
			tx := db.Lock(k, after(time.Duration(i)*500*time.Microsecond))
			if permanent && i == 0 {
				if err := tx.SetQuota(k, limits[0]); err != nil {
					t.Fatal(err)
				}
			}
			if taken, _, err := tx.Throttle(k, limits[i%len(limits)], 1); !taken || err != nil {
				t.Fatalf("call %d: %v, %v", i, taken, err)
			}
			unsafe := tx.Unsafe()
			tx.Unlock()
			if unsafe {
				waited++
			}
			if unsafe || i%20 == 0 {
				d.take(t, db, 100)
				db.ReservesAreSafe(d.batch.Reserves)
				d.batch.Reset()
			}
		}
		return waited
	}
	for _, permanent := range []bool{false, true} {
		for _, peers := range []bool{false, true} {
			one := waits([]quota.Rate{mustLimit(t, 2000, time.Minute)}, permanent, peers)
			two := waits([]quota.Rate{mustLimit(t, 2000, time.Minute), mustLimit(t, 2400, time.Minute)}, permanent, peers)
			t.Logf("permanent %v, peers %v: %d groups are waited for with one limit, %d with two", permanent, peers, one, two)
			if two > one+2 { // the first change, and the take that finds no reserve after it
				t.Errorf("permanent %v, peers %v: %d groups are waited for with two limits in turns, %d with one", permanent, peers, two, one)
			}
		}
	}
}

// exchange sends all unsent changes, or all whole states, to all nodes.
func (c *cluster) exchange(whole bool) {
	for i, db := range c.dbs {
		if !whole {
			c.send(i)
			continue
		}
		var d Deltas
		for next, done := uint64(0), false; !done; {
			next, done = db.AppendRange(&d, next, math.MaxUint64, c.now, 1<<20)
		}
		c.spread(i, &d)
	}
	for to := range c.dbs {
		for _, d := range c.waiting[to] {
			c.merge(to, d)
		}
		c.waiting[to] = nil
	}
}

// do runs a command on a DB.
func (c *cluster) do(db int, fn func(*Tx, Key)) {
	c.now.Wall++ // and no bucket refills meanwhile
	k := c.dbs[db].Key([]byte("k"))
	tx := c.dbs[db].Lock(k, c.now)
	defer tx.Unlock()
	fn(&tx, k)
}

func (c *cluster) quotas() (found []bool) {
	for i := range c.dbs {
		c.do(i, func(tx *Tx, k Key) {
			_, ok := tx.Quota(k)
			found = append(found, ok)
		})
	}
	return found
}

// TestTheEndOfAPermanentQuotaIsKeptUnderATransientOne: the end reaches the other node whenever that node hears of it,
// and comparing does not bring the quota back.
func TestTheEndOfAPermanentQuotaIsKeptUnderATransientOne(t *testing.T) {
	short := mustLimit(t, 5, time.Second)
	for name, end := range map[string]func(*Tx, Key){
		"QUOTADEL": func(tx *Tx, k Key) { tx.DeleteQuota(k) },
		"DEL":      func(tx *Tx, k Key) { tx.Delete(k) },
		"SET":      func(tx *Tx, k Key) { tx.Set(k, Value{Type: Integer, Int: 3}, false) },
	} {
		// full: the transient quota is full and gone before the other node hears of the end.
		for _, full := range []bool{false, true} {
			c := newCluster(t, 1, 2)
			c.do(0, func(tx *Tx, k Key) { _ = tx.SetQuota(k, mustLimit(t, 1000, time.Hour)) })
			c.exchange(false)
			c.do(0, end)
			c.do(0, func(tx *Tx, k Key) {
				if taken, _, err := tx.Throttle(k, short, 1); !taken || err != nil {
					t.Fatal(taken, err)
				}
			})
			var nothing Deltas
			if full {
				for shard := range c.dbs[0].Shards() {
					c.dbs[0].TakeUnsent(shard, &nothing) // sent, and lost on the way
				}
				c.now = Moment{Wall: c.now.Wall + 2000, Mono: c.now.Mono + int64(2*time.Second)}
				for done := false; !done; {
					_, done = c.dbs[0].Sweep(c.now, 100)
				}
			}
			c.exchange(full)
			if got := c.quotas(); got[1] || got[0] == full {
				t.Errorf("%s, full %v: quotas on the nodes: %v", name, full, got)
			}
			c.exchange(true)
			c.exchange(true)
			if got := c.quotas(); got[1] || got[0] == full {
				t.Errorf("%s, full %v: after comparing, quotas on the nodes: %v", name, full, got)
			}
			if a, b := c.dbs[0].Digest(c.now), c.dbs[1].Digest(c.now); a != b {
				t.Errorf("%s, full %v: digests %x and %x", name, full, a, b)
			}
		}
	}
}

// TestNodesThatDifferInAnEndOnlyHaveDigestsThatDiffer: otherwise comparing would not find a node that has not heard of
// the end.
func TestNodesThatDifferInAnEndOnlyHaveDigestsThatDiffer(t *testing.T) {
	c := newCluster(t, 1, 2)
	c.do(0, func(tx *Tx, k Key) { _ = tx.SetQuota(k, mustLimit(t, 1000, time.Hour)); tx.DeleteQuota(k) })
	if a, b := c.dbs[0].Digest(c.now), c.dbs[1].Digest(c.now); a == b {
		t.Errorf("both digests are %x", a)
	}
}

// TestAQuotaOfAPeerKeepsWhatATransientOneHasGiven: neither a peer's quota nor the end of an older one fills a bucket
// that is in use.
func TestAQuotaOfAPeerKeepsWhatATransientOneHasGiven(t *testing.T) {
	five := mustLimit(t, 5, time.Minute)
	c := newCluster(t, 1, 2)
	c.do(0, func(tx *Tx, k Key) { _, _, _ = tx.Throttle(k, five, 5) })
	c.do(1, func(tx *Tx, k Key) { _ = tx.SetQuota(k, five) })
	c.exchange(false)
	c.do(0, func(tx *Tx, k Key) {
		if v := tx.Get(k); v.Type != Quota || v.Int != 0 {
			t.Errorf("of five tokens that are taken %+v is left", v)
		}
	})
	c.do(1, func(tx *Tx, k Key) { _ = tx.SetQuota(k, mustLimit(t, 1, time.Minute)) })
	c.exchange(false)
	c.do(1, func(tx *Tx, k Key) { _ = tx.SetQuota(k, five) })
	c.exchange(false)
	c.do(0, func(tx *Tx, k Key) {
		if v := tx.Get(k); v.Int != 0 {
			t.Errorf("after a smaller limit %+v is left", v)
		}
	})
	c.now.Mono += int64(time.Minute)
	c.do(0, func(tx *Tx, k Key) {
		if v := tx.Get(k); v.Int != 5 {
			t.Errorf("a minute later %+v is left", v)
		}
	})
}

// TestAWindowThatAMergeEndsEndsItsTransientQuota: otherwise the quota would go on without the deadline that it had.
func TestAWindowThatAMergeEndsEndsItsTransientQuota(t *testing.T) {
	c := newCluster(t, 1, 2)
	c.do(0, func(tx *Tx, k Key) {
		_, _, _ = tx.Throttle(k, mustLimit(t, 5, time.Hour), 1)
		tx.SetDeadline(k, c.now.Wall+10)
	})
	c.now.Wall += 100
	c.do(1, func(tx *Tx, k Key) { _, _ = tx.Add(k, 7) })
	c.exchange(true)
	c.do(0, func(tx *Tx, k Key) {
		if v := tx.Get(k); v.Type != Integer || v.Int != 7 {
			t.Errorf("the key is %+v", v)
		}
	})
}

func TestPeersHearNothingOfAnotherLimitOfATransientQuota(t *testing.T) {
	c := newCluster(t, 1, 1)
	for i := range 4 {
		c.do(0, func(tx *Tx, k Key) { _, _, _ = tx.Throttle(k, mustLimit(t, uint64(10+i%2), time.Hour), 1) })
		var d Deltas
		for shard := range c.dbs[0].Shards() {
			if i > 0 && c.dbs[0].HasUnsent(shard) {
				t.Errorf("call %d makes something to send", i)
			}
			c.dbs[0].TakeUnsent(shard, &d)
		}
		if len(d.Hashes) > 0 {
			t.Errorf("call %d: %d states are sent", i, len(d.Hashes))
		}
	}
}

// TestDebtAndChangesSurviveARestart: after a clean stop and after a crash.
func TestDebtAndChangesSurviveARestart(t *testing.T) {
	hundred, one := mustLimit(t, 100, 100*time.Second), mustLimit(t, 1, 100*time.Second)
	for _, crashed := range []bool{false, true} {
		var d disk
		db := d.restore(t, 1, rand.New(rand.NewPCG(1, 1)), testNow, false)
		tx := db.Lock(db.Key([]byte("k")), testNow)
		_ = tx.SetQuota(db.Key([]byte("k")), hundred)
		_, _ = tx.Add(db.Key([]byte("k")), 90)
		_ = tx.SetQuota(db.Key([]byte("k")), one)
		tx.Unlock()
		d.take(t, db, 100)
		_ = db.Close()
		db = d.restore(t, 2, rand.New(rand.NewPCG(1, 1)), testNow, crashed)
		k := db.Key([]byte("k"))
		tx = db.Lock(k, testNow)
		state, ok := tx.Quota(k)
		if wait := state.Bucket.RetryAfter(one, 1, testNow.Mono); !ok || wait < 189*time.Second || wait > 190*time.Second {
			t.Errorf("crashed %v: a token is there after %s", crashed, wait)
		}
		_ = tx.SetQuota(k, hundred)
		want := int64(10)
		if crashed {
			want-- // the reserve of one token
		}
		if tx.Unsafe() {
			t.Errorf("crashed %v: the disk knows that the limit changes, and a change waits", crashed)
		}
		if v := tx.Get(k); v.Int != want {
			t.Errorf("crashed %v: at the larger limit %d tokens are left, not %d", crashed, v.Int, want)
		}
		tx.Unlock()
		_ = db.Close()
	}
}

// TestTokensOfAnImpossiblePaceAreRefused: like all impossible records.
func TestTokensOfAnImpossiblePaceAreRefused(t *testing.T) {
	entry := crdt.Entry{Quota: crdt.Quota{Capacity: 1, Count: 1, Period: 1, Stamp: crdt.Stamp{Time: 1 << 17, Node: 1}}}
	for _, c := range []struct {
		tokens []byte
		ok     bool
	}{
		{[]byte{variesRecord, 0, 0, 0, 1, 0}, true},
		{[]byte{variesRecord, 0, 0, 0, 2, 0}, false},
		{[]byte{variesRecord, 0, 0, 0, 1, 5}, false},
		{[]byte{variesRecord, 0, 1, 0, 1, 0}, false},
		{[]byte{variesRecord, 0, 0, 0, 1}, false},
	} {
		if _, err := new(Loader).Verify(crdt.AppendRecord(c.tokens, []byte("k"), &entry)); (err == nil) != c.ok {
			t.Errorf("%v: %v", c.tokens, err)
		}
	}
}

// TestAReserveIsAtMostAQuarterOfItsLimit, also where the limit was larger before and that state is not synced yet:
// after a crash the reserve is owed.
func TestAReserveIsAtMostAQuarterOfItsLimit(t *testing.T) {
	db, err := Open(Options{Shards: 1, Node: 1, Life: 1, Followed: true, MaxBytes: minPoolBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	k := db.Key([]byte("k"))
	now := at(testWall)
	var pending []WrittenReserve
	for i, limit := range []uint64{1_000_000, 2_000_000, 1_000_000, 100, 2_000_000, 50} {
		tx := db.Lock(k, now)
		taken, _, err := tx.Throttle(k, mustLimit(t, limit, time.Second), 1)
		tx.Unlock()
		if err != nil || !taken && limit > 100 {
			t.Fatalf("limit %d: %v, %v", limit, taken, err)
		}
		b := Batch{}
		for more := true; more; {
			more = db.Take(0, &b, 10)
		}
		var l Loader
		if _, err := l.decode(b.Records); err != nil {
			t.Fatal(err)
		}
		if l.reserve > max(1, limit/4) {
			t.Errorf("limit %d: a reserve of %d", limit, l.reserve)
		}
		if pending = append(pending, b.Reserves...); i%2 == 0 { // syncs come late
			db.ReservesAreSafe(pending[:1])
			pending = pending[1:]
		}
	}
}
