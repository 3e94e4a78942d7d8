package cluster

import (
	"net"
	"testing"
	"time"

	"github.com/quotadb/quota-db/lives"
)

func TestAPeerThatIsStartingItselfConfirmsNoLife(t *testing.T) {
	b := listen(t, 2, nil)
	undecided, err := lives.NewClaims(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := undecided.Register(lives.Started{Node: 1, Life: 10, Run: 100}); err != nil {
		t.Fatal(err)
	}
	b.Answer(undecided)
	a := listen(t, 1, func(o *Options) { o.Run, o.Peers = 101, addresses([]*testNode{b}) })
	a.knows(b)
	claim := Claim{Life: 10, Before: 100, Run: 101}
	if a.Confirm(t.Context(), claim) {
		t.Error("before it has decided")
	}
	if n := a.log.count(errStarting.text); n != 1 {
		t.Errorf("%d lines say why\n%s", n, a.log)
	}
	if err := undecided.Decide(b.life, true); err != nil {
		t.Fatal(err)
	}
	if !a.Confirm(t.Context(), claim) {
		t.Error("after it has")
	}
}

// knows makes a node know others since before its last stop.
func (n *testNode) knows(others ...*testNode) {
	for _, o := range others {
		if err := n.claims.Register(lives.Started{Node: o.id, Life: o.life, Run: o.o.Run}); err != nil {
			n.t.Fatal(err)
		}
	}
}

func TestEveryPeerMustConfirmALife(t *testing.T) {
	a, b := listen(t, 1, nil), listen(t, 2, nil) // they answer claims before Start
	const own = "this node itself"
	secret := []byte("secret")
	var asker *testNode
	known := []*testNode{a, b}
	ask := func(before, run uint64, peers ...string) bool {
		n := listen(t, 3, func(o *Options) { o.Run, o.Secret = run, secret })
		for _, peer := range peers {
			if peer == own {
				peer = n.Addr().String()
			}
			n.o.Peers = append(n.o.Peers, peer)
		}
		asker = n
		n.knows(known...)
		began := time.Now()
		defer func() {
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		}()
		return n.Confirm(t.Context(), Claim{Life: 30, Before: before, Run: run})
	}
	both := addresses([]*testNode{a, b})
	if ask(100, 101, both...) {
		t.Error("nobody knows of it")
	}
	for _, peer := range []*testNode{a, b} {
		if err := peer.claims.Register(lives.Started{Node: 3, Life: 30, Run: 100}); err != nil {
			t.Fatal(err)
		}
	}
	if !ask(100, 101, append(both, own, both[0])...) { // one entry is the node itself, one occurs twice
		t.Error("refused")
	}
	if ask(100, 102, both...) {
		t.Error("a copy")
	}
	if n := asker.log.count(errNotLast.Error()); n != len(both) {
		t.Errorf("%d lines say why\n%s", n, asker.log)
	}
	if ask(101, 103, own) {
		t.Error("nobody but itself was asked")
	}
	if ask(101, 104, append(both, "no-such-host.invalid:1")...) {
		t.Error("a peer whose name is not known")
	}
	if !ask(101, 104, both...) {
		t.Error("asked again, after one peer had no name")
	}
	if ask(104, 105, both[0]) {
		t.Error("a peer that was known and is listed no more")
	}
	known = known[:1]
	if !ask(105, 106, both[0]) {
		t.Error("that peer was not known")
	}
	known = nil
	if ask(106, 107, both[0]) {
		t.Error("nobody was known")
	}
	known = []*testNode{a}
	_ = b.Close()
	if ask(107, 108, both...) {
		t.Error("a peer that is away")
	}
	secret = []byte("another")
	if ask(108, 109, both[0]) {
		t.Error("another secret")
	}
}

func TestAPeerThatHangsDoesNotHoldUpAStart(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the system accepts, no process answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	n := listen(t, 2, func(o *Options) { o.Peers = []string{silent.Addr().String()} })
	began := time.Now()
	if n.Confirm(t.Context(), Claim{1, 2, 3}) || time.Since(began) > handshakeTime {
		t.Errorf("after %v", time.Since(began))
	}
}
