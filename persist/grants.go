package persist

import "github.com/quotadb/quota-db/engine"

// mostGrants is how many reserves of quotas wait for a sync, at 40 bytes each, before one is due at any durability.
const mostGrants = 64 << 10

// keepGrants keeps the reserves that the next sync makes safe. While a sync takes long, those that later ones have
// replaced are dropped now and then: no more stay than twice as many as there are quotas, or as are dropped at once.
func (f *flusher) keepGrants(more []engine.WrittenReserve) {
	f.grants = append(f.grants, more...)
	if f.grantsKept = max(f.grantsKept, mostGrants); len(f.grants) > 2*f.grantsKept {
		f.grants = engine.LastReserves(f.grants)
		f.grantsKept = len(f.grants)
	}
}
