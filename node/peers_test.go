package node

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/disk"
)

// nobody is an address without a process.
const nobody = "127.0.0.1:1"

// peerConfig is the configuration of a node of a cluster that keeps its data in dir.
func peerConfig(id int, dir string, peers ...string) *config.Config {
	cfg := newConfig()
	cfg.NodeID, cfg.DataDir, cfg.Peers, cfg.ReplicationPort = id, dir, peers, 0
	cfg.AntiEntropyInterval = 100 * time.Millisecond
	cfg.ClusterSecret = "secret"
	return cfg
}

// answers waits until a command has a given reply.
func answers(t *testing.T, n *Node, command, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if got = ask(t, n, command); got == want {
			return
		}
	}
	t.Fatalf("%s: %q, not %q within %v", command, got, want, patience)
}

func lifeOf(n *Node) uint64 { return n.db.Writers(0)[0].Life }

func TestNodesReplicateWhatClientsWrite(t *testing.T) {
	a := openNode(t, peerConfig(1, "", nobody))
	defer closeNode(t, a)
	b := openNode(t, peerConfig(2, t.TempDir(), a.ReplicationAddr().String()))
	defer closeNode(t, b)
	c := openNode(t, peerConfig(3, t.TempDir(), a.ReplicationAddr().String(), b.ReplicationAddr().String()))
	defer closeNode(t, c)
	for i, n := range []*Node{a, b, c} {
		ask(t, n, "INCRBY k "+strings.Repeat("1", i+1))
	}
	for _, n := range []*Node{a, b, c} {
		answers(t, n, "INCRBY k 0", ":123")
		if got := ask(t, n, "CLUSTER INFO"); !strings.HasPrefix(got, "$") {
			t.Errorf("CLUSTER INFO answers %q", got)
		}
	}
}

func TestALifeGoesOnThatItsPeersKnow(t *testing.T) {
	dirA, dirB, copied, backup := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	a := openNode(t, peerConfig(1, dirA, nobody))
	peer := a.ReplicationAddr().String()
	start := func(dir string) *Node { return openNode(t, peerConfig(2, dir, peer)) }
	total := 0
	count := func(b *Node) {
		t.Helper()
		ask(t, b, "INCR k")
		total++
		answers(t, a, "INCRBY k 0", ":"+string(rune('0'+total)))
	}
	b := start(dirB)
	life := lifeOf(b)
	count(b)
	closeNode(t, b)
	copyDir(t, dirB, backup)
	for range 2 {
		b = start(dirB)
		if lifeOf(b) != life {
			t.Error("a new life after a clean stop")
		}
		count(b)
		closeNode(t, b)
	}
	copyDir(t, dirB, copied)
	b = start(dirB)
	if lifeOf(b) != life {
		t.Error("a new life after a clean stop")
	}
	count(b)
	closeNode(t, b)
	for what, dir := range map[string]string{"a copy": copied, "a backup": backup, "a wiped disk": t.TempDir()} {
		b = start(dir)
		if lifeOf(b) == life {
			t.Errorf("%s goes on with the life", what)
		}
		count(b)
		closeNode(t, b)
	}
	cfg := peerConfig(1, dirA, nobody)
	cfg.ReplicationPort = a.ReplicationAddr().(*net.TCPAddr).Port
	closeNode(t, a)
	b = start(dirB)
	if lifeOf(b) == life {
		t.Error("a life goes on though its peer is away")
	}
	a = openNode(t, cfg)
	count(b)
	closeNode(t, b)
	closeNode(t, a)
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func TestTheClusterSecretIsReadFromAFileAndNotShown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from-a-file\nmore"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	cfg := peerConfig(1, "", nobody)
	cfg.ClusterSecret, cfg.ClusterSecretFile = "", file
	n, err := Open(cfg, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if string(n.peers.secret) != "from-a-file" {
		t.Errorf("read %q", n.peers.secret)
	}
	if got := ask(t, n, "CONFIG GET *secret*"); got != "*0" {
		t.Errorf("CONFIG GET answers %q", got)
	}
	closeNode(t, n)
	if strings.Contains(log.String(), "from-a-file") {
		t.Error("it is logged")
	}
	cfg.ClusterSecretFile = file + "2"
	if _, err := Open(cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "--cluster-secret-file") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsKnownOfPeersIsNotReadIfDamaged(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, disk.PeersFile), []byte("quotadb-peers 1\n2 1 1\ncrc 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(peerConfig(1, dir, nobody), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), disk.PeersFile) {
		t.Errorf("got %v", err)
	}
}

func TestReplicationNeedsAPortOfItsOwn(t *testing.T) {
	a := openNode(t, peerConfig(1, "", nobody))
	defer closeNode(t, a)
	cfg := peerConfig(2, "", nobody)
	cfg.ReplicationPort = a.ReplicationAddr().(*net.TCPAddr).Port
	if _, err := Open(cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "--replication-port") {
		t.Errorf("got %v", err)
	}
	plain := openNode(t, newConfig())
	defer closeNode(t, plain)
	if plain.ReplicationAddr() != nil {
		t.Error("a node of its own has a replication port")
	}
}
