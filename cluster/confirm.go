package cluster

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// confirmTime is how long peers have to confirm a claim.
const confirmTime = time.Second

// Confirm asks all peers whether this node may go on with a life, and reports whether each one, and at least one, says so within a second. It is called before Start.
func (c *Cluster) Confirm(ctx context.Context, claim Claim) bool {
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	var all sync.WaitGroup
	var confirmed, denied atomic.Int64
	for _, peer := range c.o.Peers {
		all.Go(func() {
			addresses, err := c.resolve(ctx, peer)
			if err != nil || len(addresses) == 0 {
				denied.Add(1)
				return
			}
			for _, address := range addresses {
				all.Go(func() {
					ok, self := c.ask(ctx, address, claim)
					switch {
					case self:
					case ok:
						confirmed.Add(1)
					default:
						denied.Add(1)
					}
				})
			}
		})
	}
	all.Wait()
	return denied.Load() == 0 && confirmed.Load() > 0
}

// ask asks who is at one address.
func (c *Cluster) ask(ctx context.Context, address netip.AddrPort, claim Claim) (confirmed, self bool) {
	if !c.mayDial(address) {
		return false, false
	}
	t, _, stop, err := c.call(ctx, address)
	if err != nil {
		var r *refusal
		return false, errors.As(err, &r) && r.code == refusedSelf
	}
	defer func() { _ = t.conn.Close() }()
	defer stop() // ctx ends it
	if err := t.sendProof(claimKind, claim.append); err != nil {
		return false, false
	}
	_, body, err := t.receiveProof(answerKind)
	if err != nil {
		return false, false
	}
	confirmed, err = parseAnswer(body)
	return confirmed && err == nil, false
}
