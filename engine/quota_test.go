package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quotadb/quota-db/quota"
)

func mustLimit(t testing.TB, limit uint64, window time.Duration) quota.Rate {
	t.Helper()
	r, err := quota.Limit(limit, window)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// after is the moment d after testNow, on both clocks.
func after(d time.Duration) Moment {
	return Moment{Wall: testWall + d.Milliseconds(), Mono: testNow.Mono + int64(d)}
}

func TestAQuotaTakesTheCountersPlaceAndGivesItBack(t *testing.T) {
	db := openTest(t, 4)
	k := db.Key([]byte("k"))
	tx := db.Lock(k, testNow)
	defer tx.Unlock()
	add := func(delta, want int64) {
		t.Helper()
		if got, err := tx.Add(k, delta); err != nil || got != want {
			t.Fatalf("add %d: %d, %v, want %d", delta, got, err, want)
		}
	}
	add(41, 41)
	add(1, 42)
	if err := tx.SetQuota(k, mustLimit(t, 10, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if v := tx.Get(k); v.Type != Quota || v.Int != 10 {
		t.Fatalf("a new quota reads %+v", v)
	}
	add(0, 10)
	add(3, 7)
	add(8, -1)
	add(11, -1)
	add(7, 0)
	add(1, -1)
	add(0, 0)
	if _, err := tx.Add(k, -1); !errors.Is(err, ErrQuota) {
		t.Fatalf("a negative number of tokens: %v", err)
	}
	if err := tx.SetQuota(k, mustLimit(t, 25, time.Minute)); err != nil {
		t.Fatal(err)
	}
	add(0, 15)
	if !tx.DeleteQuota(k) || tx.DeleteQuota(k) {
		t.Fatal("the quota does not end once")
	}
	if v := tx.Get(k); v.Type != Integer || v.Int != 42 {
		t.Fatalf("after the quota the counter reads %+v", v)
	}
	add(1, 43)
}

func TestAQuotaEndsWithItsKeyAndStartsFull(t *testing.T) {
	for name, end := range map[string]func(*Tx, Key){
		"set":    func(tx *Tx, k Key) { tx.Set(k, Value{Type: Integer, Int: 5}, false) },
		"delete": func(tx *Tx, k Key) { tx.Delete(k) },
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t, 1)
			k := db.Key([]byte("k"))
			tx := db.Lock(k, testNow)
			defer tx.Unlock()
			rate := mustLimit(t, 3, time.Hour)
			for range 2 {
				if err := tx.SetQuota(k, rate); err != nil {
					t.Fatal(err)
				}
				if n, err := tx.Add(k, 3); n != 0 || err != nil {
					t.Fatalf("three of three tokens: %d, %v", n, err)
				}
				if err := tx.SetQuota(k, rate); err != nil { // the same rate again changes nothing
					t.Fatal(err)
				}
				if n, _ := tx.Add(k, 1); n != -1 {
					t.Fatalf("a fourth token: %d", n)
				}
				end(&tx, k)
				if _, ok := tx.Quota(k); ok {
					t.Fatal("the quota is still there")
				}
			}
		})
	}
}

