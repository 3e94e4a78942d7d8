package command

import (
	"fmt"
	"math"
	"sync"

	"github.com/quotadb/quota-db/resp"
)

// maxDigestWaiting is how many clients may wait for a digest. Those that have gone meanwhile count until it is there.
const maxDigestWaiting = 1024

// digests computes the digest of all keys for the clients that ask for it. It takes a scan of the whole database, so
// there is one scan at a time, and all that ask while it runs share the next: one that had begun before might lack what
// the client has written.
type digests struct {
	mu            sync.Mutex // protects the fields below and those of the digests
	running, next *digest
	over          bool // the server stops: nobody waits any longer
}

// digest is one scan, and those that wait for it.
type digest struct {
	value   uint64
	done    bool
	waiting []*Client
}

// ask has the client roused once a scan that begins from now on has ended; nil: too many wait, or the server stops. scan
// is done by a goroutine that background gets.
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

// end has all who wait answered without a digest. The scan that runs goes on to its end, and none follows.
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

// run scans as long as anybody asks.
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
		for _, c := range d.waiting { // it takes nobody any more
			c.rouse()
		}
	}
}

// refusal is why ask has refused.
func (ds *digests) refusal() string {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.over {
		return errDigestEnds
	}
	return errManyDigests
}

// answer is the digest if it is there. over: it will not be waited for.
func (ds *digests) answer(d *digest) (value uint64, done, over bool) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return d.value, d.done, ds.over
}

// clusterDigest is CLUSTER DIGEST. The client waits, nobody else.
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
