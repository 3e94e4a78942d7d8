package engine

import "github.com/quotadb/quota-db/crdt"

// draft is the state of a key between load, which fills it in, and store, which makes it the key's record. A shard has
// one: a draft is not used after the next load in the same shard.
type draft struct {
	crdt.Entry
	tokens tokens // of the quota; those of a full bucket if there is none
	record ref    // the key's record; 0: there was none
	at     place  // where the index has that record
	lapsed bool   // all of the key had ended by itself, by its deadline or as a transient quota
}

// audience says who is told of a change: those of them whom a shard has to tell at all, see changes.wanted.
type audience uint32

const (
	toNobody audience = 0
	toDisk   audience = unwritten
	toPeers  audience = unsent
	toAll    audience = toDisk | toPeers
)

// load brings the state of k into s.draft, without the parts that have ended by now.
func (s *shard) load(k Key, now Moment) *draft {
	d, rec := s.loadStored(k)
	if rec != nil {
		s.lapse(&d.Entry, &d.tokens, now)
		d.lapsed = !d.Exists()
	}
	return d
}

// loadStored brings the state of k into s.draft as it is stored: a key past its deadline is hidden, and still there. The
// record is nil if k has none.
func (s *shard) loadStored(k Key) (*draft, record) {
	r, rec, at := s.find(k)
	return s.draftOf(r, rec, at), rec
}

// draftOf brings a record into s.draft as it is stored; nil: there is none.
func (s *shard) draftOf(r ref, rec record, at place) *draft {
	d := &s.draft
	*d = draft{Entry: crdt.Entry{Rows: d.Rows[:0]}, record: r, at: at}
	if rec != nil {
		rec.unpack(&d.Entry)
		d.tokens = rec.tokens()
	}
	return d
}

// lapse ends what has ended by itself by now: everything at a deadline, a transient quota once its bucket is full.
func (s *shard) lapse(e *crdt.Entry, t *tokens, now Moment) {
	switch {
	case e.Expired(now.Wall):
		e.Close()
	case e.Quota.Transient && t.FullAfter(now.Mono) == 0:
		s.endTransient(e)
	}
}

// endTransient ends a quota that has become full. It was never its peers'.
func (s *shard) endTransient(e *crdt.Entry) {
	if s.db.replicated {
		e.Quota = e.Quota.Shared()
		return
	}
	e.EndQuota()
}

// begin prepares d for the write that makes its key, if there is none.
func (s *shard) begin(d *draft, now Moment) {
	if s.db.replicated && !d.Exists() {
		d.Begin(now.Wall)
	}
}
