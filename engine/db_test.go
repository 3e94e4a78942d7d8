package engine

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/quotadb/quota-db/crdt"
)

const testWall = 1_700_000_000_000

var testNow = at(testWall)

// at is a moment with the same time on both clocks.
func at(wall int64) Moment { return Moment{Wall: wall, Mono: (wall - testWall) * 1e6} }

func (db *DB) mustAdd(t testing.TB, name string, delta int64) int64 {
	t.Helper()
	k := db.Key([]byte(name))
	tx := db.Lock(k, testNow)
	defer tx.Unlock()
	v, err := tx.Add(k, delta)
	if err != nil {
		t.Fatalf("add %d to %q: %v", delta, name, err)
	}
	return v
}

func TestConcurrentWritersCountExactly(t *testing.T) {
	db := openTest(t, 8)
	const writers, rounds, names = 8, 5000, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			batch := make([]Key, 4)
			for range rounds {
				for i := range batch {
					batch[i] = db.Key(fmt.Appendf(nil, "c%d", random.IntN(names)))
				}
				db.Warm(batch)
				tx := db.LockAll(batch, testNow)
				for _, k := range batch {
					if _, err := tx.Add(k, 1); err != nil {
						t.Error(err)
					}
				}
				tx.Unlock()
			}
		})
	}
	wg.Wait()
	sum := int64(0)
	db.All(testNow).Scan(0, math.MaxInt32, func(_ []byte, v Value) { sum += v.Int })
	if sum != writers*rounds*4 {
		t.Fatalf("the counters add up to %d, %d were counted", sum, writers*rounds*4)
	}
}

// TestScanReportsEveryKeyThatStays scans while other keys come and go so fast that tables are replaced during the scan.
func TestScanReportsEveryKeyThatStays(t *testing.T) {
	db := openTest(t, 2)
	const stay = 500
	for i := range stay {
		db.mustAdd(t, fmt.Sprintf("stay%d", i), 1)
	}
	random := rand.New(rand.NewPCG(5, 6))
	for round := range 20 {
		seen := map[string]bool{}
		for cursor := uint64(0); ; {
			cursor = db.All(testNow).Scan(cursor, 10, func(name []byte, _ Value) { seen[string(name)] = true })
			if cursor == 0 {
				break
			}
			for range random.IntN(300) {
				k := db.Key(fmt.Appendf(nil, "go%d", random.IntN(20_000)))
				tx := db.Lock(k, testNow)
				if round%2 == 0 {
					_, _ = tx.Add(k, 1)
				} else {
					tx.Delete(k)
				}
				tx.Unlock()
			}
		}
		for i := range stay {
			if !seen[fmt.Sprintf("stay%d", i)] {
				t.Fatalf("round %d: the scan missed stay%d", round, i)
			}
		}
	}
	checkInvariants(t, db)
}

func TestMemoryComesBackWhenKeysGo(t *testing.T) {
	db := openTest(t, 4)
	before := db.Used()
	const count = 200_000
	for i := range count {
		db.mustAdd(t, fmt.Sprintf("counter:%012d", i), 1)
	}
	if per := float64(db.Used()-before) / count; per > 48 {
		t.Errorf("a counter with a 20-byte key takes %.1f bytes", per)
	}
	for i := range count {
		k := db.Key(fmt.Appendf(nil, "counter:%012d", i))
		tx := db.Lock(k, testNow)
		tx.Delete(k)
		tx.Unlock()
	}
	// Overflow buckets stay with their shard; all other memory comes back.
	if left := db.Used() - before; left > 512<<10 {
		t.Errorf("%d bytes are left of %d deleted keys", left, count)
	}
	checkInvariants(t, db)
}

