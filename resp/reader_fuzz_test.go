package resp

import (
	"testing"
)

// FuzzReader compares the reader with its twin, cutting the stream at chosen points, with small limits and large ones.
func FuzzReader(f *testing.F) {
	for i, s := range streams {
		if len(s.bytes) < 4<<10 {
			f.Add([]byte(s.bytes), []byte{byte(i), 1, 7}, byte(i))
		}
	}
	f.Add(incrPipeline(40), []byte{200, 3, 255}, byte(3))
	f.Add([]byte("*3\r\n$3\r\nSET\r\n$40\r\n0123456789012345678901234567890123456789\r\n$2\r\n10\r\n"), []byte{9}, byte(1))
	f.Fuzz(func(t *testing.T, stream, pieces []byte, mode byte) {
		l := DefaultLimits()
		if mode&1 != 0 {
			l = &Limits{MaxArgs: 4, MaxBulkBytes: 24, MaxInlineBytes: 32, MaxBufferedBytes: 64}
		}
		want, wantErr := readWithTwin(l, stream)
		r := NewReader(l)
		i, fed := 0, 0
		cut := func(rest []byte) int {
			if most := 2*fed + firstJoin + spareHeld; cap(r.held) > most {
				t.Fatalf("%d bytes are held after %d", cap(r.held), fed)
			}
			if held := r.Buffered(); held > l.MaxBufferedBytes {
				t.Fatalf("%d bytes are held", held)
			}
			n := len(rest)
			if len(pieces) > 0 {
				n = min(n, 1+int(pieces[i%len(pieces)]))
				i++
			}
			fed += n
			return n
		}
		batch := manyCommands
		if mode&1 == 0 { // small limits could refuse what is not read at once
			batch = 1 + int(mode>>1)
		}
		got, text := readStream(r, stream, cut, batch)
		if !sameCommands(got, want) || text != wantErr {
			t.Fatalf("got %q %q\nwant %q %q", got, text, want, wantErr)
		}
		if got, text = readStream(NewReader(l), stream, whole, manyCommands); !sameCommands(got, want) || text != wantErr {
			t.Fatalf("whole: got %q %q\nwant %q %q", got, text, want, wantErr)
		}
	})
}
