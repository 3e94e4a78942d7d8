package cluster

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/lives"
)

// confirmTime is the time limit for peers to confirm a claim.
const confirmTime = time.Second

// Confirm asks all peers whether this node may continue a life. It returns true only if each peer confirms within a
// second and all witnesses of the last stop are among them: a name may now stand for fewer peers than before. Call it
// after Answer and before Start.
func (c *Cluster) Confirm(ctx context.Context, claim Claim) bool {
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	var all sync.WaitGroup
	var denied atomic.Int64
	var mu sync.Mutex // protects confirmed
	var confirmed []lives.Witness
	deny := func(peer string, err error) {
		denied.Add(1)
		c.o.Log.Info("this node takes a new identity: a peer does not confirm the old one", "peer", peer, "reason", reason(err))
	}
	for _, peer := range c.o.Peers {
		all.Go(func() {
			addresses, err := c.resolve(ctx, peer)
			if err != nil {
				deny(peer, err)
				return
			}
			witnesses, errs := c.askAll(ctx, addresses, claim)
			for _, err := range errs {
				if err != nil {
					deny(peer, err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			confirmed = append(confirmed, witnesses...)
		})
	}
	all.Wait()
	if denied.Load() > 0 {
		return false
	}
	missing, known := c.claims.Load().Missing(confirmed)
	if !known {
		c.o.Log.Info("this node takes a new identity: it knows no peer that could confirm the old one")
	}
	for _, w := range missing {
		c.o.Log.Info("this node takes a new identity: a peer of earlier runs does not confirm the old one", "node", w.Node)
	}
	return known && len(missing) == 0
}

// askAll asks at every address of a name. It returns the errors of the addresses that count (see serving).
func (c *Cluster) askAll(ctx context.Context, addresses []netip.AddrPort, claim Claim) (confirmed []lives.Witness, errs []error) {
	errs = make([]error, len(addresses))
	answers := make([]lives.Witness, len(addresses))
	var all sync.WaitGroup
	for i, address := range addresses {
		all.Go(func() {
			var r *refusal
			if answers[i], errs[i] = c.ask(ctx, address, claim); errors.As(errs[i], &r) && r.code == refusedSelf {
				errs[i] = nil
			}
		})
	}
	all.Wait()
	for _, w := range answers {
		if w.Life != 0 {
			confirmed = append(confirmed, w)
		}
	}
	_, errs = serving(addresses, errs)
	return confirmed, errs
}

// errNotLast: the peer does not confirm the claim.
var errNotLast = errors.New("the peer knows of a later start with this identity, or of no start with it")

// ask asks at one address. Errors: errNotLast, a refusal, errors of the network.
func (c *Cluster) ask(ctx context.Context, address netip.AddrPort, claim Claim) (w lives.Witness, err error) {
	if !c.mayDial(address) {
		return w, errInsecure
	}
	t, peer, stop, err := c.call(ctx, address)
	if err != nil {
		return w, err
	}
	defer func() { _ = t.conn.Close() }()
	defer stop() // closes the connection when ctx ends
	if err := t.sendProof(claimKind, claim.append); err != nil {
		return w, err
	}
	_, body, err := t.receiveProof(answerKind)
	if err != nil {
		return w, err
	}
	w.Node = peer.node
	if w.Life, err = parseAnswer(body); err == nil && w.Life == 0 {
		err = errNotLast
	}
	return w, err
}
