package status

import (
	"fmt"
	"strings"
)

// maxNamed is how many nodes one sentence names.
const maxNamed = 5

// judgeIDs looks for two nodes with the same id. One process that was asked at two addresses is no problem.
func (r *Report) judgeIDs() {
	for i := range r.Nodes {
		for j := range i {
			a, b := &r.Nodes[j], &r.Nodes[i]
			switch {
			case !a.known() || !b.known() || a.ID != b.ID:
			case a.isProcess(b):
				r.note(b, "this is the same node as %s, asked at another address", a.Address)
			default:
				r.problem(b, "the node has the node id %d, as %s has: give each node a --node-id of its own, or ask the nodes of one cluster at a time", b.ID, a.Address)
			}
		}
	}
}

func (n *Node) isProcess(other *Node) bool { return n.process != "" && n.process == other.process }

// judgeStrangers looks for nodes that do not replicate with each other. It recognizes nodes by their ids and by the
// runs that they have told their peers. It does not compare addresses, because peers may use other addresses.
func (r *Report) judgeStrangers() {
	for i := range r.Nodes {
		a := &r.Nodes[i]
		var names, others []string
		for j := range r.Nodes[:i] {
			b := &r.Nodes[j]
			if !a.known() || !b.known() || a.ID == b.ID { // judgeIDs reports that
				continue
			}
			switch {
			case a.linked(b) || b.linked(a):
			case a.lists(b.ID) || b.lists(a.ID):
				others = append(others, b.name())
			default:
				names = append(names, b.name())
			}
		}
		if len(names) > 0 {
			r.problem(a, "node %d has no link with %s, so they do not replicate with each other: list each in --peers of the other, or ask the nodes "+
				"of one cluster at a time", a.ID, list(names))
		}
		if len(others) > 0 {
			r.problem(a, "node %d replicates with another process of the same id than %s: these nodes belong to different clusters, or one of them has just "+
				"been started again", a.ID, list(others))
		}
	}
}

// linked reports whether the node replicates with the process other. A link that is offline counts too: judgeLinks
// reports it, and its run may be an earlier run of other.
func (n *Node) linked(other *Node) bool {
	for _, l := range n.Links {
		if l.Peer == other.ID && (l.State == "offline" || l.run == "" || other.run == "" || l.run == other.run) {
			return true
		}
	}
	return false
}

// lists reports whether the node has a peer with this id.
func (n *Node) lists(id int) bool {
	for _, l := range n.Links {
		if l.Peer == id {
			return true
		}
	}
	return false
}

func (n *Node) name() string { return fmt.Sprintf("node %d (%s)", n.ID, n.Address) }

func list(names []string) string {
	if more := len(names) - maxNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), more)
	}
	return strings.Join(names, ", ")
}
