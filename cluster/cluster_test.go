package cluster

import (
	"net"
	"strings"
	"testing"
)

func TestNodesReplicateAndFindEachOtherAgain(t *testing.T) {
	a := open(t, 1)
	b := open(t, 2, a)
	a.add("k", 5)
	b.has("k", 5)
	b.add("k", -2)
	a.has("k", 3)
	address := b.Addr().String()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	a.meets(0)
	a.add("k", 10)
	again := listen(t, 2, func(o *Options) { o.Address, o.Peers = address, addresses([]*testNode{a}) }).begin()
	again.has("k", 13)
	a.meets(1)
}

func TestOneConnectionStaysOfTwo(t *testing.T) {
	nodes := []*testNode{listen(t, 1, nil), listen(t, 2, nil), listen(t, 3, nil)}
	for _, n := range nodes { // each node lists itself too, by two names
		_, port, err := net.SplitHostPort(nodes[1].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		n.o.Peers = append(addresses(nodes), "localhost:"+port)
	}
	for _, n := range nodes {
		n.begin()
	}
	for i, n := range nodes {
		n.add("k", int64(1+i))
	}
	for _, n := range nodes {
		n.has("k", 6)
		n.meets(2)
	}
	for _, n := range nodes {
		n.owner.Load().do(func() {
			if links := len(n.owner.Load().links); links > 3 { // one link may be about to be replaced
				t.Errorf("%d links", links)
			}
		})
		eventually(t, "no peer is missing", func() bool { return len(n.Status().Dials) == 0 })
		if n.log.count("level=WARN") > 0 {
			t.Errorf("node %d complains", n.id)
		}
	}
}

func TestCloseSendsTheRest(t *testing.T) {
	a := open(t, 1)
	b := open(t, 2, a)
	b.meets(1)
	for i := range 1000 {
		b.add("k", int64(i))
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	a.has("k", 999*1000/2)
}

func TestAPeerThatIsNotThereIsLoggedOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	n := listen(t, 1, func(o *Options) { o.Peers = []string{address, "no-such-host.invalid:6381"} }).begin()
	n.logs("a peer cannot be reached")
	n.logs("could not resolve the name of a peer")
	eventually(t, "the status says so", func() bool {
		dials := n.Status().Dials
		return len(dials) == 2 && dials[0].Address == address && strings.Contains(dials[0].Error, "refused") && dials[1].Error != ""
	})
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if n := n.log.count("cannot be reached"); n != 1 {
		t.Errorf("%d lines", n)
	}
}

func TestWithoutASecretNodesReplicateOnLoopbackOnly(t *testing.T) {
	none := func(peers ...string) func(*Options) {
		return func(o *Options) { o.Secret, o.Peers = nil, peers }
	}
	a := listen(t, 1, none()).begin()
	b := listen(t, 2, none(a.Addr().String(), "192.0.2.1:6381", "192.0.2.2:6381")).begin()
	a.add("k", 1)
	b.has("k", 1)
	b.logs("QUOTADB_CLUSTER_SECRET")
	eventually(t, "the status says so", func() bool {
		s := b.Status()
		return s.Enabled && s.Off == "" && len(s.Dials) == 2 && strings.Contains(s.Dials[0].Error, "--cluster-secret")
	})
	off := listen(t, 4, none("192.0.2.1:6381")).begin()
	eventually(t, "the status says so", func() bool { s := off.Status(); return !s.Enabled && s.Off != "" })
	if n := b.log.count("level=WARN"); n != 1 {
		t.Errorf("%d lines", n)
	}
	here, there := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	if a.allowed(here, there) || a.allowed(there, there) || !a.allowed(here, here) {
		t.Error("the rule is not kept")
	}
	for _, change := range []func(*Options){func(o *Options) { o.Secret, o.Insecure = nil, true }, nil} {
		if n := listen(t, 3, change); !n.allowed(there, there) {
			t.Error("refused")
		}
	}
}
