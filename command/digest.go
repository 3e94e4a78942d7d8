package command

import (
	"fmt"
	"math"
	"sync"

	"github.com/quotadb/quota-db/resp"
)

// maxDigestWaiting is how many clients may wait for a digest. A client that has gone meanwhile counts until its digest
// is ready.
const maxDigestWaiting = 1024

// digests computes the digest of all keys, for CLUSTER DIGEST. A digest needs a scan of the whole database, so there is
// one scan at a time. All clients that ask while it runs share the next scan, because the running one may have missed
// their writes.
type digests struct {
	mu            sync.Mutex // protects the fields below and those of the digests
	running, next *digest
	over          bool // the server stops: no client waits any longer
}

// digest is one scan, and the clients that wait for it.
type digest struct {
	value   uint64
	done    bool
	waiting []*Client
}

// ask requests a digest. The client is roused when a scan that begins after this call has ended. nil: too many clients
// wait, or the server stops. The scan runs in a goroutine that background counts.
func (ds *digests) ask(scan func() uint64, background *sync.WaitGroup, c *Client) *digest {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.over {
		return nil
	}
	d := ds.next
	if ds.running == nil {
		d = &digest{}
		ds.running = d
		background.Go(func() { ds.run(scan) })
	} else if d == nil {
		d = &digest{}
		ds.next = d
	}
	if len(d.waiting) == maxDigestWaiting {
		return nil
	}
	d.waiting = append(d.waiting, c)
	return d
}

// end rouses all waiting clients without a digest. A running scan ends by itself, and no other scan follows.
func (ds *digests) end() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.over = true
	for _, d := range []*digest{ds.running, ds.next} {
		if d != nil {
			for _, c := range d.waiting {
				c.rouse()
			}
		}
	}
}

// run scans as long as clients ask.
func (ds *digests) run(scan func() uint64) {
	for more := true; more; {
		value := scan()
		ds.mu.Lock()
		d := ds.running
		d.value, d.done = value, true
		if ds.running, ds.next = ds.next, nil; ds.over {
			ds.running = nil
		}
		more = ds.running != nil
		ds.mu.Unlock()
		for _, c := range d.waiting { // no client is added to d any more
			c.rouse()
		}
	}
}

// refusal is the error reply after ask has returned nil.
func (ds *digests) refusal() string {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.over {
		return errDigestEnds
	}
	return errManyDigests
}

// answer is the value of d; done says that it is ready. over: the server stops, so do not wait for it.
func (ds *digests) answer(d *digest) (value uint64, done, over bool) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return d.value, d.done, ds.over
}

// clusterDigest is CLUSTER DIGEST. Only its own client waits.
func clusterDigest(c *call) {
	s, refuse := c.server, c.refuser()
	d := s.digests.ask(func() uint64 { return s.DB.Digest(s.Now()) }, &s.background, c.client)
	if d == nil {
		c.fail(s.digests.refusal())
		return
	}
	c.client.answerLate(math.MaxInt64, func(dst []byte, _ bool) ([]byte, bool) {
		value, done, over := s.digests.answer(d)
		switch {
		case done:
		case over:
			return refuse(errDigestEnds)(dst), true
		default:
			return dst, false
		}
		return resp.AppendBulk(dst, fmt.Appendf(nil, "%016x", value)), true
	})
}
