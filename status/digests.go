package status

import (
	"fmt"
	"slices"
	"strings"
)

// agreement is what the digests of the nodes say together.
type agreement int

const (
	equal     agreement = iota // at one look, all nodes gave the same one; or there is one node
	unread                     // at one node at least, it was not read: nothing is known of equality
	changing                   // they differ, and at one node at least it changes from look to look, or there were too few looks
	different                  // they differ, and did not change
)

// digests compares what all nodes have given.
func (r *Report) digests() agreement {
	found := equal
	var first *Node
	settled := true
	for i := range r.Nodes {
		n := &r.Nodes[i]
		if !n.known() {
			continue
		}
		if len(n.digests) < digestLooks || len(slices.Compact(slices.Clone(n.digests))) > 1 {
			settled = false
		}
		switch {
		case n.Digest == "":
			return unread
		case first == nil:
			first = n
		case n.Digest != first.Digest:
			found = changing
		}
	}
	if found == changing && settled {
		return different
	}
	return found
}

// judgeDigests: contents that differ while no node changes are a problem; under writes they always differ a little. A digest that was not read is never
// taken for equal to another.
func (r *Report) judgeDigests() {
	var known []*Node
	for i := range r.Nodes {
		if n := &r.Nodes[i]; n.known() {
			known = append(known, n)
		}
	}
	switch r.digests() {
	case unread:
		for _, n := range known {
			switch {
			case n.Digest != "":
			case len(known) == 1:
				r.note(n, "its digest was not read: %s", orUnasked(n.DigestError))
			default:
				r.problem(n, "its digest was not read, so nobody knows whether it stores the same as the others: %s", orUnasked(n.DigestError))
			}
		}
	case changing:
		r.Notes = append(r.Notes, Problem{"", "the contents of the nodes change while they are compared: differences are normal under writes"})
	case different:
		var who []string
		for _, n := range known {
			who = append(who, fmt.Sprintf("node %d has %s", n.ID, n.Digest))
		}
		r.Problems = append(r.Problems, Problem{"", "the nodes store different things, and none of them changes: " + strings.Join(who, ", ")})
	}
}

func orUnasked(why string) string {
	if why == "" {
		return "it was not asked"
	}
	return why
}
