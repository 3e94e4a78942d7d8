package engine

import "github.com/quotadb/quota-db/crdt"

// draft is the state of a key between load, which fills it in, and store, which makes it the record of the key. A shard
// has one draft: the next load in the same shard overwrites it.
type draft struct {
	crdt.Entry
	tokens tokens // tokens of the quota; those of a full bucket if there is no quota
	record ref    // the key's record; 0: there was none
	at     place  // where the index has that record
	lapsed bool   // the whole key had already ended: it was past its deadline, or a transient quota had become full
}

// audience says who is told of a change: the disk, the peers, or both. Shards drop whoever does not follow: see
// changes.wanted.
type audience uint32

const (
	toNobody audience = 0
	toDisk   audience = unwritten
	toPeers  audience = unsent
	toAll    audience = toDisk | toPeers
)

// load brings the state of k into s.draft, as it is visible now: the parts that have ended by now are ended in it.
func (s *shard) load(k Key, now Moment) *draft {
	d, rec := s.loadStored(k)
	if rec != nil {
		s.lapseDraft(d, now)
	}
	return d
}

// lapseDraft is lapse for a draft, which notes whether the whole key has ended.
func (s *shard) lapseDraft(d *draft, now Moment) {
	s.lapse(&d.Entry, &d.tokens, now)
	d.lapsed = !d.Exists()
}

// loadStored brings the state of k into s.draft as it is stored: a key past its deadline is hidden, but still there.
// The record is nil if k has none.
func (s *shard) loadStored(k Key) (*draft, record) {
	r, rec, at := s.find(k)
	return s.draftOf(r, rec, at), rec
}

// draftOf brings a record into s.draft as it is stored. rec is nil if there is none.
func (s *shard) draftOf(r ref, rec record, at place) *draft {
	d := &s.draft
	d.record, d.at, d.lapsed = r, at, false
	if rec == nil {
		d.Entry, d.tokens = crdt.Entry{Rows: d.Rows[:0]}, tokens{}
		return d
	}
	rec.unpack(&d.Entry)
	d.tokens = rec.tokens()
	return d
}

// lapse ends the parts that have ended by themselves by now: everything at a deadline, a transient quota once its
// bucket is full.
func (s *shard) lapse(e *crdt.Entry, t *tokens, now Moment) {
	switch {
	case e.Expired(now.Wall):
		e.Close()
	case e.Quota.Transient && t.FullAfter(now.Mono) == 0:
		s.endTransient(e)
	}
}

// endTransient ends a transient quota that has become full. Peers never knew of the quota.
func (s *shard) endTransient(e *crdt.Entry) {
	if s.db.replicated {
		e.Quota = e.Quota.Shared()
		return
	}
	e.EndQuota()
}

// begin prepares d for a write that creates the key; nothing if the key exists.
func (s *shard) begin(d *draft, now Moment) {
	if s.db.replicated && !d.Exists() {
		d.Begin(now.Wall)
	}
}
