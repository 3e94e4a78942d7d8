package shares

import (
	"log/slog"
	"math/rand/v2"
	"testing"
)

// seats are random numbers of a test.
func seats(seed uint64) func() uint64 { return rand.New(rand.NewPCG(seed, 1)).Uint64 }

// meet connects councils of the nodes 1, 2, ... with each other, and lets them talk until nothing is due.
func meet(t *testing.T, councils []*Council, now int64) {
	t.Helper()
	for i, c := range councils {
		for j := range councils {
			if i != j {
				c.Connect(uint16(j + 1))
			}
		}
	}
	talk(t, councils, now)
}

// talk delivers notices between councils that are all connected until nothing is due.
func talk(t *testing.T, councils []*Council, now int64) {
	t.Helper()
	for range 50 {
		quiet := true
		for i, c := range councils {
			quiet = !c.Tick(now, 0, nil) && quiet
			for j, peer := range councils {
				if i == j || !c.Due(uint16(j+1), now) {
					continue
				}
				quiet = false
				if err := peer.Hear(uint16(i+1), c.Notice(nil, uint16(j+1), now), now); err != nil {
					t.Fatal(err)
				}
			}
		}
		if quiet {
			return
		}
	}
	t.Fatal("they do not stop talking")
}

func newCouncil(t *testing.T, o CouncilOptions, now int64) *Council {
	t.Helper()
	if o.Random == nil {
		o.Random = seats(uint64(o.Node))
	}
	o.Log = slog.New(slog.DiscardHandler)
	c, err := NewCouncil(o, now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNodesThatHaveAllMetFoundTheCluster(t *testing.T) {
	var councils []*Council
	for node := range uint16(3) {
		c := newCouncil(t, CouncilOptions{Node: node + 1, Fresh: true}, 0)
		c.Tick(0, 0, []string{"10.0.0.3:6380"})
		if p := c.Part(); p.State != Waiting || p.Why != "10.0.0.3:6380" {
			t.Errorf("node %d: %v", node+1, p)
		}
		councils = append(councils, c)
	}
	meet(t, councils, 1)
	sum := uint64(0)
	for i, c := range councils {
		p := c.Part()
		if p.State != InForce || p.Since != 0 || len(p.Table.Members) != 3 || !p.Table.equal(councils[0].table) {
			t.Errorf("node %d: %+v", i+1, p)
		}
		if rank, ok := p.Table.Rank([]byte("key"), p.Node); ok {
			sum += 1 << rank
		}
	}
	if sum != 7 {
		t.Errorf("ranks %b", sum)
	}
}
