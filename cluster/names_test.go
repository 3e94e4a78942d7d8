package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/quotadb/quota-db/lives"
)

func TestAFamilyOfAddressesThatIsNotServedDoesNotCount(t *testing.T) {
	dead, other := &net.OpError{Op: "dial", Err: errors.New("refused")}, errors.New("it has said no")
	for name, c := range map[string]struct {
		four, six []error
		want      string // the addresses that remain
	}{
		"both are well":             {[]error{nil}, []error{nil}, "[127.0.0.1:1 [::1]:1]"},
		"localhost":                 {[]error{nil}, []error{dead}, "[127.0.0.1:1]"},
		"localhost, the other way":  {[]error{dead}, []error{nil}, "[[::1]:1]"},
		"nobody is there":           {[]error{dead}, []error{dead}, "[127.0.0.1:1 [::1]:1]"},
		"two nodes":                 {[]error{nil, nil}, []error{dead, dead}, "[127.0.0.1:1 127.0.0.2:1]"},
		"two nodes, one is down":    {[]error{nil, dead}, []error{dead, dead}, "[127.0.0.1:1 127.0.0.2:1 [::1]:1 [::2]:1]"},
		"one of two serves the six": {[]error{nil, nil}, []error{nil, dead}, "[127.0.0.1:1 127.0.0.2:1 [::1]:1 [::2]:1]"},
		"one has said no":           {[]error{nil}, []error{other}, "[127.0.0.1:1 [::1]:1]"},
		"and the other is dead":     {[]error{other}, []error{dead}, "[127.0.0.1:1]"},
		"one family, dead":          {[]error{dead}, nil, "[127.0.0.1:1]"},
		"one family, well":          {[]error{nil}, nil, "[127.0.0.1:1]"},
	} {
		var addresses []netip.AddrPort
		for i := range c.four {
			addresses = append(addresses, netip.MustParseAddrPort(fmt.Sprintf("127.0.0.%d:1", i+1)))
		}
		for i := range c.six {
			addresses = append(addresses, netip.MustParseAddrPort(fmt.Sprintf("[::%d]:1", i+1)))
		}
		got, errs := serving(addresses, append(append([]error(nil), c.four...), c.six...))
		if fmt.Sprint(got) != c.want || len(errs) != len(got) {
			t.Errorf("%s: %v with %v, want %s", name, got, errs, c.want)
		}
	}
}

// TestAPeerCalledLocalhost: if localhost is an IPv6 address too, a node that listens on 127.0.0.1 is reached all the
// same.
func TestAPeerCalledLocalhost(t *testing.T) {
	lookup := func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.IPv6Loopback(), netip.MustParseAddr("127.0.0.1")}, nil
	}
	b := listen(t, 2, nil)
	_, port, err := net.SplitHostPort(b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a := listen(t, 1, func(o *Options) { o.lookup, o.Peers, o.Run = lookup, []string{"localhost:" + port}, 101 })
	a.knows(b)
	if err := b.claims.Register(lives.Started{Node: 1, Life: 10, Run: 100}); err != nil {
		t.Fatal(err)
	}
	if !a.Confirm(t.Context(), Claim{Life: 10, Before: 100, Run: 101}) {
		t.Error("no life goes on")
	}
	b.begin()
	a.begin().meets(1)
	eventually(t, "no address is missing", func() bool { return len(a.Status().Dials) == 0 })
	if a.log.count("level=WARN") > 0 {
		t.Errorf("it complains:\n%s", a.log)
	}
}

// TestAPeerWhoseNameIsNotKnownAnyMoreIsDialedWhereItWas makes DNS fail after a name was resolved, and then the
// connection.
func TestAPeerWhoseNameIsNotKnownAnyMoreIsDialedWhereItWas(t *testing.T) {
	b := open(t, 2)
	_, port, err := net.SplitHostPort(b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var fails atomic.Bool
	lookup := func(context.Context, string, string) ([]netip.Addr, error) {
		if fails.Load() {
			return nil, &net.DNSError{Err: "no servers"}
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	a := listen(t, 1, func(o *Options) { o.lookup, o.Peers = lookup, []string{"node2:" + port} }).begin()
	a.meets(1)
	eventually(t, "the name was resolved", func() bool { return len(a.Status().Dials) == 0 })
	fails.Store(true)
	connections := a.log.count("peer connected")
	o := a.owner.Load()
	o.do(func() {
		for l := range o.links {
			o.drop(l, errLeft)
		}
	})
	eventually(t, "it is connected again", func() bool { return a.log.count("peer connected") > connections })
	a.meets(1)
	a.logs("could not resolve the name of a peer")
	if dials := a.Status().Dials; len(dials) != 0 {
		t.Errorf("%+v", dials)
	}
}
