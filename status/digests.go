package status

import (
	"fmt"
	"slices"
	"strings"
)

// agreement is the result of comparing the digests of the nodes.
type agreement int

const (
	equal  agreement = iota // in one look all nodes had the same digest; or there is one node
	unread                  // the digest of at least one node was not read, so nothing is known
	// changing: digests differ, and the digest of at least one node changes from look to look, or there were too few
	// looks.
	changing
	different // digests differ, and no digest changes
)

// digests compares the digests of all nodes.
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

// judgeDigests reports nodes whose digests differ while no digest changes. During writes, digests always differ a
// little. A digest that was not read never counts as equal to another one.
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
				r.note(n, "the digest was not read: %s", orUnasked(n.DigestError))
			default:
				r.problem(n, "the digest was not read, so it is unknown whether this node stores the same as the others: %s", orUnasked(n.DigestError))
			}
		}
	case changing:
		r.Notes = append(r.Notes, Problem{"", "the data of the nodes changes while it is compared: differences are normal during writes"})
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
		return "the node was not asked"
	}
	return why
}
