package engine

import (
	"math"
	"testing"
)

// TestACounterBeyond64BitsAnswersTheValueThatIsReadBehindIt lets two nodes that do not see each other count beyond 64
// bits together.
func TestACounterBeyond64BitsAnswersTheValueThatIsReadBehindIt(t *testing.T) {
	for _, tt := range []struct {
		name      string
		base, add int64 // each node adds this to the base
		then      []int64
	}{
		{"a little above", math.MaxInt64 - 10, 8, []int64{1, -1, -3, -2, 1, -100, 50, 44, 1, -100}},
		{"far above", 0, 9e18, []int64{-8e18, 1, -8e18, 5, -8e18}},
		{"a little below", math.MinInt64 + 10, -8, []int64{-1, 1, 3, 2, -1, 100, -50, 100}},
		{"far below", 0, -9e18, []int64{8e18, -1, 8e18, -5, 8e18}},
	} {
		c := newCluster(t, 1, 2)
		a, k := c.dbs[0], c.dbs[0].Key([]byte("k"))
		tx := a.Lock(k, c.now)
		if err := tx.Set(k, Value{Type: Integer, Int: tt.base}, false); err != nil {
			t.Fatal(err)
		}
		tx.Unlock()
		c.settle()
		for _, db := range c.dbs {
			tx := db.Lock(k, c.now)
			if _, err := tx.Add(k, tt.add); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			tx.Unlock()
		}
		c.settle()
		for _, delta := range tt.then {
			tx := a.Lock(k, c.now)
			before := tx.Get(k).Int
			value, err := tx.Add(k, delta)
			after := tx.Get(k).Int
			tx.Unlock()
			switch {
			case err != nil && after != before:
				t.Errorf("%s: %+d is refused, and changes %d to %d", tt.name, delta, before, after)
			case err == nil && value != after:
				t.Errorf("%s: %+d answers %d, and the key then has %d", tt.name, delta, value, after)
			case err == nil && (delta > 0 && after == math.MaxInt64 && before == after || delta < 0 && after == math.MinInt64 && before == after):
				t.Errorf("%s: %+d leads further beyond 64 bits and is not refused", tt.name, delta)
			}
		}
	}
}

func TestTheEngineRefusesAValueThatNoRecordCanHold(t *testing.T) {
	db, err := Open(Options{Shards: 1, Node: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	k := db.Key([]byte("k"))
	tx := db.Lock(k, testNow)
	defer tx.Unlock()
	_, _ = tx.Add(k, 7)
	if err := tx.Set(k, Value{Type: String, Str: make([]byte, MaxValueBytes+1)}, false); err != ErrValueSize {
		t.Errorf("a value of %d bytes: %v", MaxValueBytes+1, err)
	}
	if v := tx.Get(k); v.Int != 7 {
		t.Errorf("it has changed the key: %v", v)
	}
}
