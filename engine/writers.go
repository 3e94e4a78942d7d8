package engine

import (
	"crypto/rand"
	"encoding/binary"
	"sync"

	"github.com/quotadb/quota-db/crdt"
)

// writers are all that have counted on a key of this DB, by the index that stands for them in rows. Indexes are never used again.
type writers struct {
	mu     sync.Mutex
	table  []crdt.Writer
	byName map[crdt.Writer]uint32
}

// index is the one of a writer, made if it has none yet.
func (ws *writers) index(w crdt.Writer) uint32 {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if i, ok := ws.byName[w]; ok {
		return i
	}
	i := uint32(len(ws.table))
	ws.table = append(ws.table, w)
	if ws.byName == nil {
		ws.byName = make(map[crdt.Writer]uint32)
	}
	ws.byName[w] = i
	return i
}

// Writers are those with an index from first on. What Take has given before names no others than were there by then.
func (db *DB) Writers(first int) []crdt.Writer {
	db.writers.mu.Lock()
	defer db.writers.mu.Unlock()
	return append([]crdt.Writer(nil), db.writers.table[min(first, len(db.writers.table)):]...)
}

// Life is what this node counts under.
func (db *DB) Life() uint64 { return db.Writers(primary)[0].Life }

// WriterCount is how many writers have an index.
func (db *DB) WriterCount() int {
	db.writers.mu.Lock()
	defer db.writers.mu.Unlock()
	return len(db.writers.table)
}

// Writer is the index of a writer in the rows of entries that are merged.
func (db *DB) Writer(w crdt.Writer) uint32 { return db.writers.index(w) }

// newWriter makes an index for a fresh life of this node, when the numbers of the one before are used up.
func (db *DB) newWriter() uint32 {
	return db.writers.index(crdt.Writer{Node: db.node, Life: db.newLife()})
}

// RandomLife is a life that nobody has had.
func RandomLife() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])                          // never fails, as its documentation says
	return max(1, binary.LittleEndian.Uint64(b[:])) // 0 is nobody
}
