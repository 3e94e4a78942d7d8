package persist

import "github.com/quotadb/quota-db/engine"

// mostGrants is how many reserves of quotas may wait for a sync, at 40 bytes each. With more a sync is due at any
// durability.
const mostGrants = 64 << 10

// keepGrants keeps the reserves that the next sync makes safe. While a sync takes long, reserves that later ones have
// replaced are dropped now and then: so at most twice as many stay as there are quotas, or 2*mostGrants.
func (f *flusher) keepGrants(more []engine.WrittenReserve) {
	f.grants = append(f.grants, more...)
	if f.grantsKept = max(f.grantsKept, mostGrants); len(f.grants) > 2*f.grantsKept {
		f.grants = engine.LastReserves(f.grants)
		f.grantsKept = len(f.grants)
	}
}
