package persist

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
)

// copyKeys is how many keys are counted on, and copyDigits how many amounts each key gets. Every amount is another
// digit of the value in base 4, so the value tells how often each amount is in it.
const (
	copyKeys   = 4
	copyDigits = 25
	copyBase   = 4
)

// amount is an amount that a member has added to a key, or set it to.
type amount struct {
	reset bool // a SET or DEL may have removed it, or it was set
}

// family is a directory that never had a peer, and copies of it. All are used side by side, and become peers in the
// end.
type family struct {
	t       *testing.T
	random  *rand.Rand
	wall    int64
	members []*member
	amounts [copyKeys][]amount
	resets  bool // some keys are set and deleted
}

// member is one of the directories, and the node that runs on it.
type member struct {
	family *family
	node   uint16
	files  *vfs.Memory
	store  *Store
}

func (f *family) add(files *vfs.Memory) *member {
	m := &member{family: f, node: uint16(len(f.members) + 1), files: files}
	f.members = append(f.members, m)
	return m
}

func (m *member) start(peers bool) {
	f := m.family
	o := smallOptions(m.files, slog.New(slog.DiscardHandler))
	o.Engine.Node, o.Engine.Shards, o.Peers, o.Run = m.node, 1+f.random.IntN(4), peers, f.random.Uint64()|1
	o.Clock = func(wall, mono int64) func() engine.Moment {
		f.wall = max(f.wall, wall)
		return func() engine.Moment { return engine.Moment{Wall: f.wall, Mono: mono} }
	}
	o.Confirm = func(disk.Identity, uint64) bool { return true }
	var err error
	if m.store, err = open(o); err != nil {
		f.t.Fatal(err)
	}
	m.store.walkBytes = 64
	m.store.flusher.spawn = func(fn func()) { fn() }
}

// end ends the process: by a clean stop, a kill or a loss of power.
func (m *member) end() {
	f := m.family
	switch f.random.IntN(5) {
	case 0, 1:
		m.stop()
	case 2, 3:
		_ = m.store.db.Close()
		m.files = m.files.Kill()
	case 4: // synced, so that the loss of power loses no count
		m.sync()
		_ = m.store.db.Close()
		m.files = m.files.Crash(f.random)
	}
	m.store = nil
}

func (m *member) stop() {
	if err := m.store.closeClean(m.family.t.Context()); err != nil {
		m.family.t.Fatal(err)
	}
	_ = m.store.db.Close()
	m.files, m.store = m.files.Kill(), nil
}

func (m *member) sync() {
	fl := m.store.flusher
	fl.group()
	fl.last = time.Time{}
	fl.syncIfDue(true)
	fl.waitSync()
}

// step runs a command, or something that the store does. Every count is in the log before the next step.
func (m *member) step() {
	f := m.family
	if f.random.IntN(8) == 0 {
		m.snapshot()
		return
	}
	i := f.random.IntN(copyKeys)
	if f.random.IntN(3) == 0 {
		i = 0 // often the same
	}
	k := m.store.db.Key(fmt.Appendf(nil, "key%d", i))
	tx := m.store.db.Lock(k, m.store.now())
	switch n := f.random.IntN(6); {
	case f.resets && i%2 == 0 && n < 2:
		for j := range f.amounts[i] {
			f.amounts[i][j].reset = true
		}
		if n == 0 {
			tx.Delete(k)
		} else if v, ok := f.fresh(i, true); ok {
			tx.Set(k, engine.Value{Type: engine.Integer, Int: v}, false)
		}
	default:
		if v, ok := f.fresh(i, false); ok {
			if _, err := tx.Add(k, v); err != nil {
				f.t.Error(err)
			}
		}
	}
	tx.Unlock()
	f.wall++
	m.store.flusher.group()
}

func (m *member) snapshot() {
	fl := m.store.flusher
	if err := fl.startWalk(true, nil); err != nil {
		m.family.t.Fatal(err)
	}
	fl.endWalk(<-fl.walked)
}

