package replica

import (
	"encoding/binary"

	"github.com/quotadb/quota-db/engine"
)

// round is a set of changes: all that clients of this node have changed since the round before. Its frames are the same
// for every peer, so they are encoded once.
type round struct {
	number  uint64
	at      int64 // Moment.Mono when it was taken
	frames  []byte
	count   int      // number of Deltas frames
	hashes  []uint64 // of the changed keys
	writers int      // the frames name only the first so many of this node's writers
}

func (r *round) origin() origin { return origin{r.number, r.at} }

// take makes a round of the changes of clients, if there are any.
func (m *Machine) take(now engine.Moment) {
	d := &m.deltas
	d.Reset()
	r := &round{number: m.round + 1, at: now.Mono}
	tooLong := false
	for shard := range m.DB.Shards() {
		for more := m.DB.HasUnsent(shard); more; {
			more = m.DB.TakeUnsent(shard, d)
			if len(d.Records) > m.Window { // no peer's queue would keep a round of this size
				tooLong = true
				r.hashes = append(r.hashes, d.Hashes...)
				d.Reset()
			}
		}
	}
	r.hashes = append(r.hashes, d.Hashes...)
	if len(r.hashes) == 0 {
		return
	}
	m.round++
	if !tooLong && m.anyCurrent() {
		r.writers = m.DB.WriterCount()
		r.frames = make([]byte, 0, len(d.Records)+(len(d.Ends)/m.BatchSize+1)*(frameHeader+binary.MaxVarintLen64))
		r.frames, r.count = m.appendDeltas(r.frames, d, r.number)
	}
	for _, p := range m.ordered {
		p.add(r)
	}
}

// anyCurrent reports whether a peer is likely to be sent the round's bytes.
func (m *Machine) anyCurrent() bool {
	for _, p := range m.ordered {
		if p.isCurrent() {
			return true
		}
	}
	return false
}

// frameBytes ends a frame of deltas that has fewer than BatchSize of them: values may be long.
const frameBytes = 1 << 20

// appendDeltas appends deltas in frames of at most BatchSize, and returns the number of frames. The last frame carries
// number: everything up to that round has been sent. number 0: more follows.
func (m *Machine) appendDeltas(dst []byte, d *engine.Deltas, number uint64) (_ []byte, frames int) {
	begin, end, count := 0, 0, 0
	for i := 0; ; i++ {
		if i == len(d.Ends) || count == m.BatchSize || end-begin >= frameBytes {
			said := uint64(0)
			if i == len(d.Ends) {
				said = number
			}
			dst = appendFrame(dst, kindDeltas, func(b []byte) []byte {
				return append(binary.AppendUvarint(b, said), d.Records[begin:end]...)
			})
			frames++
			begin, count = end, 0
		}
		if i == len(d.Ends) {
			return dst, frames
		}
		end = d.Ends[i]
		count++
	}
}
