package replica

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/quotadb/quota-db/shares"
)

// FuzzReceive has a peer send any frames, whichever side leads. The machine may refuse them; it must neither panic nor
// allocate much memory.
func FuzzReceive(f *testing.F) {
	frames := func(kinds ...byte) []byte {
		var all []byte
		for _, kind := range kinds {
			all = appendFrame(all, kind, func(b []byte) []byte { return append(b, 0, 1, 2, 3, 0, 0, 0, 0, 0) })
		}
		return all
	}
	for kind := byte(kindWriters); kind <= kindLast; kind++ {
		f.Add(frames(kind), true)
		f.Add(frames(kindCompare, kindReady, kind), false)
	}
	f.Fuzz(func(t *testing.T, said []byte, leads bool) {
		w := newWorld(t, 2).sit()
		own, other := w.nodes[0], w.nodes[1]
		if !leads {
			own, other = other, own
		}
		w.add(own, "key", 5)
		l := w.connect(own, other)
		own.Next(l.sides[0], nil, w.now)
		if err := own.Receive(l.sides[0], appendPair(nil, kindPing, saysQuotas, quotasVersion), w.now); err != nil {
			t.Fatal(err)
		}
		w.order(own, "k", minute(10), 3)
		own.Tick(w.now)
		for rest := said; ; {
			frame, after, _, err := SplitFrame(rest)
			if err != nil || frame == nil {
				break
			}
			rest = after
			if err := own.Receive(l.sides[0], frame, w.now); err != nil {
				break
			}
			if own.RefreshDue() {
				own.db.RefreshDigests(w.now)
				own.Refreshed(w.now)
			}
			own.Next(l.sides[0], nil, w.now)
			w.now.Mono += int64(10 * time.Millisecond)
			own.Tick(w.now)
		}
		if got := w.get(own, "key"); got == 0 && len(said) == 0 {
			t.Error("what was there is gone")
		}
	})
}

// FuzzSplitFrame splits the received bytes at any place: the frames must be the same.
func FuzzSplitFrame(f *testing.F) {
	two := appendFrame(appendFrame(nil, kindPing, func(b []byte) []byte { return b }), kindWant, func(b []byte) []byte { return append(b, 1, 2, 3, 4, 5, 6, 7, 8) })
	f.Add(two, 5)
	f.Add([]byte{255, 255, 255, 255, 1, 0, 0, 0, 1, 2, 3, 4}, 1)
	f.Fuzz(func(t *testing.T, bytesIn []byte, at int) {
		whole, _ := split(bytesIn)
		at = max(0, min(at, len(bytesIn)))
		first, rest := split(bytesIn[:at])
		second, _ := split(append(append([]byte(nil), rest...), bytesIn[at:]...))
		if pieces := append(first, second...); !bytes.Equal(bytes.Join(whole, nil), bytes.Join(pieces, nil)) {
			t.Errorf("%d frames, and in pieces %d", len(whole), len(pieces))
		}
	})
}

func split(b []byte) (frames [][]byte, rest []byte) {
	for rest = b; ; {
		frame, after, _, err := SplitFrame(rest)
		if err != nil || frame == nil {
			return frames, rest
		}
		frames, rest = append(frames, frame), after
	}
}

// FuzzOrder reads any bytes as an Order. What is read is within the bounds, and is read again as the same.
func FuzzOrder(f *testing.F) {
	a := &shares.Ask{Number: 7, Key: []byte("key"), Want: shares.Want{Rate: minute(10), Transient: true, Tokens: 3}}
	f.Add(appendOrder(nil, a)[frameHeader:])
	a.Want.Transient, a.Want.Register = false, []byte("register")
	f.Add(appendOrder(nil, a)[frameHeader:])
	f.Fuzz(func(t *testing.T, payload []byte) {
		r := reader{rest: payload}
		a, err := r.order()
		if err != nil {
			return
		}
		if len(a.Key) > shares.MaxAskedKey || len(a.Want.Register) > shares.MaxRegister || a.Want.Tokens > a.Want.Rate.Capacity {
			t.Fatalf("%+v is beyond the bounds", a)
		}
		r = reader{rest: appendOrder(nil, &a)[frameHeader:]}
		if again, err := r.order(); err != nil || !reflect.DeepEqual(a, again) {
			t.Fatalf("%+v became %+v, %v", a, again, err)
		}
	})
}
