package node

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/engine"
)

// patience is how long a test waits for something that must happen soon.
const patience = 20 * time.Second

// newConfig is the default configuration on a free port.
func newConfig() *config.Config {
	cfg := config.Default()
	cfg.Bind = []string{"127.0.0.1:0"}
	cfg.DataDir = ""
	return cfg
}

func openNode(t *testing.T, cfg *config.Config) *Node {
	t.Helper()
	n, err := Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func closeNode(t *testing.T, n *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.Close(ctx); err != nil {
		t.Error(err)
	}
}

// ask sends one inline command to the node and returns the first line of the reply.
func ask(t *testing.T, n *Node, command string) string {
	t.Helper()
	conn, err := net.Dial("tcp", n.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestNodeCountsAndStartsAgainOnItsPort(t *testing.T) {
	cfg := newConfig()
	for range 3 {
		n := openNode(t, cfg)
		cfg.Bind = []string{n.Addrs()[0].String()}
		for _, want := range []string{":1", ":2"} {
			if got := ask(t, n, "INCR k"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		closeNode(t, n)
	}
}

func TestShutdownCommandAsksForTheEnd(t *testing.T) {
	n := openNode(t, newConfig())
	select {
	case <-n.Stopping():
		t.Fatal("stops before it was asked to")
	default:
	}
	if got := ask(t, n, "SHUTDOWN"); got != "" {
		t.Errorf("got %q", got)
	}
	select {
	case <-n.Stopping():
	case <-time.After(patience):
		t.Error("does not ask for the end")
	}
	closeNode(t, n)
}

func TestOpenThatFailsGivesEverythingBack(t *testing.T) {
	first := openNode(t, newConfig())
	defer closeNode(t, first)
	cfg := newConfig()
	cfg.Bind = append(cfg.Bind, first.Addrs()[0].String())
	if n, err := Open(cfg, slog.New(slog.DiscardHandler)); err == nil {
		closeNode(t, n)
		t.Error("two nodes on one port")
	}
	cfg = newConfig()
	cfg.PprofBind = first.Addrs()[0].String()
	if n, err := Open(cfg, slog.New(slog.DiscardHandler)); err == nil {
		closeNode(t, n)
		t.Error("profiles on a port in use")
	}
}

func TestProfilesAreServedWhenAskedFor(t *testing.T) {
	cfg := newConfig()
	cfg.PprofBind = "127.0.0.1:0"
	n := openNode(t, cfg)
	defer closeNode(t, n)
	response, err := http.Get("http://" + n.profiles.listener.Addr().String() + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(text), "goroutine profile") {
		t.Errorf("got %.100q, %v", text, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestSweeperDeletesWhatIsDueAndNothingElse(t *testing.T) {
	db, err := engine.Open(engine.Options{Shards: 4, Node: 1, HashKey: [2]uint64{1, 2}, TickMillis: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const start, keys = int64(1_700_000_000_000), 10_000
	for i := range keys {
		key := db.Key([]byte{byte(i), byte(i >> 8)})
		tx := db.Lock(key, engine.Moment{Wall: start})
		tx.Set(key, engine.Value{Type: engine.Integer, Deadline: start + 1000 + int64(i%2)*100_000}, false)
		tx.Unlock()
	}
	now, rounds := start, 0
	s := &sweeper{db: db, now: func() engine.Moment { return engine.Moment{Wall: now} }, tick: time.Second, observe: func(time.Duration) { rounds++ }}
	s.sweep()
	if got := db.All(engine.Moment{Wall: now}).Len(); got != keys {
		t.Fatalf("%d keys before any is due", got)
	}
	now += 2000
	for tries := 0; db.All(engine.Moment{Wall: now}).Len() > keys/2 && tries < 100; tries++ {
		s.sweep()
	}
	if got := db.All(engine.Moment{Wall: now}).Len(); got != keys/2 {
		t.Errorf("%d keys are left, want %d", got, keys/2)
	}
	if rounds < 2 {
		t.Errorf("%d rounds were observed", rounds)
	}
}