func TestKeysThatExpireLeaveNothingBehind(t *testing.T) {
	db := openTest(t, 4)
	before := db.Used()
	now := int64(testWall)
	for i := range 300_000 {
		k := db.Key(fmt.Appendf(nil, "window:%d", i))
		tx := db.Lock(k, at(now))
		tx.Set(k, Value{Type: Integer, Int: 1, Deadline: now + 500}, false)
		tx.Unlock()
		if i%100 == 0 {
			now += 10
			db.Sweep(at(now), 1000)
		}
	}
	if n := db.All(testNow).Len(); n > 20_000 {
		t.Errorf("%d keys are kept while at most 6,000 live at a time", n)
	}
	db.Sweep(at(now+1000), 1<<20)
	if n := db.All(testNow).Len(); n != 0 {
		t.Errorf("%d keys are left after the last deadline", n)
	}
	if left := db.Used() - before; left > 4<<20 {
		t.Errorf("%d bytes are left", left)
	}
}

func TestRandomKeyFindsTheOnlyVisibleKey(t *testing.T) {
	db := openTest(t, 16)
	random := rand.New(rand.NewPCG(1, 1))
	if _, ok := db.All(testNow).RandomKey(nil, random.Uint64); ok {
		t.Fatal("an empty DB has a random key")
	}
	db.mustAdd(t, "here", 1)
	gone := db.Key([]byte("gone"))
	tx := db.Lock(gone, testNow)
	tx.Set(gone, Value{Type: Integer, Deadline: testWall + 1}, false)
	tx.Unlock()
	for range 50 {
		name, ok := db.All(at(testWall+1)).RandomKey([]byte("dst:"), random.Uint64)
		if !ok || string(name) != "dst:here" {
			t.Fatalf("random key %q, %v", name, ok)
		}
	}
}

// TestNumbersAreNeverUsedAgain counts, drops and counts again: the numbers of the new row must be above those in any
// copy of the old one.
func TestNumbersAreNeverUsedAgain(t *testing.T) {
	db := openTest(t, 1)
	db.mustAdd(t, "k", 5)
	k := db.Key([]byte("k"))
	tx := db.Lock(k, testNow)
	tx.Delete(k)
	tx.Unlock()
	if got := db.mustAdd(t, "k", 3); got != 3 {
		t.Fatalf("after DEL 3 counted reads %d", got)
	}
	var e crdt.Entry
	_, rec, _ := db.shards[0].find(k)
	rec.unpack(&e)
	want := crdt.Row{Writer: primary, P: 8, N: 5, FP: 5, FN: 5}
	if e.Rows[0] != want {
		t.Fatalf("the new row is %+v, want %+v", e.Rows[0], want)
	}
	db.All(testNow).Flush()
	db.mustAdd(t, "k", 1)
	_, rec, _ = db.shards[0].find(k)
	rec.unpack(&e)
	if e.Rows[0].P != 9 {
		t.Fatalf("after FLUSHALL the new row is %+v, want P 9", e.Rows[0])
	}
}

// TestCountingGoesOnBeyond64BitsOfARow uses up the primary row several times.
func TestCountingGoesOnBeyond64BitsOfARow(t *testing.T) {
	db := openTest(t, 1)
	for range 20 {
		if got := db.mustAdd(t, "k", math.MaxInt64); got != math.MaxInt64 {
			t.Fatalf("up: %d", got)
		}
		if got := db.mustAdd(t, "k", -math.MaxInt64); got != 0 {
			t.Fatalf("down: %d", got)
		}
	}
	if _, rec, _ := db.shards[0].find(db.Key([]byte("k"))); rec.header()&hasRows == 0 {
		t.Fatal("one row has counted 20 * 2^63")
	}
	k := db.Key([]byte("k"))
	tx := db.Lock(k, testNow)
	tx.Set(k, Value{Type: Integer, Int: math.MaxInt64}, false)
	_, err := tx.Add(k, 1)
	tx.Unlock()
	if !errors.Is(err, ErrOverflow) {
		t.Fatalf("past the largest integer: %v", err)
	}
	checkInvariants(t, db)
}

