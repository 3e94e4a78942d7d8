package engine

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// twin is the DB written in the obvious way, without regard to speed.
type twin map[string]Value

func (m twin) get(name string, now int64) Value {
	v := m[name]
	if v.Deadline != 0 && v.Deadline <= now {
		delete(m, name)
		return Value{}
	}
	return v
}

func (m twin) add(name string, delta, now int64) (int64, error) {
	v := m.get(name, now)
	if v.Type == String {
		return 0, ErrNotInteger
	}
	sum := v.Int + delta
	if (delta > 0) != (sum > v.Int) && delta != 0 {
		return 0, ErrOverflow
	}
	m[name] = Value{Type: Integer, Int: sum, Deadline: v.Deadline}
	return sum, nil
}

func (m twin) set(name string, v Value, keep bool, now int64) {
	if keep {
		v.Deadline = m.get(name, now).Deadline
	}
	m[name] = v
}

func (m twin) overwrite(name string, at int, data []byte) {
	v := m[name]
	v.Str = slices.Clone(v.Str)
	copy(v.Str[at:], data)
	m[name] = v
}

func (m twin) delete(name string, now int64) bool {
	existed := m.get(name, now).Type != None
	delete(m, name)
	return existed
}

func (m twin) setDeadline(name string, at, now int64) bool {
	v := m.get(name, now)
	if v.Type == None {
		return false
	}
	v.Deadline = at
	m[name] = v
	return true
}

func openTest(t testing.TB, shards int) *DB {
	t.Helper()
	db, err := Open(Options{Shards: shards, Node: 1, HashKey: [2]uint64{1, 2}, TickMillis: 10, MaxBytes: minPoolBytes * 16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func sameValue(a, b Value) bool {
	return a.Type == b.Type && a.Int == b.Int && string(a.Str) == string(b.Str) && a.Deadline == b.Deadline
}

// TestEveryOperationAnswersAsTheTwinDoes runs random histories, with clocks that jump and tables that grow and shrink.
// It compares every answer, the whole content by scans, and checks the invariants of the structures.
func TestEveryOperationAnswersAsTheTwinDoes(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			runHistory(t, seed)
		})
	}
}

func runHistory(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	db := openTest(t, 1+random.IntN(5))
	m := twin{}
	now := int64(1_700_000_000_000)
	names := 1 + random.IntN(3000)
	steps := 20_000
	for step := range steps {
		name := fmt.Sprintf("%0*d", random.IntN(30), random.IntN(names))
		switch random.IntN(400) {
		case 0:
			name = name + string(make([]byte, random.IntN(20_000)))
		case 1:
			now += random.Int64N(3_000_000)
		case 2, 3, 4, 5:
			now += random.Int64N(3000)
		case 6:
			if random.IntN(20) == 0 {
				db.All(testNow).Flush()
				clear(m)
			}
		case 7, 8, 9, 10, 11, 12:
			db.Sweep(at(now), 1+random.IntN(50))
		}
		if msg := oneOperation(random, db, m, name, now); msg != "" {
			t.Fatalf("step %d, key %q: %s", step, name, msg)
		}
		if step%1997 == 0 {
			checkInvariants(t, db)
		}
	}
	checkInvariants(t, db)
	checkScan(t, db, m, now, random)
	now += 10_000_000
	for done := false; !done; {
		_, done = db.Sweep(at(now), 100)
	}
	visible := 0
	for name := range m {
		if m.get(name, now).Type != None {
			visible++
		}
	}
	if db.All(testNow).Len() != visible {
		t.Fatalf("after a full sweep %d keys are left, of which %d are visible", db.All(testNow).Len(), visible)
	}
	checkInvariants(t, db)
}

func oneOperation(random *rand.Rand, db *DB, m twin, name string, now int64) string {
	k := db.Key([]byte(name))
	db.Warm([]Key{k})
	tx := db.Lock(k, at(now))
	defer tx.Unlock()
	deadline := int64(0)
	if random.IntN(2) == 0 {
		deadline = now + 1 + random.Int64N(1<<random.IntN(50))
	}
	switch random.IntN(10) {
	case 0, 1, 2, 3:
		deltas := []int64{1, 1, 1, -1, -1, 0, 70000, math.MaxInt64, math.MinInt64, 1 << 62, -1 << 61, random.Int64()}
		delta := deltas[random.IntN(len(deltas))]
		got, gotErr := tx.Add(k, delta)
		want, wantErr := m.add(name, delta, now)
		if got != want || !errors.Is(gotErr, wantErr) {
			return fmt.Sprintf("add %d: %d, %v; twin %d, %v", delta, got, gotErr, want, wantErr)
		}
	case 4:
		if got, want := tx.Delete(k), m.delete(name, now); got != want {
			return fmt.Sprintf("delete: %v, twin %v", got, want)
		}
	case 5:
		if got, want := tx.SetDeadline(k, deadline), m.setDeadline(name, deadline, now); got != want {
			return fmt.Sprintf("deadline %d: %v, twin %v", deadline, got, want)
		}
	case 6, 7:
		v := Value{Type: Integer, Int: random.Int64() >> random.IntN(64), Deadline: deadline}
		if random.IntN(3) == 0 {
			v = Value{Type: String, Str: []byte(fmt.Sprintf("%0*d", random.IntN(100), 7)), Deadline: deadline}
			if random.IntN(50) == 0 {
				v.Str = make([]byte, random.IntN(3*pageBytes))
			}
		}
		keep := random.IntN(3) == 0
		tx.Set(k, v, keep)
		m.set(name, v, keep, now)
	case 8:
		if v := m.get(name, now); v.Type == String {
			at := random.IntN(len(v.Str) + 1)
			data := []byte("patched")[:min(7, len(v.Str)-at)]
			tx.Overwrite(k, at, data)
			m.overwrite(name, at, data)
		}
	}
	if got, want := tx.Get(k), m.get(name, now); !sameValue(got, want) {
		return fmt.Sprintf("get: %+v, twin %+v", got, want)
	}
	return ""
}

