package command

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/quotadb/quota-db/replica"
)

// flushCommands are FLUSHDB and FLUSHALL.
func flushCommands() []*row {
	shards := []string{allShards, allSucceeded}
	return inGroup([]*row{
		{name: "flushdb", arity: -1, flags: write | wholeKeyspace, acl: aclKeyspace | aclDangerous, since: "1.0.0", tips: shards, handler: flush,
			usage: "[ASYNC | SYNC]", complexity: perKey, summary: "Delete all keys"},
		{name: "flushall", arity: -1, flags: write | wholeKeyspace, acl: aclKeyspace | aclDangerous, since: "1.0.0", tips: shards, handler: flush,
			usage: "[ASYNC | SYNC]", complexity: perKey, summary: "Delete all keys"},
	}, ofServer, 0)
}

const (
	// flushKeys is how many records FLUSHALL visits before it looks at the time.
	flushKeys = 256
	// flushSlice is how long FLUSHALL works before it rests for the same time.
	flushSlice = time.Millisecond
	// flushAhead is how many keys FLUSHALL deletes before it waits for the log, and how many changes may wait for a
	// peer before it waits for the peer. It bounds the memory for both.
	flushAhead = 1 << 15
	// flushPatience is how long FLUSHALL waits for a peer that acknowledges nothing. After that the node remembers only
	// the hashes of the keys for the peer, as for every slow peer.
	flushPatience = time.Second
)

var (
	errServerEnds  = errors.New("the server stops")
	errNotAllGone  = errors.New("not all keys are deleted")
	errNotKeptGone = errors.New("all keys are deleted, but that may not be safe on the disk")
)

// flush is FLUSHDB and FLUSHALL. ASYNC and SYNC make no difference. On a node that keeps records of deleted keys for
// peers, it works through the keys in the background: only its own client waits, and each key is deleted at a moment of
// its own. Within a transaction all keys are deleted at one moment, and all clients wait.
func flush(c *call) {
	if len(c.args) > 2 || len(c.args) == 2 && !is(c.args[1], "async") && !is(c.args[1], "sync") {
		c.fail(errSyntax)
		return
	}
	if c.nothingWaits() || c.server.DB.FlushesAtOnce() {
		c.all().Flush()
		c.ok()
		return
	}
	server, refuse, always := c.server, c.refuser(), c.x.always
	asked := server.flushes.begun.Load()
	c.beside(func() ending {
		if err := server.flushes.share(asked, func() error { return server.flushAll(always) }); err != nil {
			return refuse(fmt.Sprintf("MISCONF FLUSHALL ended early: %v", err))
		}
		return endOK
	})
}

// flushes are the passes of FLUSHALL over all keys, one at a time.
type flushes struct {
	passes
	piece sync.Mutex // held while some keys are deleted, and before that while CLIENT PAUSE is checked
}

// pass waits for the piece of work that runs now. That piece may have checked CLIENT PAUSE before an order to all
// clients was given; later pieces obey the order.
func (f *flushes) pass() {
	f.piece.Lock()
	defer f.piece.Unlock()
}

// flushAll deletes all keys, in slices. With always it returns when the deletions are synced.
func (s *Server) flushAll(always bool) error {
	p := flushPace{server: s, slowed: map[uint16]peerPace{}}
	for place, keys := uint64(0), 0; ; {
		if err := p.rest(); err != nil {
			return fmt.Errorf("%w: %w", errNotAllGone, err)
		}
		began := time.Now()
		for time.Since(began) < flushSlice {
			next, held := s.flushSome(place)
			if held {
				break
			}
			if place = next; place == 0 {
				return p.end(always)
			}
			keys += flushKeys
		}
		time.Sleep(time.Since(began))
		if keys >= flushAhead {
			keys = 0
			if err := p.follow(); err != nil {
				return fmt.Errorf("%w: %w", errNotAllGone, err)
			}
		}
	}
}

// flushSome deletes some keys, beginning at a place, and returns the next place. held: CLIENT PAUSE stops writes, so it
// has deleted none.
func (s *Server) flushSome(place uint64) (next uint64, held bool) {
	s.flushes.piece.Lock()
	defer s.flushes.piece.Unlock()
	until, now := s.pause.end(), s.Now()
	if until > now.Mono {
		return place, true
	}
	return s.DB.FlushSome(place, now, flushKeys), false
}

// flushPace slows FLUSHALL down to the speed of the log and the peers, which must take the deletions.
type flushPace struct {
	server *Server
	slowed map[uint16]peerPace
}

// peerPace is the progress of a peer.
type peerPace struct {
	behind int
	since  time.Time // when this many changes, or fewer, first waited
}

// rest waits while CLIENT PAUSE stops writes.
func (p *flushPace) rest() error {
	s := p.server
	for until := s.pause.end(); until > 0 && until > s.Now().Mono; until = s.pause.end() {
		if err := p.tick(); err != nil {
			return err
		}
	}
	return p.fits()
}

// fits returns an error if the pass cannot continue.
func (p *flushPace) fits() error {
	if p.server.isOver() {
		return errServerEnds
	}
	if refusal := p.server.Store.Refusal(); refusal != nil {
		return refusal.Err
	}
	return nil
}

func (p *flushPace) tick() error {
	time.Sleep(flushSlice)
	return p.fits()
}

// follow waits until the log has the deletions, and the peers keep up.
func (p *flushPace) follow() error {
	s := p.server
	for group := s.logged(); !s.hasLogged(group); {
		if err := p.tick(); err != nil {
			return err
		}
	}
	for s.Replication != nil && p.isAhead(s.Replication(), time.Now()) {
		if err := p.tick(); err != nil {
			return err
		}
	}
	return nil
}

// logged is the number of the group that will contain the deletions.
func (s *Server) logged() uint64 {
	if s.Store == nil {
		return 0
	}
	return s.Store.Group()
}

// hasLogged reports whether the group is in the log, or will never be, because nothing has changed.
func (s *Server) hasLogged(group uint64) bool {
	if s.Store == nil || s.Store.Written(group) {
		return true
	}
	for shard := range s.DB.Shards() {
		if s.DB.HasUnwritten(shard) {
			return false
		}
	}
	return s.Store.Written(group - 1)
}

// isAhead reports whether a peer has too many changes to take, and makes progress.
func (p *flushPace) isAhead(st replica.Status, now time.Time) bool {
	ahead := false
	for i := range st.Peers {
		peer := &st.Peers[i]
		if peer.State == replica.Offline || peer.BehindKeys <= flushAhead {
			delete(p.slowed, peer.Node)
			continue
		}
		last, known := p.slowed[peer.Node]
		if !known || peer.BehindKeys < last.behind {
			last = peerPace{peer.BehindKeys, now}
			p.slowed[peer.Node] = last
		}
		ahead = ahead || now.Sub(last.since) < flushPatience
	}
	return ahead
}

// end waits until all deletions are synced, if always is true.
func (p *flushPace) end(always bool) error {
	s := p.server
	if !always {
		return nil
	}
	for group := s.Store.Group(); !s.Store.Safe(group); {
		safe := make(chan struct{})
		if s.Store.Await(group, false, func() { close(safe) }) {
			select {
			case <-safe:
			case <-s.over: // the disk may hang
			}
		}
		if err := p.fits(); err != nil && !s.Store.Safe(group) {
			return fmt.Errorf("%w: %w", errNotKeptGone, err)
		}
	}
	return nil
}
