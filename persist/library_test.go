package persist

import (
	"context"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/quota"
)

// library makes small directories with some of everything, and remembers the content at the end of each group.
type library struct {
	t      *testing.T
	files  *vfs.Memory
	store  *Store
	groups map[string]map[int64]state // by log, and its length at the end of the group
	log    string                     // the last log
	last   string                     // the last log if it was open when the process was killed
	synced int64
	safe   int64           // length of it that was synced before its last group, as it says itself
	words  map[int64]int64 // the safe length, by the end of the group that says it; 0: the manifest says it
	step   int             // each visits one of so many units; 0: all of them
}

// libraries are directories by the way in which their process ended.
var libraries = map[string]func(*library){"stopped clean": (*library).stopClean, "killed": (*library).kill, "killed twice": (*library).killTwice}

// newLibrary makes a directory with a snapshot and logs.
func newLibrary(t *testing.T) *library {
	l := &library{t: t, files: vfs.NewMemory(64), groups: map[string]map[int64]state{}}
	l.begin()
	l.add("key0", 3)
	l.group()
	l.store.db.All(l.store.now()).Flush()
	l.group()
	l.set("key1", "a value")
	l.add("key2", 7)
	l.quota("key7", 10)
	l.group()
	l.stop()
	l.begin()
	l.add("key2", -2)
	l.add("key3", 1)
	l.group()
	l.snapshot()
	l.expire("key3", 1_000_000)
	l.group()
	return l
}

// stopClean leaves a directory after a clean stop: a snapshot and two logs that have ended.
func (l *library) stopClean() {
	l.stop()
	l.begin()
	l.add("key5", 5)
	l.remove("key1")
	l.store.db.All(l.store.now()).Flush()
	l.add("key5", 6)
	l.group()
	l.stop()
}

// kill leaves groups that the log says are safe, one that was synced although the log does not say so, and others after
// it.
func (l *library) kill() {
	l.sync()
	l.add("key4", 4)
	l.group()
	l.add("key4", 4)
	l.group()
	l.sync()
	l.remove("key1")
	l.group()
	l.set("key6", "another value")
	l.quota("key7", 4)
	l.group()
	l.sync()
	l.end()
	l.last = l.log
}

// killTwice leaves two logs: the first ends with the part that was safe when it was killed, the second begins with the
// rest.
func (l *library) killTwice() {
	l.kill()
	l.begin()
	l.add("key4", 1)
	l.group()
	l.kill()
}

// openSmall is open with little memory and a clock that stands still.
func openSmall(files vfs.FS, log *slog.Logger) (*Store, error) {
	return open(smallOptions(files, log))
}

func smallOptions(files vfs.FS, log *slog.Logger) opening {
	return opening{
		FS: files, Dir: testDir,
		Options: Options{
			Delay: time.Hour, Log: log,
			Engine: engine.Options{Shards: 3, Node: 1, HashKey: [2]uint64{1, 2}, MaxBytes: 1 << 20},
		},
		Clock: func(wall, mono int64) func() engine.Moment {
			return func() engine.Moment { return engine.Moment{Wall: max(testWall, wall), Mono: mono} }
		},
	}
}

// visible is the visible content of all keys. Of quotas it has only the capacity: a crash may take tokens.
func visible(s *Store) state {
	got := state{}
	for i := range testKeys {
		k := s.db.Key([]byte{'k', 'e', 'y', '0' + byte(i)})
		tx := s.db.Lock(k, s.now())
		v := tx.Get(k)
		if q, ok := tx.Quota(k); ok {
			v.Int = int64(q.Rate.Capacity)
		}
		if v.Type != engine.None {
			v.Str = slices.Clone(v.Str)
			got[string(k.Name)] = v
		}
		tx.Unlock()
	}
	return got
}

// begin starts.
func (l *library) begin() {
	l.t.Helper()
	var err error
	if l.store, err = openSmall(l.files, slog.New(slog.DiscardHandler)); err != nil {
		l.t.Fatal(err)
	}
	l.store.walkBytes = 64
	l.store.flusher.spawn = func(fn func()) { fn() }
	l.note()
	l.listed()
}

// listed notes that the manifest calls the whole log safe.
func (l *library) listed() {
	l.synced = l.size()
	l.safe = l.synced
	l.words = map[int64]int64{0: l.safe}
}

// note remembers the content of the log, which may be another log than before.
func (l *library) note() {
	before := l.log
	for _, name := range l.files.Names() {
		if ok, _ := filepath.Match("log-*", filepath.Base(name)); ok {
			l.log = name // the last
		}
	}
	now := visible(l.store)
	if l.log != before {
		_, was := l.before(before, int64(len(l.files.Bytes(before)))) // a start may have cut that log
		l.groups[l.log] = map[int64]state{logHeader: was}
	}
	l.groups[l.log][l.size()] = now
}

