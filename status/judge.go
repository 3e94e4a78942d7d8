package status

import (
	"fmt"
	"slices"
)

// Bounds above which a figure is a problem or a note.
const (
	maxSilentSeconds = 1.0 // above it a peer stalls: see docs/cluster.md
	maxBehindSeconds = 5.0
	fullShare        = 0.95 // of maxmemory or maxclients
	manyRemains      = 1_000_000
)

// judge fills in Problems, Notes and Healthy.
func (r *Report) judge() {
	for i := range r.Nodes {
		r.judgeNode(&r.Nodes[i])
	}
	r.judgeIDs()
	r.judgeStrangers()
	r.judgeDigests()
	r.Healthy = len(r.Problems) == 0
}

func (r *Report) problem(n *Node, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{n.Address, fmt.Sprintf(format, args...)})
}

func (r *Report) note(n *Node, format string, args ...any) {
	r.Notes = append(r.Notes, Problem{n.Address, fmt.Sprintf(format, args...)})
}

func (r *Report) judgeNode(n *Node) {
	if n.Error != "" {
		r.problem(n, "%s", n.Error)
		return
	}
	if n.DiskError != "" {
		r.problem(n, "the disk fails, so writes are refused: %s", n.DiskError)
	}
	if !n.SnapshotOK {
		r.problem(n, "the last snapshot failed: look at the free space of the disk, and at the log of the node")
	}
	if n.LimitBytes > 0 && float64(n.UsedBytes) > fullShare*float64(n.LimitBytes) {
		r.problem(n, "%s of memory are used, of --maxmemory %s: when it is full, writes are refused", size(n.UsedBytes), size(n.LimitBytes))
	}
	if n.MaxClients > 0 && float64(n.Clients) > fullShare*float64(n.MaxClients) {
		r.problem(n, "%d clients are connected, of at most %d: more clients will be refused", n.Clients, n.MaxClients)
	}
	if !n.Persistent {
		r.note(n, "the node keeps its data in memory only")
	}
	if n.Remains > manyRemains {
		r.note(n, "%d deleted keys are kept: merging with peers needs them", n.Remains)
	}
	r.judgeLinks(n)
}

func (r *Report) judgeLinks(n *Node) {
	if n.Cluster == "off" {
		r.problem(n, "the node does not replicate: %s", n.OffReason)
	}
	for _, u := range n.Unreachable {
		r.problem(n, "a peer cannot be reached: %s", u)
	}
	for _, l := range n.Links {
		switch {
		case l.State == "offline":
			r.problem(n, "node %d is offline", l.Peer)
		case l.State == "syncing":
			r.note(n, "node %d is connected, and its data is not compared yet", l.Peer)
		case l.SilentSeconds > maxSilentSeconds:
			r.problem(n, "node %d has been silent for %.1f s", l.Peer, l.SilentSeconds)
		case l.BehindSeconds > maxBehindSeconds:
			r.problem(n, "node %d is %.1f s behind, %d keys", l.Peer, l.BehindSeconds, l.BehindKeys)
		}
		if l.Held > 0 {
			r.problem(n, "the clock of node %d is far ahead: %d values are held back", l.Peer, l.Held)
		}
	}
	if n.Cluster == "degraded" && !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Node == n.Address }) {
		r.problem(n, "a peer of --peers, or a peer of earlier runs, is offline")
	}
}
