package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/engine"
)

// TestLongValuesFillAnEmptyNodeInPieces: the keys are neighbours in the hash space. A node sends neighbours together,
// but not all of them in one frame.
func TestLongValuesFillAnEmptyNodeInPieces(t *testing.T) {
	const length, keys = 256 << 10, 60
	for name, holder := range map[string]int{"by the leader": 0, "by the other": 1} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2)
			n := w.nodes[holder]
			for i := range keys {
				w.set(n, fmt.Sprint("key", i), bytes.Repeat([]byte{byte(i)}, length))
			}
			w.lose(n)
			w.connectAll()
			w.run(time.Second)
			if a, b := w.nodes[0].db.Digest(w.now), w.nodes[1].db.Digest(w.now); a != b {
				t.Errorf("digests %x and %x", a, b)
			}
			const most = repairBytes + length + 200
			if w.longest > most || w.longest < length {
				t.Errorf("the longest frame has %d bytes, %d to %d are expected", w.longest, length, most)
			}
		})
	}
}

// stranger is a peer whose frames the test writes itself.
type stranger struct {
	w  *world
	to *testNode
	s  *Session
}

func (w *world) stranger(to *testNode, id uint16) *stranger {
	w.t.Helper()
	s, err := to.Connect(Hello{Node: id, Run: 1, Life: 1}, false, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	return &stranger{w: w, to: to, s: s}
}

func (p *stranger) say(kind byte, payload ...byte) error {
	frame := appendFrame(nil, kind, func(b []byte) []byte { return append(b, payload...) })
	return p.to.Receive(p.s, frame, p.w.now)
}

func TestQuestionsThatNobodyWaitsForAreRefused(t *testing.T) {
	w := newWorld(t, 2)
	p := w.stranger(w.nodes[1], 1) // node 1 leads
	var err error
	said := 0
	for ; err == nil && said < 10*maxQuestions; said++ {
		err = p.say(kindCompare)
	}
	if waiting := len(p.s.exchange.tasks); !errors.Is(err, ErrProtocol) || waiting > maxQuestions+1 {
		t.Errorf("after %d questions: %v, %d answers wait", said, err, waiting)
	}
}

// TestAnswersToOtherQuestionsAreRefused: such answers would keep a leader comparing, and all its other peers waiting.
func TestAnswersToOtherQuestionsAreRefused(t *testing.T) {
	sums := func(level, index int) []byte {
		return append(node{level: level, index: index}.append(nil), make([]byte, 8*engine.Fanout)...)
	}
	for name, c := range map[string]struct {
		kind    byte
		payload []byte
		good    bool
	}{
		"the root's sums":  {kindSums, sums(0, 0), true},
		"sums of a branch": {kindSums, sums(1, 3), false},
		"keys":             {kindKeys, binary.AppendUvarint(nil, 0), false},
		"that all is sent": {kindGiven, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			n := w.nodes[0]
			w.add(n, "key", 1)
			p := w.stranger(n, 9)
			if err := p.say(kindAck, 0, 0, 0); err != nil {
				t.Fatal(err)
			}
			n.Tick(w.now)
			w.refresh(n)
			n.Next(p.s, nil, w.now)
			if err := p.say(kindReady); err != nil {
				t.Fatal(err)
			}
			n.Next(p.s, nil, w.now) // asks for the root's sums
			if err := p.say(c.kind, c.payload...); (err == nil) != c.good || !c.good && !errors.Is(err, ErrProtocol) {
				t.Error(err)
			}
		})
	}
}

// TestWhatIsToBeGivenBackWaitsOnce has a peer repair the same expired key over and over, and read nothing.
func TestWhatIsToBeGivenBackWaitsOnce(t *testing.T) {
	w := newWorld(t, 2)
	n := w.nodes[1]
	k := n.db.Key([]byte("key"))
	tx := n.db.Lock(k, w.now)
	tx.Set(k, engine.Value{Type: engine.Integer, Int: 5, Deadline: w.now.Wall + 10}, false)
	tx.Unlock()
	w.now.Wall += 20
	p := w.stranger(n, 1)
	if err := p.say(kindWriters, crdt.AppendWriter(nil, 0, crdt.Writer{Node: 1, Life: 1})...); err != nil {
		t.Fatal(err)
	}
	e := crdt.Entry{Rows: []crdt.Row{{Writer: 0, P: 1}}}
	record := crdt.AppendRecord(nil, []byte("key"), &e)
	if err := p.say(kindCompare); err != nil {
		t.Fatal(err)
	}
	w.refresh(n)
	before := len(p.s.exchange.tasks)
	for range 1000 {
		if err := p.say(kindRepair, record...); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.s.back.len() + len(p.s.exchange.tasks) - before; got != 1 {
		t.Errorf("%d answers wait", got)
	}
	if out := n.Next(p.s, nil, w.now); !bytes.Contains(out, []byte("key")) {
		t.Errorf("the peer does not learn of the deadline: %q", out)
	}
}

// TestAPeerIsBehindByWhatIsNewSinceItIsKnown: changes made before the peer came do not count as lag; comparing brings
// them.
func TestAPeerIsBehindByWhatIsNewSinceItIsKnown(t *testing.T) {
	w := newWorld(t, 3)
	n := w.nodes[0]
	w.connect(n, w.nodes[1])
	for range 50 {
		w.add(n, "key", 1)
		w.run(10 * time.Millisecond)
	}
	behind := func(want uint64) {
		t.Helper()
		for _, p := range n.Status(w.now).Peers {
			if p.Node == 3 && p.BehindRounds != want {
				t.Errorf("it is %d rounds behind, want %d", p.BehindRounds, want)
			}
		}
	}
	l := w.connect(n, w.nodes[2])
	w.add(n, "key", 1)
	n.Tick(w.now)
	behind(1)
	w.run(time.Second)
	behind(0)
	w.cut(l)
	w.links = w.links[:1]
	w.nodes[2] = w.newNode(3, 900) // it restarts and knows nothing
	w.connect(n, w.nodes[2])
	w.add(n, "key", 1)
	n.Tick(w.now)
	behind(1)
}
