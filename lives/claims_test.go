package lives

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"testing"
)

const ownLife = 77 // the life under which the peer counts

// shelf keeps the text of a test's Claims.
type shelf struct {
	t    *testing.T
	text []byte
	fail error
}

// open is the peer after a start with which its own life goes on.
func (s *shelf) open() *Claims {
	s.t.Helper()
	c := s.start()
	if err := c.Decide(ownLife, true); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// start is the peer before it has decided whether its life goes on.
func (s *shelf) start() *Claims {
	s.t.Helper()
	c, err := NewClaims(s.text, func(text []byte) error {
		if s.fail == nil {
			s.text = text
		}
		return s.fail
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func TestALifeGoesOnWithTheRunThatThePeerKnows(t *testing.T) {
	s := &shelf{t: t}
	if err := s.open().Register(Started{Node: 1, Life: 10, Run: 100}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		what              string
		life, before, run uint64
		want              bool
	}{
		{"after a clean stop", 10, 100, 101, true},
		{"asked again, the answer was lost", 10, 100, 101, true},
		{"a clone of the stopped disk", 10, 100, 102, false},
		{"after another clean stop", 10, 101, 103, true},
		{"an older backup", 10, 100, 104, false},
		{"a life that the peer has not seen", 11, 100, 105, false},
		{"a run that the manifest does not know", 10, 0, 106, false},
	} {
		if w, err := s.open().Claim(1, step.life, step.before, step.run); (w == ownLife) != step.want || err != nil {
			t.Errorf("%s: %x, %v", step.what, w, err)
		}
	}
	if w, err := s.open().Claim(2, 10, 103, 107); w != 0 || err != nil {
		t.Errorf("another node's life: %x, %v", w, err)
	}
	s.text = nil
	if w, err := s.open().Claim(1, 10, 103, 108); w != 0 || err != nil {
		t.Errorf("a peer that was wiped: %x, %v", w, err)
	}
}

func TestALifeThatRunsTwiceIsFound(t *testing.T) {
	s := &shelf{t: t}
	c := s.open()
	for _, run := range []uint64{100, 100} {
		if err := c.Register(Started{Node: 1, Life: 10, Run: run}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.open().Register(Started{Node: 1, Life: 10, Run: 101}); !errors.Is(err, ErrStartedTwice) {
		t.Errorf("got %v", err)
	}
	if w, err := c.Claim(1, 10, 100, 102); w != ownLife || err != nil {
		t.Fatalf("got %x, %v", w, err)
	}
	if err := c.Register(Started{Node: 1, Life: 10, Run: 100}); !errors.Is(err, ErrStartedTwice) {
		t.Errorf("the run before: %v", err)
	}
	if err := c.Register(Started{Node: 1, Life: 10, Run: 102}); err != nil {
		t.Error(err)
	}
}

func TestNothingIsConfirmedThatIsNotDurable(t *testing.T) {
	s := &shelf{t: t}
	c := s.open()
	if err := c.Register(Started{Node: 1, Life: 10, Run: 100}); err != nil {
		t.Fatal(err)
	}
	s.fail = errors.New("no space")
	if w, err := c.Claim(1, 10, 100, 101); w != 0 || !errors.Is(err, s.fail) {
		t.Errorf("got %x, %v", w, err)
	}
	if err := c.Register(Started{Node: 2, Life: 20, Run: 200}); !errors.Is(err, s.fail) {
		t.Errorf("got %v", err)
	}
	s.fail = nil
	if w, err := c.Claim(1, 10, 100, 102); w != ownLife || err != nil {
		t.Errorf("after the failure: %x, %v", w, err)
	}
}

func TestTheTableOfLivesIsBounded(t *testing.T) {
	s := &shelf{t: t}
	c := s.open()
	for life := range uint64(100) {
		if err := c.Register(Started{Node: 1, Life: 1000 + life, Run: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.table) != maxClaimsOfANode || c.table[0].life != 1000+100-maxClaimsOfANode {
		t.Errorf("%d lives of a node, the oldest is %d", len(c.table), c.table[0].life)
	}
	oldest := c.table[0].life
	if w, err := c.Claim(1, oldest, 1, 2); w != ownLife || err != nil { // its claim is the newest now
		t.Fatalf("got %x, %v", w, err)
	}
	if err := c.Register(Started{Node: 1, Life: 5000, Run: 1}); err != nil || c.find(1, oldest) < 0 || c.find(1, oldest+1) >= 0 {
		t.Errorf("%v: not the oldest has gone", err)
	}
	c.table = nil
	for i := range maxClaims {
		c.table = append(c.table, claim{uint16(2 + i/maxClaimsOfANode), uint64(i), 1})
	}
	if err := c.Register(Started{Node: 1, Life: 1, Run: 1}); err != nil || len(c.table) != maxClaims || c.table[0].life != 1 {
		t.Errorf("%v: %d lives, the oldest is %d", err, len(c.table), c.table[0].life)
	}
	if again := s.open(); len(again.table) != maxClaims {
		t.Errorf("%d lives after a start", len(again.table))
	}
}

func TestATableThatWasNotWrittenSoIsRefused(t *testing.T) {
	s := &shelf{t: t}
	c := s.open()
	for node := range uint16(3) {
		if err := c.Register(Started{Node: 1 + node, Life: 10, Run: 1 << 63}); err != nil {
			t.Fatal(err)
		}
	}
	for bit := range len(s.text) * 8 {
		text := append([]byte(nil), s.text...)
		text[bit/8] ^= 1 << (bit % 8)
		if _, err := NewClaims(text, nil); err == nil {
			t.Fatalf("bit %d", bit)
		}
	}
	for n := range s.text {
		if _, err := NewClaims(s.text[:n:n], nil); err == nil && n > 0 {
			t.Fatalf("the first %d bytes", n)
		}
	}
	if _, err := NewClaims([]byte{}, nil); err == nil {
		t.Error("an empty file")
	}
}

func TestWhatIsForgottenIsNotConfirmed(t *testing.T) {
	var kept []byte
	c, err := NewClaims(nil, func(text []byte) error { kept = bytes.Clone(text); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Register(Started{Node: 2, Life: 5, Run: 6}); err != nil {
		t.Fatal(err)
	}
	if err := c.Decide(ownLife, false); err != nil {
		t.Fatal(err)
	}
	again, err := NewClaims(kept, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Decide(ownLife, true); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Claims{c, again} {
		if w, err := c.Claim(2, 5, 6, 7); w != 0 || err != nil {
			t.Errorf("confirmed: %x, %v", w, err)
		}
	}
	if err := c.Register(Started{Node: 2, Life: 5, Run: 6}); err != nil {
		t.Errorf("it is not known again: %v", err)
	}
}

func TestNothingIsConfirmedByANodeThatHasNotDecidedItself(t *testing.T) {
	s := &shelf{t: t}
	if err := s.open().Register(Started{Node: 2, Life: 5, Run: 6}); err != nil {
		t.Fatal(err)
	}
	c := s.start()
	if w, err := c.Claim(2, 5, 6, 7); w != 0 || !errors.Is(err, ErrUndecided) {
		t.Errorf("before: %x, %v", w, err)
	}
	if err := c.Decide(ownLife, true); err != nil {
		t.Fatal(err)
	}
	if w, err := c.Claim(2, 5, 6, 7); w != ownLife || err != nil {
		t.Errorf("its own goes on: %x, %v", w, err)
	}
}

func TestThoseWhoWereKnownAreTheWitnesses(t *testing.T) {
	s := &shelf{t: t}
	if missing, known := s.start().Missing(nil); known || len(missing) > 0 {
		t.Errorf("nobody was known, and %v are missing", missing)
	}
	for _, h := range []Started{{Node: 2, Life: 20, Run: 1}, {Node: 3, Life: 30, Run: 1}, {Node: 2, Life: 21, Run: 1}} {
		if err := s.open().Register(h); err != nil {
			t.Fatal(err)
		}
	}
	two, three := Witness{2, 21}, Witness{3, 30}
	for _, c := range []struct{ confirmed, want []Witness }{
		{[]Witness{two, three, {4, 40}}, nil},
		{[]Witness{three}, []Witness{two}},
		{[]Witness{three, {2, 20}}, []Witness{two}}, // a life that the peer has given up since
		{[]Witness{{2, 30}, {3, 21}}, []Witness{two, three}},
	} {
		missing, known := s.start().Missing(c.confirmed)
		slices.SortFunc(missing, func(a, b Witness) int { return cmp.Compare(a.Node, b.Node) })
		if !known || !slices.Equal(missing, c.want) {
			t.Errorf("%v confirm: known %t, missing %v, want %v", c.confirmed, known, missing, c.want)
		}
	}
}
