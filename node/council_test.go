package node

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/disk"
)

// couple starts two nodes that found a cluster.
func couple(t *testing.T, dirA, dirB string) (a, b *Node) {
	t.Helper()
	config := peerConfig(1, dirA, nobody)
	config.Founders, config.QuotaWait = 2, patience
	a = openNode(t, config)
	config = peerConfig(2, dirB, a.ReplicationAddr().String())
	config.Founders, config.QuotaWait = 2, patience
	b = openNode(t, config)
	for _, n := range []*Node{a, b} {
		answers(t, n, "QUOTAINCR ready 10 60 0", ":10")
	}
	return a, b
}

// tokens takes single tokens of a quota of ten at a node until it has none, and returns how many there were.
func tokens(t *testing.T, n *Node, key string) (taken int) {
	t.Helper()
	for ask(t, n, "QUOTAINCR "+key+" 10 3600") != ":-1" {
		if taken++; taken > 100 {
			t.Fatal("there is no end")
		}
	}
	return taken
}

func TestOneNodeGetsAllTokensOfACluster(t *testing.T) {
	a, b := couple(t, t.TempDir(), t.TempDir())
	defer closeNode(t, b)
	defer closeNode(t, a)
	if n := tokens(t, a, "k"); n != 10 {
		t.Errorf("one node gets %d of 10 tokens", n)
	}
	if n := tokens(t, b, "k"); n != 0 {
		t.Errorf("then the other one gets %d", n)
	}
}

// TestAMemberWithoutPeersKeepsToItsPart: the other members may be running.
func TestAMemberWithoutPeersKeepsToItsPart(t *testing.T) {
	dir := t.TempDir()
	a, b := couple(t, dir, t.TempDir())
	closeNode(t, b)
	closeNode(t, a)
	config := newConfig()
	config.NodeID, config.DataDir = 1, dir
	a = openNode(t, config)
	defer closeNode(t, a)
	if n := tokens(t, a, "k"); n != 5 {
		t.Errorf("it gives %d of 10 tokens", n)
	}
}

func TestANodeWithDamagedMembersDoesNotStart(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, disk.MembersFile), []byte("quotadb-members 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(peerConfig(1, dir, nobody), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), disk.MembersFile) {
		t.Errorf("it starts: %v", err)
	}
}