// fresh is an amount that the key has not had yet.
func (f *family) fresh(key int, reset bool) (int64, bool) {
	n := len(f.amounts[key])
	if n == copyDigits {
		return 0, false
	}
	f.amounts[key] = append(f.amounts[key], amount{reset})
	v := int64(1)
	for range n {
		v *= copyBase
	}
	return v, true
}

// tell makes another member merge everything that this one stores.
func (m *member) tell(other *member) {
	var d engine.Deltas
	for next, done := uint64(0), false; !done; {
		next, done = m.store.db.AppendRange(&d, next, 1<<64-1, m.store.now(), 1<<20)
	}
	writers := m.store.db.Writers(0)
	for rest := d.Records; len(rest) > 0; {
		var e crdt.Entry
		name, after, err := crdt.DecodeRecord(rest, &e)
		if err != nil {
			m.family.t.Fatal(err)
		}
		rest = after
		for i := range e.Rows {
			e.Rows[i].Writer = other.store.db.Writer(writers[e.Rows[i].Writer])
		}
		other.store.db.Merge(other.store.db.Key(name), &e, other.store.now(), 1<<62)
	}
}

// check compares a member's values with the amounts: each amount is there once, or, if it was reset, at most once.
func (m *member) check(run uint64) {
	f := m.family
	for i, amounts := range f.amounts {
		k := m.store.db.Key(fmt.Appendf(nil, "key%d", i))
		tx := m.store.db.Lock(k, m.store.now())
		left := tx.Get(k).Int
		tx.Unlock()
		for j, a := range amounts {
			if n := left % copyBase; n > 1 || n == 0 && !a.reset {
				f.t.Fatalf("run %d, node %d: amount %d of key%d is there %d times", run, m.node, j, i, n)
			}
			left /= copyBase
		}
		if left != 0 {
			f.t.Fatalf("run %d, node %d: key%d has more than was counted", run, m.node, i)
		}
	}
}

// TestADirectoryAndItsCopiesThatBecomePeersCountEachIncrementOnce: a directory that never had a peer is copied while
// its server runs, after kills and after clean stops. All copies are used for a while, end in every way and start
// again. Then they become peers: no count vanishes under the numbers of another copy, and none is counted twice. A copy
// that holds an increment does not know of a SET or DEL elsewhere that removed it before they met, so the increment may
// come back; no later increment may be lost by that.
func TestADirectoryAndItsCopiesThatBecomePeersCountEachIncrementOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	continued := 0
	for run := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, run))
		f := &family{t: t, random: random, wall: testWall, resets: random.IntN(2) == 0}
		f.add(vfs.NewMemory(64)).start(false)
		for range 40 {
			m := f.members[random.IntN(len(f.members))]
			switch {
			case m.store == nil:
				before := lifeIn(t, m.files)
				if m.start(false); m.store.db.Life() == before {
					continued++
				}
			case random.IntN(6) == 0:
				m.end()
			case len(f.members) < 3 && random.IntN(8) == 0:
				copied := f.add(m.files.Copy())
				if random.IntN(2) == 0 {
					copied.node = m.node // as long as it has no peers
				}
			default:
				m.step()
			}
			if len(f.members) < 3 && m.store == nil && random.IntN(3) == 0 {
				copied := f.add(m.files.Copy())
				if random.IntN(2) == 0 {
					copied.node = m.node
				}
			}
		}
		for i, m := range f.members {
			if m.store != nil {
				m.end()
			}
			m.node = uint16(i + 1)
			m.start(true)
			m.step()
		}
		for range 2 {
			for _, m := range f.members {
				for _, other := range f.members {
					if m != other {
						m.tell(other)
					}
				}
			}
		}
		for _, m := range f.members {
			m.check(run)
			_ = m.store.db.Close()
		}
	}
	if continued == 0 {
		t.Error("no life went on")
	}
}

// lifeIn is the life of the last run on a directory.
func lifeIn(t *testing.T, files *vfs.Memory) uint64 {
	t.Helper()
	report, err := Check(files, testDir)
	if err != nil {
		t.Fatal(err)
	}
	return report.Life
}
