package crdt

import (
	"flag"
	"fmt"
	"slices"
	"testing"
)

// The search tries every history within its bounds: every order of commands, ticks, sweeps, drops and deliveries of any
// state that any node ever had. After each step a copy of the cluster exchanges everything, and the laws are checked on
// it.

var deep = flag.Bool("deep", false, "search longer histories, for some minutes, and for planted bugs")

// menu is the set of steps that a search may do.
type menu struct {
	name     string
	offsets  []int64 // offset of each node's clock, ms
	commands []step  // commands, each possible on every node
	writes   int     // most commands in a history
	ticks    int
	gives    int
	drops    int
	length   int // most steps in a history
}

var limiter = []step{{what: "inc"}, {what: "expire", arg: 2}}

// menus are the scopes of the searches; deep adds more of everything.
var menus = []menu{
	{"limiter", []int64{0, 0}, limiter, 5, 2, 3, 1, 8},
	{"limiter, skewed clocks", []int64{0, -1}, limiter, 5, 3, 2, 1, 8},
	{"limiter, three nodes", []int64{0, 0, 0}, limiter, 4, 1, 3, 1, 7},
	{"cut short, persist", []int64{0, 0}, append([]step{{what: "expire", arg: 5}, {what: "persist"}}, limiter...), 5, 1, 3, 0, 8},
	{"sets", []int64{0, 0}, []step{{what: "inc"}, {what: "setex", arg: 2}, {what: "setkeep"}, {what: "set"}, {what: "del"}}, 4, 1, 3, 1, 7},
	{"sets, skewed clocks", []int64{0, -1}, []step{{what: "inc"}, {what: "setex", arg: 2}, {what: "setkeep"}, {what: "set"}}, 3, 2, 2, 0, 7},
}

type search struct {
	menu
	seen   map[uint64]bool // states, each with the steps that are still allowed
	buffer []byte
	states int
	law    string
}

// budget is what a history may still contain.
type budget struct{ writes, ticks, gives, drops, length int }

// searchAll tries every history of a menu. It returns the first law broken, and the history.
func searchAll(r rules, u menu) (law string, states int) {
	s := &search{menu: u, seen: map[uint64]bool{}}
	s.from(newModel(r, u.offsets...), budget{u.writes, u.ticks, u.gives, u.drops, u.length}, nil)
	return s.law, s.states
}

func (s *search) from(m *model, left budget, so []step) {
	if left.length == 0 || s.law != "" {
		return
	}
	left.length--
	if left.ticks > 0 && len(so) > 0 {
		for _, by := range []int{1, 2} {
			rest := left
			rest.ticks--
			s.try(m, step{what: "tick", arg: by}, rest, so)
		}
	}
	for node := range m.nodes {
		if left.writes > 0 && (len(so) > 0 || node == 0) {
			rest := left
			rest.writes--
			for _, c := range s.commands {
				c.node = node
				s.try(m, c, rest, so)
			}
		}
		if left.drops > 0 {
			rest := left
			rest.drops--
			s.try(m, step{what: "drop", node: node}, rest, so)
		}
		if left.gives == 0 {
			continue
		}
		rest := left
		rest.gives--
		for from := range m.nodes {
			for version := range m.nodes[from].versions {
				if from != node {
					s.try(m, step{what: "give", node: node, from: from, arg: version}, rest, so)
				}
			}
		}
	}
}

func (s *search) try(m *model, next step, left budget, so []step) {
	if s.law != "" {
		return
	}
	c := m.clone()
	if !c.do(next) {
		return
	}
	so = append(slices.Clip(so), next)
	s.buffer = appendInts(s.buffer[:0], int64(left.writes), int64(left.ticks), int64(left.gives), int64(left.drops), int64(left.length))
	key := c.hash(s.buffer)
	if s.seen[key] {
		return
	}
	s.seen[key] = true
	s.states++
	if law := c.broken(); law != "" {
		s.law = fmt.Sprintf("%s after\n%s", law, history(so))
		return
	}
	s.from(c, left, so)
}

func TestNoHistoryWithinBoundsBreaksALaw(t *testing.T) {
	for _, u := range menus {
		switch {
		case testing.Short():
			u.length -= 2
		case *deep:
			u.writes, u.ticks, u.gives, u.length = u.writes+1, u.ticks+1, u.gives+1, u.length+1
		}
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			law, states := searchAll(ourRules(), u)
			if law != "" {
				t.Fatal(law)
			}
			t.Logf("%d states", states)
		})
	}
}

// TestTheSearchFindsPlantedBugs shows that the bounds of the search are not too narrow.
func TestTheSearchFindsPlantedBugs(t *testing.T) {
	if !*deep {
		t.Skip("takes a minute: make model")
	}
	for _, p := range planted {
		if p.byHand {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			bad := ourRules()
			p.plant(&bad)
			for _, u := range menus {
				if law, _ := searchAll(bad, u); law != "" {
					return
				}
			}
			t.Error("not found")
		})
	}
}
