package cluster

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/lives"
	"github.com/quotadb/quota-db/replica"
)

// patience is how long a test waits for something that must happen soon.
const patience = 20 * time.Second

// eventually waits until a condition is true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// logLines collects log output.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logLines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// testNode is a node of a test: an engine and its connections.
type testNode struct {
	*Cluster
	t      *testing.T
	id     uint16
	life   uint64
	db     *engine.DB
	log    *logLines
	claims *lives.Claims
	closed sync.Once
}

// Close closes it once.
func (n *testNode) Close() (err error) {
	n.closed.Do(func() { err = n.Cluster.Close() })
	return err
}

func testNow() engine.Moment {
	t := time.Now()
	return engine.Moment{Wall: t.UnixMilli(), Mono: t.UnixNano()}
}

// listen makes a node that has not started yet. change may change its options.
func listen(t *testing.T, id uint16, change func(*Options)) *testNode {
	t.Helper()
	n := &testNode{t: t, id: id, life: rand.Uint64(), log: &logLines{}}
	o := Options{Node: id, Run: rand.Uint64(), Address: "127.0.0.1:0", Secret: []byte("secret"), Log: slog.New(slog.NewTextHandler(n.log, nil))}
	if change != nil {
		change(&o)
	}
	var err error
	if n.db, err = engine.Open(engine.Options{Shards: 2, Node: id, HashKey: HashKey(o.Secret), Life: n.life, Replicated: true, MaxBytes: 1 << 24}); err != nil {
		t.Fatal(err)
	}
	if n.Cluster, err = Listen(o); err != nil {
		t.Fatal(err)
	}
	if n.claims, err = lives.NewClaims(nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := n.claims.Decide(n.life, true); err != nil {
		t.Fatal(err)
	}
	n.Answer(n.claims)
	t.Cleanup(func() {
		_ = n.Close()
		_ = n.db.Close()
		if t.Failed() {
			t.Logf("node %d:\n%s", id, n.log)
		}
	})
	return n
}

// begin starts replication.
func (n *testNode) begin() *testNode { return n.beginEvery(time.Millisecond) }

// beginEvery is begin with a batch delay.
func (n *testNode) beginEvery(delay time.Duration) *testNode {
	n.Start(Stepping{
		Machine: replica.New(replica.Options{
			Node: n.id, Run: n.o.Run, Life: n.life, Address: n.Addr().String(), DB: n.db, BatchSize: 100, Interval: time.Second, Log: n.o.Log,
		}),
		Now: testNow, Tick: delay, Refresh: n.db.RefreshDigests,
	})
	return n
}

func open(t *testing.T, id uint16, peers ...*testNode) *testNode {
	t.Helper()
	return listen(t, id, func(o *Options) { o.Peers = addresses(peers) }).begin()
}

func addresses(nodes []*testNode) (list []string) {
	for _, n := range nodes {
		list = append(list, n.Addr().String())
	}
	return list
}

func (n *testNode) add(name string, delta int64) {
	k := n.db.Key([]byte(name))
	tx := n.db.Lock(k, testNow())
	defer tx.Unlock()
	if _, err := tx.Add(k, delta); err != nil {
		n.t.Error(err)
	}
}

func (n *testNode) value(name string) int64 {
	k := n.db.Key([]byte(name))
	tx := n.db.Lock(k, testNow())
	defer tx.Unlock()
	return tx.Get(k).Int
}

// has waits until a key has a value.
func (n *testNode) has(name string, want int64) {
	n.t.Helper()
	eventually(n.t, name+" arrives", func() bool { return n.value(name) == want })
}

// connected is the number of connected peers.
func (n *testNode) connected() int {
	count := 0
	for _, p := range n.Status().Peers {
		if p.State != replica.Offline {
			count++
		}
	}
	return count
}

func (n *testNode) meets(peers int) {
	n.t.Helper()
	eventually(n.t, "peers are connected", func() bool { return n.connected() == peers })
}

// logs waits for a line of the log.
func (n *testNode) logs(part string) {
	n.t.Helper()
	eventually(n.t, "the log says "+part, func() bool { return n.log.count(part) > 0 })
}

// dialRaw connects with a node without a handshake.
func dialRaw(t *testing.T, n *testNode) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
