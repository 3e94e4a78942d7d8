package persist

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
)

// writeAll is a transaction that gives all keys the same value.
func (m *machine) writeAll(value int64) {
	var keys []engine.Key
	for i := range testKeys {
		keys = append(keys, m.store.db.Key(fmt.Appendf(nil, "key%d", i)))
	}
	tx := m.store.db.LockAll(keys, m.now())
	defer tx.Unlock()
	for _, k := range keys {
		tx.Set(k, engine.Value{Type: engine.Integer, Int: value}, false)
	}
}

// TestATransactionIsKeptAsAWholeOrNotAtAll runs transactions between the shards of a group and during the walk of a
// snapshot, and crashes the machine anywhere.
func TestATransactionIsKeptAsAWholeOrNotAtAll(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for run := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, run))
		m := newMachine(t, vfs.NewMemory(64), random)
		if err := m.start(); err != nil {
			t.Fatal(err)
		}
		m.cutAt(1 + random.IntN(60))
		value := int64(0)
		write := func() {
			if random.IntN(4) == 0 {
				value++
				m.writeAll(value)
			}
		}
		m.store.rest, m.store.meanwhile = write, write
		for range 40 {
			write()
			if m.serve(); m.dead {
				break
			}
		}
		m.close()
		m.dead = true
		if m.files = m.files.Crash(random); random.IntN(2) == 0 {
			m.files = m.files.Kill()
		}
		if err := m.start(); err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		seen := map[int64]int{}
		for _, v := range m.state() {
			seen[v.Int]++
		}
		if m.mixed(seen) {
			t.Fatalf("run %d: a part of a transaction: %v", run, m.state())
		}
		m.close()
	}
}

// mixed reports whether the keys have different values.
func (m *machine) mixed(seen map[int64]int) bool {
	for _, n := range seen {
		if n != testKeys {
			return true
		}
	}
	return false
}
