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
	deny := func(peer string, err error) {
		denied.Add(1)
		c.o.Log.Info("a new life begins: a peer does not confirm the one before", "peer", peer, "reason", reason(err))
	}
	for _, peer := range c.o.Peers {
		all.Go(func() {
			addresses, err := c.resolve(ctx, peer)
			if err != nil {
				deny(peer, err)
				return
			}
			for _, address := range addresses {
				all.Go(func() {
					err := c.ask(ctx, address, claim)
					var r *refusal
					switch {
					case err == nil:
						confirmed.Add(1)
					case errors.As(err, &r) && r.code == refusedSelf:
					default:
						deny(peer, err)
					}
				})
			}
		})
	}
	all.Wait()
	return denied.Load() == 0 && confirmed.Load() > 0
}

// errNotLast: a peer has not confirmed a claim.
var errNotLast = errors.New("it knows of a later start of that life, or of none")

// ask asks who is at one address. Errors: errNotLast, a refusal, those of the network.
func (c *Cluster) ask(ctx context.Context, address netip.AddrPort, claim Claim) error {
	if !c.mayDial(address) {
		return errInsecure
	}
	t, _, stop, err := c.call(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = t.conn.Close() }()
	defer stop() // ctx ends it
	if err := t.sendProof(claimKind, claim.append); err != nil {
		return err
	}
	_, body, err := t.receiveProof(answerKind)
	if err != nil {
		return err
	}
	confirmed, err := parseAnswer(body)
	if err == nil && !confirmed {
		err = errNotLast
	}
	return err
}
