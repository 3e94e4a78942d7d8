package command

import "github.com/quotadb/quota-db/engine"

// A round is what an event loop has read from several clients at once. If Executor.InRounds is true, fast commands of
// these clients share a group and a reading of the clocks, until Settle.

// reading is the last reading of the clocks, which the commands of a round share while it is valid.
type reading struct {
	now   engine.Moment
	valid bool
	ran   int // commands that used it, with the refused ones
}

// Foresee announces a key of a command that will run soon. The next Run first loads the records of all announced keys
// into the processor's cache, so that the cache misses overlap. A wrong key does no harm.
func (x *Executor) Foresee(name []byte) {
	if len(x.foreseen) < groupCommands && len(name) <= engine.MaxKeyBytes {
		x.foreseen = append(x.foreseen, x.server.DB.Key(name))
	}
}

// fetch warms the cache for the keys of Foresee.
func (x *Executor) fetch() {
	x.server.DB.Warm(x.foreseen)
	clear(x.foreseen) // they point into the clients' input, which must not be kept
	x.foreseen = x.foreseen[:0]
}

// endGroup ends the group that runs. It keeps the last group of a client open if commands of the next client of the
// round may join the group: fast commands of clients that are not special, at most groupCommands in all.
func (x *Executor) endGroup(last bool) {
	x.read.ran += x.took
	if last && x.InRounds && x.read.ran < groupCommands && !x.call.client.special && x.server.attention.Load() == 0 && x.timing.keep() {
		x.read.valid = true
		return
	}
	x.read.valid = x.flush() && x.InRounds
}

// Settle ends a round: it ends the group of commands and the reading of the clocks that the clients of the round share.
func (x *Executor) Settle() {
	x.flush()
	x.read.valid = false
}
