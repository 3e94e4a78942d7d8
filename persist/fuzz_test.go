package persist

import (
	"encoding/binary"
	"testing"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/engine"
)

// FuzzFrames gives any frames to the readers of starts, of check and backup, and of salvage. Starts and check must
// accept the same frames. A start must accept what a salvage makes of a snapshot's frames, some of which are missing.
func FuzzFrames(f *testing.F) {
	writer := func(number uint32) []byte {
		return crdt.AppendWriter(nil, number, crdt.Writer{Node: 1, Life: uint64(number) + 5})
	}
	counter := crdt.AppendRecord(nil, []byte("k"), &crdt.Entry{Rows: []crdt.Row{{Writer: 0, P: 5}}})
	later := crdt.AppendRecord(nil, []byte("l"), &crdt.Entry{Rows: []crdt.Row{{Writer: 1, P: 5}}})
	f.Add(frameBytes(kindWriters, writer(0), kindRecords, counter, kindFlush, []byte{1}, kindRecords, counter), false)
	f.Add(frameBytes(kindWriters, writer(0), kindWriters, writer(1), kindRecords, append(counter, later...)), true)
	f.Add(frameBytes(kindWriters, writer(1), kindRecords, append(counter, later...)), true)
	f.Add(frameBytes(kindWriters, writer(1<<31), kindRecords, later), true)
	f.Add(frameBytes(kindRecords, []byte{0x81, 1, 1, 1}, disk.Kind(77), []byte{1}), false)
	f.Fuzz(func(t *testing.T, input []byte, snapshot bool) {
		frames := parseFrames(input)
		v, taken := newVerifier(), error(nil)
		for _, frame := range frames {
			if _, err := v.verify(disk.Frame{Kind: frame.Kind, Payload: frame.Payload, Snapshot: snapshot}); err != nil {
				taken = err
				break
			}
		}
		if err := start(t, frames, snapshot); (err == nil) != (taken == nil) {
			t.Errorf("a check says: %v; a start: %v", taken, err)
		}
		var kept []disk.Frame
		s := &sieve{}
		for _, frame := range frames {
			made, _, err := s.filter(frame)
			if err != nil {
				continue // the frame is left out
			}
			for _, m := range made {
				kept = append(kept, disk.Frame{Kind: m.Kind, Payload: append([]byte(nil), m.Payload...)})
			}
		}
		if err := start(t, kept, true); err != nil {
			t.Errorf("what was salvaged is refused: %v", err)
		}
	})
}

// start loads frames as a start does.
func start(t *testing.T, frames []disk.Frame, snapshot bool) error {
	t.Helper()
	db, err := engine.Open(engine.Options{Shards: 2, Node: 1, Life: 1, MaxBytes: 1 << 24})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	l := newLoader(db, engine.Moment{Wall: 1_700_000_000_000, Mono: 1}, 0, false)
	var refused error
	for _, f := range frames {
		f.Snapshot = snapshot
		if refused = l.give(f); refused != nil {
			break
		}
	}
	if err := l.close(); refused == nil {
		refused = err
	}
	return refused
}

// frameBytes is frames in the form that parseFrames reads: kind, length and payload of each.
func frameBytes(parts ...any) (out []byte) {
	for i := 0; i < len(parts); i += 2 {
		kind, payload := parts[i].(disk.Kind), parts[i+1].([]byte)
		out = binary.LittleEndian.AppendUint16(append(out, byte(kind)), uint16(len(payload)))
		out = append(out, payload...)
	}
	return out
}

func parseFrames(b []byte) (frames []disk.Frame) {
	for len(b) >= 3 {
		n := min(int(binary.LittleEndian.Uint16(b[1:])), len(b)-3)
		frames = append(frames, disk.Frame{Kind: disk.Kind(b[0]), Payload: b[3 : 3+n]})
		b = b[3+n:]
	}
	return frames
}
