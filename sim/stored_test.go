package sim

import (
	"bytes"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/internal/history"
)

// stored is the record of a key as a process stores it, hidden or not; empty if there is none.
type stored []byte

func (p *process) stored(key string) stored {
	var d engine.Deltas
	db := p.store.DB()
	db.AppendState(&d, db.Key([]byte(key)).Hash, true)
	return d.Records
}

// check reports changes of the record that no operation may make: only a later stamp may replace a register, and a
// failed operation must change nothing.
func (before stored) check(p *process, op history.Op, done bool) {
	after := p.stored(op.Key)
	if !done && !bytes.Equal(before, after) {
		p.host.world.fail("host %d: %+v did nothing, and what is stored changed", p.host.index, op)
	}
	a, b := before.entry(p), after.entry(p)
	if b.Base.Stamp.Less(a.Base.Stamp) || b.Deadline.Stamp.Less(a.Deadline.Stamp) || b.Quota.Stamp.Less(a.Quota.Stamp) {
		p.host.world.fail("host %d: %+v has an earlier stamp than what it replaces", p.host.index, op)
	}
}

func (record stored) entry(p *process) (e crdt.Entry) {
	if len(record) > 0 {
		if _, _, err := crdt.DecodeRecord(record, &e); err != nil {
			p.host.world.t.Fatal(err)
		}
	}
	return e
}
