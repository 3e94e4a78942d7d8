package persist

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
)

const (
	testDir  = "/data"
	testWall = 1_700_000_000_000
	testKeys = 8
)

// state is the visible content of all keys.
type state map[string]engine.Value

// at is the state at a later time: without the keys that have expired by then.
func (s state) at(wall int64) state {
	left := state{}
	for name, v := range s {
		if v.Deadline == 0 || v.Deadline > wall {
			left[name] = v
		}
	}
	return left
}

// machine runs a random history on a store over a simulated file system. Everything happens in one goroutine, in an
// order that the seed decides.
type machine struct {
	t       *testing.T
	files   *vfs.Memory
	random  *rand.Rand
	wall    int64
	mono    int64
	store   *Store
	history map[uint64]state // content when each group was taken
	ops     int              // operations on files so far
	dead    bool             // the machine has crashed
	level   Durability
}

func newMachine(t *testing.T, files *vfs.Memory, random *rand.Rand) *machine {
	return &machine{t: t, files: files, random: random, wall: testWall, level: Durability(random.IntN(3))}
}

// start opens the store as a new process does.
func (m *machine) start() error {
	var err error
	m.store, err = open(opening{
		FS: m.files, Dir: testDir,
		Options: Options{
			Durability: m.level, Prewritten: 64 << m.random.IntN(8), Delay: time.Second, Log: slog.New(slog.DiscardHandler),
			Engine: engine.Options{Shards: 1 + m.random.IntN(5), Node: 1, HashKey: [2]uint64{m.random.Uint64(), 7}, MaxBytes: 1 << 24},
		},
		Clock: func(wall, mono int64) func() engine.Moment {
			m.wall, m.mono = max(m.wall, wall), max(m.mono, mono)
			return func() engine.Moment { return engine.Moment{Wall: m.wall, Mono: m.mono} }
		},
	})
	if err != nil {
		return err
	}
	m.store.walkBytes = 64
	m.store.flusher.spawn = func(fn func()) { fn() }
	m.store.rest = func() {
		for range m.random.IntN(4) {
			m.change()
		}
	}
	m.history = map[uint64]state{m.store.begun.Load(): m.state()}
	return nil
}

func (m *machine) close() {
	if m.store != nil {
		_ = m.store.db.Close()
		m.store = nil
	}
}

func (m *machine) now() engine.Moment { return engine.Moment{Wall: m.wall, Mono: m.mono} }

func (m *machine) key() engine.Key {
	return m.store.db.Key(fmt.Appendf(nil, "key%d", m.random.IntN(testKeys)))
}

func (m *machine) state() state {
	s := state{}
	for i := range testKeys {
		k := m.store.db.Key(fmt.Appendf(nil, "key%d", i))
		tx := m.store.db.Lock(k, m.now())
		if v := tx.Get(k); v.Type != engine.None {
			v.Str = append([]byte(nil), v.Str...)
			s[string(k.Name)] = v
		}
		tx.Unlock()
	}
	return s
}

// change is one command.
func (m *machine) change() {
	m.note()
	db, now := m.store.db, m.now()
	switch m.random.IntN(24) {
	case 0:
		db.Sweep(now, 10)
		return
	case 1:
		if m.random.IntN(4) == 0 {
			db.All(now).Flush()
		}
		return
	case 2, 3, 4: // move a count from one key to another
		keys := []engine.Key{m.key(), m.key()}
		tx := db.LockAll(keys, now)
		defer tx.Unlock()
		if v := tx.Get(keys[0]); v.Type == engine.Integer && string(keys[0].Name) != string(keys[1].Name) {
			tx.Set(keys[1], engine.Value{Type: engine.Integer, Int: v.Int}, false)
			tx.Delete(keys[0])
		}
		return
	}
	k := m.key()
	tx := db.Lock(k, now)
	defer tx.Unlock()
	switch m.random.IntN(10) {
	case 0:
		tx.Delete(k)
	case 1:
		tx.Set(k, engine.Value{Type: engine.Integer, Int: m.random.Int64N(100)}, m.random.IntN(2) == 0)
	case 2:
		tx.Set(k, engine.Value{Type: engine.String, Str: make([]byte, m.random.IntN(100))}, false)
	case 3:
		tx.SetDeadline(k, m.wall+1+m.random.Int64N(400))
	case 4:
		_, _ = tx.Add(k, -m.random.Int64N(5))
	default:
		_, _ = tx.Add(k, m.random.Int64N(5))
	}
}

// step runs a command, or something that the store does.
func (m *machine) step() {
	if m.random.IntN(2) == 0 {
		m.change()
		return
	}
	m.serve()
	m.note()
}

// serve runs something that the store does.
func (m *machine) serve() {
	f := m.store.flusher
	switch m.random.IntN(6) {
	case 0, 1, 2:
		f.round()
		if m.random.IntN(3) == 0 {
			f.last = time.Time{} // a sync is due
			f.round()
			f.waitSync()
		}
	case 3:
		if m.random.IntN(3) == 0 {
			m.store.Snapshot(true)
			f.round()
		}
	case 4:
		select {
		case err := <-f.walked:
			f.endWalk(err)
		default:
		}
	case 5:
		m.wall += m.random.Int64N(500)
		m.mono += m.random.Int64N(1e9)
	}
}