func TestAQuotaKeepsItsKeysDeadline(t *testing.T) {
	db := openTest(t, 1)
	k := db.Key([]byte("k"))
	tx := db.Lock(k, testNow)
	tx.Set(k, Value{Type: Integer, Int: 1, Deadline: testWall + 1000}, false)
	if err := tx.SetQuota(k, mustLimit(t, 3, time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := tx.Get(k).Deadline; got != testWall+1000 {
		t.Fatalf("the deadline became %d", got)
	}
	tx.Unlock()
	tx = db.Lock(k, after(time.Second))
	defer tx.Unlock()
	if v := tx.Get(k); v.Type != None {
		t.Fatalf("past the deadline the key reads %+v", v)
	}
	if n, err := tx.Add(k, 1); n != 1 || err != nil {
		t.Fatalf("past the deadline a counter starts with %d, %v", n, err)
	}
}

func TestBytesCannotBecomeAQuota(t *testing.T) {
	db := openTest(t, 1)
	k := db.Key([]byte("k"))
	tx := db.Lock(k, testNow)
	defer tx.Unlock()
	tx.Set(k, Value{Type: String, Str: []byte("abc")}, false)
	if err := tx.SetQuota(k, mustLimit(t, 1, time.Second)); !errors.Is(err, ErrNotInteger) {
		t.Errorf("SetQuota: %v", err)
	}
	if _, _, err := tx.Throttle(k, mustLimit(t, 1, time.Second), 1); !errors.Is(err, ErrNotInteger) {
		t.Errorf("Throttle: %v", err)
	}
	if v := tx.Get(k); string(v.Str) != "abc" {
		t.Errorf("the bytes became %+v", v)
	}
}

// TestATransientQuotaIsGoneExactlyWhenItIsFull: whether or not the sweep has visited it.
func TestATransientQuotaIsGoneExactlyWhenItIsFull(t *testing.T) {
	for _, swept := range []bool{false, true} {
		db := openTest(t, 1)
		k := db.Key([]byte("k"))
		rate := mustLimit(t, 10, 10*time.Second)
		tx := db.Lock(k, testNow)
		if _, err := tx.Add(k, 7); err != nil {
			t.Fatal(err)
		}
		if taken, _, err := tx.Throttle(k, rate, 2); !taken || err != nil {
			t.Fatalf("two of ten tokens: %v, %v", taken, err)
		}
		tx.Unlock()
		for _, c := range []struct {
			at   time.Duration
			kind Type
			n    int64
		}{{2*time.Second - 1, Quota, 9}, {2 * time.Second, Integer, 7}} {
			if swept {
				db.Sweep(after(c.at), 100)
			}
			tx := db.Lock(k, after(c.at))
			if v := tx.Get(k); v.Type != c.kind || v.Int != c.n {
				t.Errorf("after %s (swept %v): %+v", c.at, swept, v)
			}
			tx.Unlock()
		}
		checkInvariants(t, db)
	}
}

func TestARefusedThrottleMakesNoKey(t *testing.T) {
	db := openTest(t, 1)
	k := db.Key([]byte("k"))
	tx := db.Lock(k, testNow)
	defer tx.Unlock()
	rate := mustLimit(t, 10, time.Second)
	if taken, _, _ := tx.Throttle(k, rate, 11); taken {
		t.Error("eleven of ten tokens")
	}
	if taken, state, _ := tx.Throttle(k, rate, 0); !taken || state.Bucket.Remaining(rate, testNow.Mono) != 10 {
		t.Error("a look at a quota that is not there")
	}
	if v := tx.Get(k); v.Type != None {
		t.Errorf("the key is %+v", v)
	}
}

func TestIdleTransientQuotasCostNothing(t *testing.T) {
	db := openTest(t, 8)
	before := db.Used()
	const count = 200_000
	rate := mustLimit(t, 100, time.Minute)
	for i := range count {
		k := db.Key(fmt.Appendf(nil, "client:%d", i))
		tx := db.Lock(k, testNow)
		if taken, _, err := tx.Throttle(k, rate, 1); !taken || err != nil {
			t.Fatal(taken, err)
		}
		tx.Unlock()
	}
	if db.All(testNow).Len() != count || db.All(testNow).Deadlines() != 0 {
		t.Fatalf("%d keys, %d with a deadline", db.All(testNow).Len(), db.All(testNow).Deadlines())
	}
	for done := false; !done; {
		_, done = db.Sweep(after(time.Second), 1000)
	}
	if n := db.All(testNow).Len(); n != 0 {
		t.Errorf("%d quotas are left once all are full", n)
	}
	if left := db.Used() - before; left > 1<<20 {
		t.Errorf("%d bytes are left", left)
	}
}

// TestQuotasAgreeWithTheirArithmetic runs random operations on the engine's packed quotas and on quota.Bucket itself.
func TestQuotasAgreeWithTheirArithmetic(t *testing.T) {
	db := openTest(t, 2)
	random := rand.New(rand.NewPCG(7, 8))
	type twinQuota struct {
		rate   quota.Rate
		bucket quota.Bucket
	}
	twins := map[string]*twinQuota{}
	elapsed := time.Duration(0)
	for range 100_000 {
		elapsed += time.Duration(random.Int64N(int64(5 * time.Millisecond)))
		now := after(elapsed)
		name := fmt.Sprintf("q%d", random.IntN(300))
		k := db.Key([]byte(name))
		tx := db.Lock(k, now)
		twin := twins[name]
		switch random.IntN(20) {
		case 0:
			rate := mustLimit(t, 1+random.Uint64N(50), time.Second*time.Duration(1+random.IntN(3)))
			if err := tx.SetQuota(k, rate); err != nil {
				t.Fatal(err)
			}
			if twin == nil {
				twin = &twinQuota{rate: rate}
			} else if twin.rate != rate {
				twin.bucket.Change(twin.rate, rate, now.Mono)
				twin.rate = rate
			}
			twins[name] = twin
		case 1:
			if got := tx.DeleteQuota(k); got != (twin != nil) {
				t.Fatalf("DeleteQuota %v", got)
			}
			delete(twins, name)
		default:
			if twin == nil {
				break
			}
			n := random.Uint64N(4)
			want := int64(-1)
			if twin.bucket.Take(twin.rate, n, now.Mono) {
				want = int64(twin.bucket.Remaining(twin.rate, now.Mono))
			}
			if got, err := tx.Add(k, int64(n)); got != want || err != nil {
				t.Fatalf("%s: %d tokens: %d, %v, want %d", name, n, got, err, want)
			}
		}
		tx.Unlock()
	}
	checkInvariants(t, db)
}