// TestAFullDBStillCountsAndDeletes uses up the address space: further records go to the Go heap, and nothing is lost.
func TestAFullDBStillCountsAndDeletes(t *testing.T) {
	db, err := Open(Options{Shards: 2, Node: 1, MaxBytes: minPoolBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	value := Value{Type: String, Str: make([]byte, maxPagedBytes-100)}
	set := func(i int) {
		k := db.Key(fmt.Appendf(nil, "k%d", i))
		tx := db.Lock(k, testNow)
		tx.Set(k, value, false)
		tx.Unlock()
	}
	n := 0
	for ; !db.Full(); n++ {
		set(n)
	}
	for range 2000 { // past the end of the range
		set(n)
		n++
	}
	for i := range n {
		k := db.Key(fmt.Appendf(nil, "k%d", i))
		tx := db.Lock(k, testNow)
		if v := tx.Get(k); len(v.Str) != len(value.Str) {
			t.Fatalf("key %d of %d reads %d bytes", i, n, len(v.Str))
		}
		if !tx.Delete(k) {
			t.Fatalf("key %d of %d is not there", i, n)
		}
		tx.Unlock()
	}
	if db.Full() || db.All(testNow).Len() != 0 || db.Used() > 1<<20 {
		t.Errorf("full %v, %d keys, %d bytes after everything was deleted", db.Full(), db.All(testNow).Len(), db.Used())
	}
}

func TestHotCommandsDoNotAllocate(t *testing.T) {
	db := openTest(t, 8)
	name := []byte("counter:000000000001")
	db.mustAdd(t, string(name), 1)
	got := testing.AllocsPerRun(1000, func() {
		k := db.Key(name)
		db.Warm([]Key{k})
		tx := db.Lock(k, testNow)
		_, _ = tx.Add(k, 1)
		_ = tx.Get(k)
		tx.Set(k, Value{Type: Integer, Int: 7}, false)
		tx.Unlock()
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func TestHashMatchesThePublishedVectors(t *testing.T) {
	// Key 00..0f, messages 00, 00 01, 00 01 02 and so on; some of the vectors in the tests of Rust's SipHasher13.
	h := hasher{0x0706050403020100, 0x0f0e0d0c0b0a0908}
	seen := map[uint64]int{}
	msg := make([]byte, 0, 64)
	for n := range 64 {
		sum := h.sum(msg)
		if before, twice := seen[sum]; twice {
			t.Fatalf("messages of %d and %d bytes have the same hash", before, n)
		}
		seen[sum] = n
		msg = append(msg, byte(n))
	}
	want := map[int]uint64{0: 0xabac0158050fc4dc, 1: 0xc9f49bf37d57ca93, 7: 0xd3927d989bb11140, 8: 0x369095118d299a8e}
	for n, sum := range want {
		if got := h.sum(msg[:n]); got != sum {
			t.Errorf("%d bytes: %016x, want %016x", n, got, sum)
		}
	}
}

// TestScanReportsNoKeyTwiceWhileTablesGrow inserts from another goroutine, so that buckets move in the middle of calls.
func TestScanReportsNoKeyTwiceWhileTablesGrow(t *testing.T) {
	db := openTest(t, 1)
	for i := range 1000 {
		db.mustAdd(t, fmt.Sprintf("stay%d", i), 1)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 50_000 {
			k := db.Key(fmt.Appendf(nil, "new%d", i))
			tx := db.Lock(k, testNow)
			_, _ = tx.Add(k, 1)
			tx.Unlock()
		}
	}()
	for growing := true; growing; {
		select {
		case <-done:
			growing = false // one more scan
		default:
		}
		seen := map[string]bool{}
		for cursor := uint64(0); ; {
			cursor = db.All(testNow).Scan(cursor, 100_000, func(name []byte, _ Value) {
				if seen[string(name)] {
					t.Errorf("%q is reported twice", name)
				}
				seen[string(name)] = true
			})
			if cursor == 0 {
				break
			}
		}
		for i := range 1000 {
			if !seen[fmt.Sprintf("stay%d", i)] {
				t.Errorf("stay%d is missed", i)
			}
		}
	}
	<-done
}