// note remembers the content of the last group. It is called before every change.
func (m *machine) note() {
	if n := m.store.begun.Load(); m.history[n] == nil {
		m.history[n] = m.state()
	}
}

// run does steps until the machine crashes.
func (m *machine) run(steps int) {
	for range steps {
		if m.step(); m.dead {
			return
		}
	}
}

// stop is a clean stop.
func (m *machine) stop() error {
	close(m.store.stop)
	if f := m.store.flusher; f.walking != nil {
		f.endWalk(<-f.walked)
	}
	m.store.flusher.waitSync()
	err := m.store.closeClean(m.t.Context())
	m.note()
	return err
}

// mustBe fails unless the store shows the content of one of the groups from first on.
func (m *machine) mustBe(history map[uint64]state, first uint64, when string) {
	m.t.Helper()
	got := m.state()
	for n, s := range history {
		if n >= first && equal(s.at(m.wall), got) {
			return
		}
	}
	m.t.Fatalf("%s: found\n%v\nwhich was not there at any group from %d on:\n%v", when, got, first, history)
}

func equal(a, b state) bool {
	return maps.EqualFunc(a, b, func(v, w engine.Value) bool {
		return v.Type == w.Type && v.Int == w.Int && string(v.Str) == string(w.Str) && v.Deadline == w.Deadline
	})
}

// cutAt makes the machine crash at an operation on files.
func (m *machine) cutAt(cut int) {
	m.ops, m.dead = 0, false
	m.files.SetFault(func(_ vfs.Op, _ string, size int) (int, error) {
		if m.ops++; m.ops == cut {
			m.dead = true
			return m.random.IntN(size + 1), vfs.ErrCrashed
		}
		return size, nil
	})
}

// TestEveryCrashLeavesAStateThatWas runs generated histories again and again, and crashes the machine, or kills the
// process, at each operation on files of the history, the start and the stop. The state loaded then must be the state
// at the end of a group, no older than the synced one, or, after a kill, the written one. Then the next life goes on
// and crashes too, somewhere.
func TestEveryCrashLeavesAStateThatWas(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	histories, lives := 60, 3
	if testing.Short() {
		histories = 8
	}
	cuts, torn := 0, 0
	for h := range uint64(histories) {
		for cut := 1; ; cut++ {
			random := rand.New(rand.NewPCG(seed, h))
			m := newMachine(t, vfs.NewMemory(64), random)
			m.cutAt(cut)
			whole := m.live(fmt.Sprintf("history %d, cut %d, life 1", h, cut), 60)
			if whole {
				m.close()
				break // the history has fewer operations
			}
			cuts++
			for life := range lives {
				name := fmt.Sprintf("history %d, cut %d, life %d", h, cut, life+2)
				if m.recover(name); m.store.stats.cut {
					torn++
				}
				m.cutAt(1 + random.IntN(60))
				if m.liveOn(name, 20) {
					m.restart(name)
				}
			}
			m.close()
		}
	}
	t.Logf("%d crashes, %d with a torn tail", cuts, torn)
	if torn*20 < cuts {
		t.Error("too few torn tails: this tests too little")
	}
}

// live runs the first life. It returns true if the life was stopped clean.
func (m *machine) live(name string, steps int) bool {
	m.history = map[uint64]state{0: {}}
	if err := m.start(); err != nil {
		if !errors.Is(err, vfs.ErrCrashed) {
			m.t.Fatalf("%s: %v", name, err)
		}
		return false
	}
	return m.liveOn(name, steps)
}

// liveOn runs a life that has started.
func (m *machine) liveOn(name string, steps int) bool {
	if m.run(steps); m.dead {
		return false
	}
	switch err := m.stop(); {
	case m.dead:
		return false
	case err != nil:
		m.t.Fatalf("%s: stop: %v", name, err)
	}
	return true
}

// recover starts again after a crash or a kill.
func (m *machine) recover(name string) {
	m.t.Helper()
	first, history := uint64(0), m.history
	killed := m.random.IntN(2) == 0
	if m.store != nil {
		first = m.store.safe.Load()
		if killed {
			first = m.store.written.Load()
		}
		m.close()
	}
	if killed {
		m.files = m.files.Kill()
	} else {
		m.files = m.files.Crash(m.random)
	}
	if err := m.start(); err != nil {
		m.t.Fatalf("%s: %v", name, err)
	}
	m.mustBe(history, first, name)
}

// restart starts again after a clean stop.
func (m *machine) restart(name string) {
	m.t.Helper()
	want := m.state()
	m.close()
	m.files.SetFault(nil)
	m.files = m.files.Crash(m.random) // a crash after a clean stop loses nothing
	if err := m.start(); err != nil {
		m.t.Fatalf("%s: after a clean stop: %v", name, err)
	}
	if got := m.state(); !equal(got, want) {
		m.t.Fatalf("%s: after a clean stop: %v, not %v", name, got, want)
	}
}
