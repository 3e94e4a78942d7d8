package cluster

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
)

var errNoAddress = errors.New("the name has no address")

// resolve returns the addresses of host:port, at least one.
func (c *Cluster) resolve(ctx context.Context, peer string) ([]netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(peer)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	ips, err := c.o.lookup(ctx, "ip", host)
	if err == nil && len(ips) == 0 {
		err = errNoAddress
	}
	if err != nil {
		return nil, err
	}
	seen := map[netip.AddrPort]bool{}
	var addresses []netip.AddrPort
	for _, ip := range ips[:min(len(ips), maxAddresses)] {
		if a := netip.AddrPortFrom(ip.Unmap(), uint16(n)); !seen[a] {
			seen[a] = true
			addresses = append(addresses, a)
		}
	}
	c.met.resolved(peer, addresses)
	return addresses, nil
}

// serving drops the addresses of one family, IPv4 or IPv6, if none of them can be reached and all of the other family
// can. A name, such as localhost, may resolve to both families while the node listens on one only.
func serving(addresses []netip.AddrPort, errs []error) ([]netip.AddrPort, []error) {
	var families [2]struct {
		addresses []netip.AddrPort
		errs      []error
		dead      int
	}
	for i, a := range addresses {
		f := &families[0]
		if a.Addr().Is6() {
			f = &families[1]
		}
		f.addresses, f.errs = append(f.addresses, a), append(f.errs, errs[i])
		if isUnreachable(errs[i]) {
			f.dead++
		}
	}
	for i := range families {
		one, other := &families[i], &families[1-i]
		if len(one.addresses) > 0 && one.dead == 0 && other.dead == len(other.addresses) {
			return one.addresses, one.errs
		}
	}
	return addresses, errs
}

// isUnreachable reports whether an error means that no process answered at the address.
func isUnreachable(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
