package cluster

import (
	"errors"
	"fmt"

	"github.com/quotadb/quota-db/lives"
	"github.com/quotadb/quota-db/replica"
)

// refusal tells why there is no connection. Both sides log its text, so the text says what to do.
type refusal struct {
	code   code
	text   string
	theirs bool // the peer has sent it
}

func (r *refusal) Error() string { return r.text }

// silent reports whether no action is needed.
func (r *refusal) silent() bool {
	return r.code == refusedSelf || r.code == refusedDuplicate || r.code == refusedStarting
}

// code is the code of a refusal.
type code uint8

const (
	refusedOther code = 1 + iota
	refusedSecret
	refusedSelf
	refusedDuplicate
	refusedStarting
)

const maxRefusalText = 300 // bytes

func (r *refusal) append(dst []byte) []byte {
	return append(append(dst, byte(r.code)), r.text[:min(len(r.text), maxRefusalText)]...)
}

func parseRefusal(b []byte) (*refusal, error) {
	if len(b) < 1 || b[0] == 0 || len(b) > 1+maxRefusalText {
		return nil, errMalformed
	}
	return &refusal{code(b[0]), printable(string(b[1:])), true}, nil
}

var (
	errSecret   = &refusal{code: refusedSecret, text: "the cluster secrets differ: --cluster-secret (QUOTADB_CLUSTER_SECRET, or --cluster-secret-file) must be the same on all nodes"}
	errStarting = &refusal{code: refusedStarting, text: "the node is still starting"}
	errInsecure = &refusal{code: refusedOther, text: "without a secret nodes replicate on loopback only: set --cluster-secret (QUOTADB_CLUSTER_SECRET), or --cluster-secret-file, to the same on all nodes; or use --insecure-cluster"}
)

// explain makes a refusal of an error about a connection to a node.
func explain(err error, node uint16) *refusal {
	var r *refusal
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, lives.ErrUndecided):
		return errStarting
	case errors.Is(err, replica.ErrSelf):
		return &refusal{code: refusedSelf, text: err.Error()}
	case errors.Is(err, replica.ErrDuplicate):
		return &refusal{code: refusedDuplicate, text: err.Error()}
	case errors.Is(err, replica.ErrOwnID):
		return &refusal{code: refusedOther, text: fmt.Sprintf("two nodes have the id %d: give each node its own --node-id", node)}
	case errors.Is(err, replica.ErrTwice):
		return &refusal{code: refusedOther, text: fmt.Sprintf("two processes are node %d: stop one of them, or give each its own --node-id; if it was only started again, this ends by itself within seconds", node)}
	case errors.Is(err, replica.ErrCrowded):
		return &refusal{code: refusedOther, text: fmt.Sprintf("a node has at most %d peers: are there processes that start again and again with new ids?", replica.MaxPeers)}
	case errors.Is(err, lives.ErrStartedTwice):
		return &refusal{code: refusedOther, text: fmt.Sprintf("node %d uses the same identity as another process, perhaps from a copy of its data directory: restart it with all nodes in --peers, and stop the other process", node)}
	}
	return &refusal{code: refusedOther, text: printable(err.Error())}
}
