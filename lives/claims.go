package lives

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/quotadb/quota-db/disk"
)

const (
	maxClaims        = 1 << 16 // lives that are remembered
	maxClaimsOfANode = 64
	claimsHead       = "quotadb-peers 1\n"
)

// Errors of Claims.
var (
	// ErrStartedTwice: the life is known to have been started with another run.
	ErrStartedTwice = errors.New("the peer counts under a life that was started twice")
	// ErrUndecided: it is not decided yet whether this node's own life goes on.
	ErrUndecided = errors.New("the node has not decided yet which life it counts under")
	errClaims    = errors.New("it is not as it was written: a line is damaged or the checksum does not fit")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Started is a peer that runs.
type Started struct {
	Node    uint16
	Life    uint64
	Run     uint64    // nonce of its start
	Earlier disk.Runs // of the starts before, of the same life
}

// claim is the run that a life was last started with.
type claim struct {
	node      uint16
	life, run uint64
}

// Claims is which run each life of a peer was last started with: a table that is bounded, and durable before anything is said that follows from it.
// So of two that go on with one life, one is told that it must not. What is not in the table goes on with a new life, which is always right.
//
// The table may be older than what was last known, as when the disk was restored from a backup. A node whose own life goes on has been told by its witnesses that its
// disk is the newest; one that begins a new life forgets the table; and while that is open, it confirms nothing, or two disks that are older would confirm each other.
//
// Who may confirm a life is fixed by the disk that it goes on from, its witnesses: so two copies of one disk ask the same peers, of which each says yes once.
// Methods are safe for concurrent use.
//
// As text, the lives in the order in which they were last started:
//
//	quotadb-peers 1
//	2 8f3a93c1d2e4b5a6 5d4c3b2a19087f6e     node id, life and run
//	crc 1a2b3c4d                            CRC-32C of the lines before
type Claims struct {
	save func(text []byte) error

	mu    sync.Mutex // protects what follows, and orders saves
	own   uint64     // the life that this node counts under; 0: that is not decided
	table []claim
}

// NewClaims reads what save was given before; nil text: nothing. save makes a text durable; nil: nothing is kept. Nothing is confirmed before Decide.
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

// parseClaim takes what it can from a line: whether it was all is for the comparison with the text to tell.
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
	return fmt.Appendf(text, "crc %08x\n", crc32.Checksum(text, castagnoli))
}

// Register notes the run of a life that is running. Errors: ErrStartedTwice if the life is known to have been started with another run, which is none of those before that the peer
// knows of; those of save. (It is one of those where this node has missed some, as with an older disk.)
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

// Claim notes that run is about to go on with a life that run before has stopped cleanly. It returns the life under which this node is a witness of that; 0 if that run was not the last.
// A claim that was granted may be made again. Errors: ErrUndecided before Decide, those of save.
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

// Witness is a peer, by the life that it counts under.
type Witness struct {
	Node uint16
	Life uint64
}

// Missing is who has yet to confirm that this node's life goes on, beside those that have: each peer that the node knew when it stopped, under the life that it counted under then.
// It is not called after Decide. Nobody known: no life goes on, and known is false.
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

// Decide says which life this node counts under, and whether that goes on. If not, the table is emptied: the disk may be an older copy, by which lives would be confirmed that have
// gone on since. Peers that run make themselves known again. Errors: those of save.
func (c *Claims) Decide(own uint64, goesOn bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !goesOn && len(c.table) > 0 {
		if err := c.save(claimsText(nil)); err != nil {
			return fmt.Errorf("forget which lives peers were started with: %w", err)
		}
		c.table = nil
	}
	c.own = own
	return nil
}

// find is where a life is in the table, or -1.
func (c *Claims) find(node uint16, life uint64) int {
	return slices.IndexFunc(c.table, func(e claim) bool { return e.node == node && e.life == life })
}

// put makes a life the newest of the table, once that is durable. The oldest lives go when there are too many.
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
		return fmt.Errorf("remember which life a peer was started with: %w", err)
	}
	c.table = table
	return nil
}
