package persist

import (
	"testing"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// TestAFlusherRestsWhenItIsIdleAndGoesOnWithTheNextChange.
func TestAFlusherRestsWhenItIsIdleAndGoesOnWithTheNextChange(t *testing.T) {
	db, err := engine.Open(engine.Options{Shards: 2, Node: 1, Followed: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	r := newResting(&Store{db: db, delay: time.Millisecond})
	for range 3 {
		for i := range restAfter {
			if r.on.Load() {
				t.Fatalf("it rests after %d ticks, want %d", i, restAfter)
			}
			r.beginIfIdle(tick, true)
		}
		if !r.on.Load() {
			t.Fatal("an idle flusher does not rest")
		}
		change(t, db)
		select {
		case <-r.roused:
		default:
			t.Fatal("a change does not rouse the flusher")
		}
		if r.end(tick); r.on.Load() {
			t.Fatal("it rests on")
		}
		for range 2 * restAfter { // the flusher is late: the change is still there
			if r.beginIfIdle(tick, true); r.on.Load() {
				t.Fatal("it rests although there is a change")
			}
		}
		var b engine.Batch
		for shard := range db.Shards() {
			for db.Take(shard, &b, 100) {
			}
		}
		r.beginIfIdle(tick, false)
	}
}

// TestAFlusherWithALongDelayDoesNotRest: its own ticks are as seldom.
func TestAFlusherWithALongDelayDoesNotRest(t *testing.T) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	r := newResting(&Store{delay: restTick})
	for range 2 * restAfter {
		r.beginIfIdle(tick, true)
	}
	if r.on.Load() {
		t.Error("it rests")
	}
}

func change(t *testing.T, db *engine.DB) {
	t.Helper()
	k := db.Key([]byte("key"))
	tx := db.Lock(k, engine.Moment{Wall: 1})
	defer tx.Unlock()
	if _, err := tx.Add(k, 1); err != nil {
		t.Fatal(err)
	}
}
