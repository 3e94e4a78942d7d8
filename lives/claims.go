package lives

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/quotadb/quota-db/disk"
)

const (
	maxClaims        = 1 << 16 // lives that the table may hold
	maxClaimsOfANode = 64
	claimsHead       = "quotadb-peers 1\n"
)

// Errors of Claims.
var (
	// ErrStartedTwice: the life was also started with another run.
	ErrStartedTwice = errors.New("the peer uses an identity that was started twice")
	// ErrUndecided: this node has not decided yet whether its own life goes on.
	ErrUndecided = errors.New("the node has not decided yet which identity it uses")
	errClaims    = errors.New("it is not as it was written: a line is damaged, or the checksum is wrong")
)

// Started is a peer that runs, as it introduces itself.
type Started struct {
	Node    uint16
	Life    uint64
	Run     uint64    // nonce of its start
	Earlier disk.Runs // nonces of the starts before, of the same life
}

// claim is the run with which a life was last started.
type claim struct {
	node      uint16
	life, run uint64
}

// Claims is a table: for each life of a peer, the run that was last started with it. It is bounded. A change is durable
// before this node answers anything that follows from the change. So of two nodes that go on with one life, one is told
// that it must not. A life that is not in the table must be replaced by a new one, which is always correct.
//
// The table may be old, as when the disk was restored from a backup. Three rules cover that. If this node's own life
// goes on, its witnesses have told it that its disk is the newest. If this node begins a new life, it empties the
// table. As long as neither is decided, it confirms nothing; otherwise two old disks would confirm each other.
//
// The peers that may confirm a life, its witnesses, are fixed by the disk that the life goes on from. So two copies of
// one disk ask the same peers, and each peer says yes once. Methods are safe for concurrent use.
//
// As text, the lives in the order in which they were last started:
//
//	quotadb-peers 1
//	2 8f3a93c1d2e4b5a6 5d4c3b2a19087f6e     node id, life and run
//	crc 1a2b3c4d                            CRC-32C of the lines before
type Claims struct {
	save func(text []byte) error

	mu    sync.Mutex // protects the fields below, and orders saves
	own   uint64     // the life under which this node counts; 0: not decided yet
	table []claim
}

// NewClaims reads the text that save last got; nil: there is none. save makes a text durable; nil: nothing is kept.
// Before Decide nothing is confirmed.
func NewClaims(text []byte, save func(text []byte) error) (*Claims, error) {
	if save == nil {
		save = func([]byte) error { return nil }
	}
	c := &Claims{save: save}
	if text == nil {
		return c, nil
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 {
			c.table = append(c.table, parseClaim(f))
		}
	}
	if string(claimsText(c.table)) != string(text) {
		return nil, errClaims
	}
	return c, nil
}

// parseClaim reads what it knows from a line. The caller compares the whole text, so parseClaim reports no errors.
func parseClaim(f []string) claim {
	node, _ := strconv.ParseUint(f[0], 10, 16)
	life, _ := strconv.ParseUint(f[1], 16, 64)
	run, _ := strconv.ParseUint(f[2], 16, 64)
	return claim{uint16(node), life, run}
}

func claimsText(table []claim) []byte {
	text := []byte(claimsHead)
	for _, c := range table {
		text = fmt.Appendf(text, "%d %016x %016x\n", c.node, c.life, c.run)
	}
	return disk.AppendSum(text)
}

// Register notes the run of a peer that runs. Errors: ErrStartedTwice if the table has another run of that life, and
// the peer does not know it as one of its earlier runs; those of save. (The table has an earlier run if this node has
// missed some starts, or its disk is older.)
func (c *Claims) Register(s Started) error {
	node, life, run := s.Node, s.Life, s.Run
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.find(node, life)
	switch {
	case at < 0:
		return c.put(claim{node, life, run})
	case c.table[at].run == run:
		return nil
	case c.table[at].run == 0 || !slices.Contains(s.Earlier[:], c.table[at].run):
		return ErrStartedTwice
	}
	return c.put(claim{node, life, run})
}

// Claim notes that run is about to go on with a life that the run before has stopped cleanly. It returns the life under
// which this node is a witness of that; 0 if before was not the last run. A granted claim may be repeated. Errors:
// ErrUndecided before Decide; those of save.
func (c *Claims) Claim(node uint16, life, before, run uint64) (witness uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == 0 {
		return 0, ErrUndecided
	}
	at := c.find(node, life)
	switch {
	case at < 0:
		return 0, nil
	case c.table[at].run == run:
		return c.own, nil
	case c.table[at].run != before:
		return 0, nil
	}
	if err := c.put(claim{node, life, run}); err != nil {
		return 0, err
	}
	return c.own, nil
}

// Witness is a peer, with the life under which it counts.
type Witness struct {
	Node uint16
	Life uint64
}

// Missing are the witnesses that have not confirmed that this node's life goes on: each peer that the node knew when it
// stopped, under the peer's life at that time, without those in confirmed. known is false if the node knew no peer:
// then no life goes on. Missing must not be called after Decide.
func (c *Claims) Missing(confirmed []Witness) (missing []Witness, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := map[uint16]uint64{} // by node
	for _, e := range c.table {
		last[e.node] = e.life
	}
	for node, life := range last {
		if w := (Witness{node, life}); !slices.Contains(confirmed, w) {
			missing = append(missing, w)
		}
	}
	return missing, len(last) > 0
}

// Decide sets the life under which this node counts; goesOn says whether it is the life from before. If it is not,
// Decide empties the table: the disk may be an older copy, whose table would confirm lives that have gone on since.
// Peers that run register again. Errors: those of save.
func (c *Claims) Decide(own uint64, goesOn bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !goesOn && len(c.table) > 0 {
		if err := c.save(claimsText(nil)); err != nil {
			return fmt.Errorf("forget the identities of peers: %w", err)
		}
		c.table = nil
	}
	c.own = own
	return nil
}

// find is the position of a life in the table, or -1.
func (c *Claims) find(node uint16, life uint64) int {
	return slices.IndexFunc(c.table, func(e claim) bool { return e.node == node && e.life == life })
}

// put makes e the newest claim of the table, once that is durable. If there are too many, it drops the oldest lives.
func (c *Claims) put(e claim) error {
	others := 0
	for _, o := range c.table {
		if o.node == e.node && o.life != e.life {
			others++
		}
	}
	surplus := others + 1 - maxClaimsOfANode
	table := make([]claim, 0, len(c.table)+1)
	for _, o := range c.table {
		switch {
		case o.node != e.node:
		case o.life == e.life:
			continue
		case surplus > 0:
			surplus--
			continue
		}
		table = append(table, o)
	}
	table = append(table, e)
	table = table[max(0, len(table)-maxClaims):]
	if err := c.save(claimsText(table)); err != nil {
		return fmt.Errorf("remember the identity of a peer: %w", err)
	}
	c.table = table
	return nil
}
