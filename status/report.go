// Package status reads INFO and the digest of nodes, as a client, and makes one report of the cluster: nodes, links and
// problems. docs/cluster.md and docs/operating.md explain the fields of INFO.
package status

import (
	"context"
	"sync"
	"time"

	"github.com/quotadb/quota-db/remote"
)

// Report is the state of a cluster, as its nodes describe it. docs/operating.md describes its fields in JSON. Lists may
// be empty and are never null.
type Report struct {
	Healthy  bool      `json:"healthy"`
	Problems []Problem `json:"problems"`
	Notes    []Problem `json:"notes"` // good to know; Healthy does not depend on them
	Nodes    []Node    `json:"nodes"`
}

// Problem is one problem or one note.
type Problem struct {
	Node string `json:"node"` // its address; empty: it concerns the cluster
	Text string `json:"text"`
}

// Node is one node.
type Node struct {
	Address      string   `json:"address"`
	Answers      bool     `json:"answers"`
	Error        string   `json:"error,omitempty"` // why INFO could not be read; the fields below are then 0 or empty
	ID           int      `json:"node_id"`
	Version      string   `json:"version"`
	UptimeSecs   int64    `json:"uptime_seconds"`
	Cluster      string   `json:"cluster_state"` // alone, ok, degraded, off
	OffReason    string   `json:"replication_off,omitempty"`
	Digest       string   `json:"digest"`                 // of all stored data; empty: the digest was not read
	DigestError  string   `json:"digest_error,omitempty"` // why the digest was not read
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
	Persistent   bool     `json:"persistent"` // the node keeps its data on a disk
	DiskError    string   `json:"disk_error,omitempty"`
	SnapshotOK   bool     `json:"snapshot_ok"`
	Links        []Link   `json:"links"`
	Unreachable  []string `json:"unreachable"`

	code    string   // first word of the error reply, such as LOADING; empty: no error reply
	process string   // INFO's run_id: two addresses with the same run_id are one process
	run     string   // the node's run in replication; its peers show it in their links. Empty: none, or not shown
	digests []string // the digest of each look; an empty text: it was not read
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

	run string // the peer's run in replication; empty: not shown
}

// digestPause is the time between two looks at the digests. Digests that differ, and are the same after the pause, mean
// different data; other differences may be writes that are still on their way.
const digestPause = 300 * time.Millisecond

// digestLooks is how many looks at the digests come before the report says that they differ.
const digestLooks = 3

// Ask asks all nodes at once and returns the report. A node that does not answer within patience is a problem in it.
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

// each calls fn for all nodes at once, and waits until all calls have ended.
func each(nodes []*remote.Node, fn func(int, *remote.Node)) {
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() { fn(i, n) })
	}
	all.Wait()
}

// pause waits; false if ctx has ended first.
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

// failed is a Node of which only the error is known.
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

// known reports whether INFO of the node was read.
func (n *Node) known() bool { return n.Error == "" }