func checkScan(t *testing.T, db *DB, m twin, now int64, random *rand.Rand) {
	t.Helper()
	found := map[string]Value{}
	for cursor := uint64(0); ; {
		cursor = db.All(at(now)).Scan(cursor, 1+random.IntN(30), func(name []byte, v Value) {
			if _, twice := found[string(name)]; twice {
				t.Errorf("scan reports %q twice", name)
			}
			v.Str = slices.Clone(v.Str)
			found[string(name)] = v
		})
		if cursor == 0 {
			break
		}
	}
	for name := range m {
		v := m.get(name, now)
		if got := found[name]; !sameValue(got, v) {
			t.Errorf("scan has %q as %+v, twin %+v", name, got, v)
		}
	}
	for name := range found {
		if m.get(name, now).Type == None {
			t.Errorf("scan has %q, which is gone", name)
		}
	}
}

// checkInvariants compares the structures of each shard with one another.
func checkInvariants(t *testing.T, db *DB) {
	t.Helper()
	used := int64(0)
	db.All(testNow).each(func(s *shard) {
		records, deadlines, live, holes, quotas := 0, 0, 0, 0, 0
		s.arena.each(func(rec record) {
			records++
			if rec.isQuota() && !rec.isGone() {
				quotas++
			}
			if rec.hasDeadline() {
				deadlines++
			}
			_, found, _ := s.find(db.Key(rec.key()))
			if found == nil || &found[0] != &rec[0] {
				t.Fatalf("the index does not lead to the record of %q", rec.key())
			}
			if rec.size() <= maxPagedBytes {
				live += rec.size()
			}
		})
		if records != s.index.count || deadlines != s.wheel.count || live != s.arena.live {
			t.Fatalf("%d records, index says %d; %d deadlines, wheel says %d; %d bytes, arena says %d",
				records, s.index.count, deadlines, s.wheel.count, live, s.arena.live)
		}
		if quotas != s.quotas {
			t.Fatalf("%d quotas, the shard says %d", quotas, s.quotas)
		}
		inWheel, sum := 0, total{}
		for slot, r := range s.wheel.heads {
			for prev := ref(0); r != 0; inWheel++ {
				rec := s.arena.at(r)
				off := deadlineOffset(rec.header())
				if ref(rec.u32(off+linkPrev)) != prev || int(rec.u16(off+linkSlot)) != slot {
					t.Fatalf("broken list in wheel slot %d", slot)
				}
				sum.add(uint64(rec.deadline()))
				prev, r = r, ref(rec.u32(off+linkNext))
			}
		}
		if sum != s.wheel.sum {
			t.Fatalf("the wheel says %v for the sum of all deadlines, it is %v", s.wheel.sum, sum)
		}
		if inWheel != deadlines {
			t.Fatalf("%d records in the wheel, %d have a deadline", inWheel, deadlines)
		}
		for _, page := range s.arena.pages {
			if page != s.arena.head {
				holes += s.arena.sealedEnd(page) - pageHeaderBytes - s.arena.pageLive(page)
			} else {
				holes += s.arena.end - pageHeaderBytes - s.arena.pageLive(page)
			}
		}
		if limit := len(s.arena.pages)*pageBytes/2 + 4*pageBytes; holes > limit {
			t.Fatalf("%d bytes of holes in %d pages", holes, len(s.arena.pages))
		}
		used -= int64(holes)
		used += int64(len(s.arena.pages)+len(s.index.overflowPage)) * pageBytes
		if table := s.index.current.Load(); table != nil {
			used += int64(len(table.pages)) * pageBytes
		}
		if s.index.old != nil {
			used += int64(max(0, len(s.index.old.pages)-int(s.index.moved/bucketsPerPage))) * pageBytes
		}
	})
	if got := db.Used() - db.pool.heap.Load(); got != used {
		t.Fatalf("Used says %d bytes, the shards hold %d", got, used)
	}
}
