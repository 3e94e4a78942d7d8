package engine

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/quotadb/quota-db/crdt"
)

// writers are all writers that have counted on a key of this DB. Rows name a writer by its index in table. An index is
// never used for another writer.
type writers struct {
	mu     sync.Mutex
	table  []crdt.Writer
	shown  atomic.Pointer[[]crdt.Writer] // table, for readers without the lock: it only grows
	byName map[crdt.Writer]uint32
}

// index is the index of a writer. A new writer gets one.
func (ws *writers) index(w crdt.Writer) uint32 {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if i, ok := ws.byName[w]; ok {
		return i
	}
	i := uint32(len(ws.table))
	ws.table = append(ws.table, w)
	shown := ws.table
	ws.shown.Store(&shown)
	if ws.byName == nil {
		ws.byName = make(map[crdt.Writer]uint32)
	}
	ws.byName[w] = i
	return i
}

// all are all writers so far. The caller must not change them.
func (ws *writers) all() []crdt.Writer { return *ws.shown.Load() }

// Writers are the writers with an index of first or larger. All writers in the records from an earlier Take are among
// them, or have smaller indexes.
func (db *DB) Writers(first int) []crdt.Writer {
	db.writers.mu.Lock()
	defer db.writers.mu.Unlock()
	return append([]crdt.Writer(nil), db.writers.table[min(first, len(db.writers.table)):]...)
}

// Life is the life under which this node counts.
func (db *DB) Life() uint64 { return db.Writers(primary)[0].Life }

// WriterCount is how many writers have an index.
func (db *DB) WriterCount() int {
	db.writers.mu.Lock()
	defer db.writers.mu.Unlock()
	return len(db.writers.table)
}

// Writer is the index of a writer, for the rows of entries that are merged or loaded.
func (db *DB) Writer(w crdt.Writer) uint32 { return db.writers.index(w) }

// newWriter makes the index of a new life of this node. It is called when the numbers of the life before are used up.
func (db *DB) newWriter() uint32 {
	return db.writers.index(crdt.Writer{Node: db.node, Life: db.newLife()})
}

// RandomLife makes a life that nobody has had.
func RandomLife() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])                          // never fails, as its documentation says
	return max(1, binary.LittleEndian.Uint64(b[:])) // 0 is nobody
}
