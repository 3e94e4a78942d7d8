package shares

import "github.com/quotadb/quota-db/quota"

// State says whether a node may use its part of quotas.
type State uint8

const (
	// Whole: there is no table, and the node has the whole of each quota: a node without peers, or a directory of an
	// earlier release until the founding.
	Whole State = iota
	// Waiting: peers are configured, and the cluster is not founded yet. Quotas cannot be used.
	Waiting
	// Withheld: the node is a member, but cannot prove that its directory is the newest that others were told of. It
	// has no tokens of its own.
	Withheld
	// InForce: the node has its part. A node that is no member has a part of nothing.
	InForce
)

// Part is a node's part of all quotas.
type Part struct {
	State State
	Table *Table // with Withheld and InForce
	Node  uint16
	// Since is the moment at which the node began to use its part without knowing what had been used before: all
	// buckets count as empty then. 0: it knows.
	Since int64
	Why   string // with Waiting and Withheld: what for
}

// Own is the rate of the node's own bucket of a quota, whether or not the node may use it now.
func (p *Part) Own(key []byte, whole quota.Rate) quota.Rate {
	if p.Table == nil {
		return whole
	}
	if rank, ok := p.Table.Rank(key, p.Node); ok {
		return whole.Share(len(p.Table.Members), rank)
	}
	return quota.Nothing
}

// IsUsable reports whether the node may take tokens from its own bucket now.
func (p *Part) IsUsable() bool { return p.State == Whole || p.State == InForce }

// Want says of which quota tokens are wanted.
type Want struct {
	Rate      quota.Rate
	Transient bool
	Register  []byte // of a permanent quota: a record of package crdt with the quota's register only
	Tokens    uint64
}