// logHeader is the length of a log without groups.
const logHeader = 32

func (l *library) size() int64 { return int64(len(l.files.Bytes(l.log))) }

// before is where the last group of a log before an offset ends, and its content.
func (l *library) before(log string, offset int64) (end int64, was state) {
	for at, s := range l.groups[log] {
		if at <= offset && at >= end {
			end, was = at, s
		}
	}
	return end, was
}

// said is the length of the last log that is known to be safe if the log is cut at a length.
func (l *library) said(length int64) int64 {
	safe := int64(0)
	for end, word := range l.words {
		if end <= length {
			safe = max(safe, word)
		}
	}
	return safe
}

// each calls fn for each unit of each file, with so many units in a byte, several at a time, and reports the errors. A
// short test visits some of them, and so does a library with a step.
func (l *library) each(perByte int, fn func(name string, unit int) error) {
	var workers sync.WaitGroup
	parts, step := runtime.GOMAXPROCS(0), max(1, l.step)
	if testing.Short() {
		step = 13
	}
	for part := range parts {
		workers.Go(func() {
			for _, name := range l.files.Names() {
				for unit := part * step; unit < len(l.files.Bytes(name))*perByte; unit += parts * step {
					if err := fn(name, unit); err != nil {
						l.t.Errorf("%s, byte %d, bit %d: %v", filepath.Base(name), unit/perByte, unit%perByte, err)
						return
					}
				}
			}
		})
	}
	workers.Wait()
}

// group writes a group.
func (l *library) group() {
	l.store.flusher.group()
	l.safe = l.synced
	l.note()
	l.words[l.size()] = l.safe
}

// sync syncs what is written.
func (l *library) sync() {
	l.t.Helper()
	p := l.store.dir.SyncPoint()
	if err := l.store.dir.Synced(p, p.Sync()); err != nil {
		l.t.Fatal(err)
	}
	l.synced = l.size()
}

// snapshot replaces everything by a snapshot and a log.
func (l *library) snapshot() {
	l.t.Helper()
	f := l.store.flusher
	if err := f.startWalk(true, nil); err != nil {
		l.t.Fatal(err)
	}
	l.note() // the log without a group stands for the content that the walk has seen
	l.add("key3", 1)
	f.endWalk(<-f.walked)
	f.removing.Wait()
	l.note()
	l.listed()
}

// end kills the process.
func (l *library) end() {
	_ = l.store.db.Close()
	l.files = l.files.Kill()
}

func (l *library) stop() {
	l.t.Helper()
	if err := l.store.closeClean(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	l.note() // the stop writes a group
	l.end()
}

// change changes a key at random.
func (l *library) change(name string, fn func(*engine.Tx, engine.Key)) {
	k := l.store.db.Key([]byte(name))
	tx := l.store.db.Lock(k, l.store.now())
	defer tx.Unlock()
	fn(&tx, k)
}

func (l *library) add(name string, n int64) {
	l.change(name, func(tx *engine.Tx, k engine.Key) { _, _ = tx.Add(k, n) })
}

func (l *library) set(name, text string) {
	l.change(name, func(tx *engine.Tx, k engine.Key) {
		tx.Set(k, engine.Value{Type: engine.String, Str: []byte(text)}, false)
	})
}

func (l *library) remove(name string) {
	l.change(name, func(tx *engine.Tx, k engine.Key) { tx.Delete(k) })
}

func (l *library) expire(name string, millis int64) {
	l.change(name, func(tx *engine.Tx, k engine.Key) { tx.SetDeadline(k, testWall+millis) })
}

func (l *library) quota(name string, capacity uint64) {
	rate, err := quota.New(capacity, 1, time.Minute)
	if err != nil {
		l.t.Fatal(err)
	}
	l.change(name, func(tx *engine.Tx, k engine.Key) { _, _, _ = tx.Throttle(k, rate, 1) })
}

// cutLog reads from a store's log lines what was cut.
type cutLog struct{ cut *disk.Cut }

func (cutLog) Enabled(context.Context, slog.Level) bool { return true }

func (c cutLog) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "cut") {
		r.Attrs(func(a slog.Attr) bool {
			switch a.Key {
			case "file":
				c.cut.File = a.Value.String()
			case "offset":
				c.cut.Offset = a.Value.Int64()
			case "bytes":
				c.cut.Bytes = a.Value.Int64()
			}
			return true
		})
	}
	return nil
}

func (c cutLog) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c cutLog) WithGroup(string) slog.Handler      { return c }
