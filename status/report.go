// Package status asks nodes how they are, through a client, and says in one report what a person wants to know of a cluster: nodes, links,
// what is wrong. It knows what INFO's fields mean; docs/cluster.md and docs/operating.md explain them.
package status

import (
	"context"
	"sync"
	"time"

	"github.com/quotadb/quota-db/remote"
)

// Report is a cluster as its nodes describe it. docs/operating.md describes its fields in JSON; lists are empty and never null.
type Report struct {
	Healthy  bool      `json:"healthy"`
	Problems []Problem `json:"problems"`
	Notes    []Problem `json:"notes"` // worth knowing, and no reason to get up at night
	Nodes    []Node    `json:"nodes"`
}

// Problem is one thing that is wrong, or worth a look.
type Problem struct {
	Node string `json:"node"` // its address; empty: it concerns the cluster
	Text string `json:"text"`
}

// Node is one node.
type Node struct {
	Address      string   `json:"address"`
	Answers      bool     `json:"answers"`
	Error        string   `json:"error,omitempty"` // why nothing more is known of it; it may answer with an error
	ID           int      `json:"node_id"`
	Version      string   `json:"version"`
	UptimeSecs   int64    `json:"uptime_seconds"`
	Cluster      string   `json:"cluster_state"` // alone, ok, degraded, off
	OffReason    string   `json:"replication_off,omitempty"`
	Digest       string   `json:"digest"`                 // of all that it stores; empty: it was not read
	DigestError  string   `json:"digest_error,omitempty"` // why it was not read
	Clients      int64    `json:"clients"`
	MaxClients   int64    `json:"max_clients"`
	OpsPerSecond int64    `json:"ops_per_second"`
	Keys         int64    `json:"keys"`
	Expires      int64    `json:"keys_with_deadline"`
	Quotas       int64    `json:"quotas"`
	Remains      int64    `json:"deleted_keys_kept"`
	UsedBytes    int64    `json:"used_bytes"`
	LimitBytes   int64    `json:"limit_bytes"` // 0: none
	RSSBytes     int64    `json:"resident_bytes"`
	Persistent   bool     `json:"persistent"` // it keeps its data on a disk
	DiskError    string   `json:"disk_error,omitempty"`
	SnapshotOK   bool     `json:"snapshot_ok"`
	Links        []Link   `json:"links"`
	Unreachable  []string `json:"unreachable"`

	code    string   // of the error that it answers with, as LOADING
	process string   // INFO's run_id: two addresses with the same one are one process
	run     string   // of its replication, as its peers have it in their links; empty: it does not replicate, or does not say
	digests []string // what it gave at each look; empty: it was not read
}

// Link is a peer as a node sees it.
type Link struct {
	Peer          int     `json:"peer"`
	Address       string  `json:"address"`
	State         string  `json:"state"` // online, syncing, offline
	BehindKeys    int64   `json:"behind_keys"`
	BehindSeconds float64 `json:"behind_seconds"`
	SilentSeconds float64 `json:"silent_seconds"`
	ComparedSecs  float64 `json:"compared_seconds"` // since the last comparison; -1: none yet
	Repairs       int64   `json:"repairs"`
	Held          int64   `json:"held"`

	run string // of the peer's replication; empty: it is not said
}

// digestPause is what lies between two looks at the digests: two that differ and stay are different contents, and not writes on their way.
const digestPause = 300 * time.Millisecond

// digestLooks is how often the digests are looked at before they are said to differ.
const digestLooks = 3

// Ask asks all nodes at once. A node that does not answer within patience is one of the problems.
func Ask(ctx context.Context, nodes []*remote.Node, patience time.Duration) *Report {
	r := &Report{Problems: []Problem{}, Notes: []Problem{}, Nodes: make([]Node, len(nodes))}
	each(nodes, func(i int, n *remote.Node) { r.Nodes[i] = describe(ctx, n, patience) })
	for look := range digestLooks {
		if look > 0 && !pause(ctx, digestPause) {
			break
		}
		each(nodes, func(i int, n *remote.Node) { r.Nodes[i].askDigest(ctx, n, patience) })
		if r.digests() != changing {
			break
		}
	}
	r.judge()
	return r
}

// each calls fn for all nodes at once and waits for the end.
func each(nodes []*remote.Node, fn func(int, *remote.Node)) {
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() { fn(i, n) })
	}
	all.Wait()
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func describe(ctx context.Context, n *remote.Node, patience time.Duration) Node {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	fields, err := n.Info(ctx)
	if err != nil {
		return failed(n.Addr(), err)
	}
	return fromInfo(n.Addr(), fields)
}

// failed is a node of which nothing is known but an error.
func failed(addr string, err error) Node {
	code, _ := remote.Reply(err)
	return Node{Address: addr, Answers: code != "", Error: remote.Explain(err), Links: []Link{}, Unreachable: []string{}, code: code}
}

func (n *Node) askDigest(ctx context.Context, from *remote.Node, patience time.Duration) {
	if !n.known() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	digest, err := from.Digest(ctx)
	n.Digest, n.DigestError = digest, ""
	if err != nil {
		n.Digest, n.DigestError = "", remote.Explain(err)
	}
	n.digests = append(n.digests, n.Digest)
}

// known reports whether the node has said how it is.
func (n *Node) known() bool { return n.Error == "" }
