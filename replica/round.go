package replica

import (
	"encoding/binary"

	"github.com/quotadb/quota-db/engine"
)

// round is what clients of this node had changed up to a moment and since the round before, as frames that are the same for every peer.
type round struct {
	number  uint64
	at      int64 // Moment.Mono when it was taken
	frames  []byte
	count   int      // of Deltas frames
	hashes  []uint64 // of the keys
	writers int      // how many writers the frames may name
}

// take makes a round of what clients have changed, if there is anything.
func (m *Machine) take(now engine.Moment) {
	d := &m.deltas
	d.Reset()
	r := &round{number: m.round + 1, at: now.Mono}
	tooLong := false
	for shard := range m.DB.Shards() {
		for more := m.DB.HasUnsent(shard); more; {
			more = m.DB.TakeUnsent(shard, d)
			if len(d.Records) > m.Window { // nobody's queue would keep it
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

// anyCurrent reports whether a round's bytes will be sent, by the look of it.
func (m *Machine) anyCurrent() bool {
	for _, p := range m.ordered {
		if p.isCurrent() {
			return true
		}
	}
	return false
}

// frameBytes is after how much a frame of deltas ends though it has fewer than BatchSize: values may be long.
const frameBytes = 1 << 20

// appendDeltas appends the frames of deltas, BatchSize in each at most; the last says that with it all up to a round has been sent, unless that is 0. It returns how many frames they are.
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
