package server

import (
	"context"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/persist"
)

// badDisk is a simulated disk that can hang or fail.
type badDisk struct{ *vfs.Memory }

func newDisk() *badDisk { return &badDisk{vfs.NewMemory(4096)} }

// begin makes one kind of operation hang until the gate opens, and then fail with err, if it is not nil.
func (d *badDisk) begin(op vfs.Op, err error, gate chan struct{}) {
	d.SetFault(func(o vfs.Op, _ string, size int) (int, error) {
		if o == op {
			<-gate
			return 0, err
		}
		return size, nil
	})
}

// startDurable runs a server that keeps its data on a simulated disk.
func startDurable(t *testing.T, files vfs.FS, level persist.Durability) *Server {
	t.Helper()
	return startDurableWith(t, files, level, func(*config.Config) {})
}

func startDurableWith(t *testing.T, files vfs.FS, level persist.Durability, change func(*config.Config)) *Server {
	t.Helper()
	dir, err := disk.Open(files, "/data")
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Bind = []string{"127.0.0.1:0"}
	change(cfg)
	started, clock := time.Now(), dir.Identity().Clock
	store, err := persist.Open(dir, persist.Options{
		Engine:     engine.Options{Shards: 4, HashKey: [2]uint64{1, 2}, MaxBytes: 1 << 24},
		Identity:   disk.Identity{Node: 1, Life: 1, Clustered: len(cfg.Peers) > 0},
		Durability: level, Delay: time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Now: func() engine.Moment {
			return engine.Moment{Wall: max(clock.Wall, time.Now().UnixMilli()), Mono: clock.Age + int64(time.Since(started))}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	commands := command.NewServer(cfg, store.DB(), store.Now, slog.New(slog.DiscardHandler), func() {})
	commands.Store = store
	s := New(cfg, commands, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = store.Close(ctx)
	})
	serve(t, s)
	return s
}

func TestAReplyWaitsForTheSyncAndNobodyElseDoes(t *testing.T) {
	for _, c := range []struct {
		level   persist.Durability
		command string
		reply   string
		before  string // sent while the disk works
	}{
		{persist.Always, "INCR k", ":1\r\n", ""},
		{persist.Always, "MULTI\r\nINCR k\r\nINCR k\r\nEXEC", "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:2\r\n", ""},
		{persist.Always, "FLUSHALL", "+OK\r\n", ""},
		{persist.Interval, "WAITAOF 1 0 0", "*2\r\n:1\r\n:0\r\n", ""},
		{persist.Interval, "QUOTASET q 4 60", "+OK\r\n", ""},
		{persist.None, "INCRBY q 90", ":10\r\n", "QUOTASET q 100 3600"}, // more tokens than the reserve
		{persist.None, "CL.THROTTLE user 5 10 60", "*5\r\n:0\r\n:6\r\n:5\r\n:-1\r\n:6\r\n", ""},
	} {
		t.Run(c.command, func(t *testing.T) {
			d := newDisk()
			s := startDurable(t, d, c.level)
			writer, reader := dial(t, s), dial(t, s)
			if c.before != "" {
				writer.send(c.before + "\r\n")
				writer.expect("+OK\r\n")
			}
			gate := make(chan struct{})
			d.begin(vfs.OpSync, nil, gate)
			writer.send(c.command + "\r\nECHO after\r\n")
			reader.send("PING\r\nGET other\r\n") // perhaps in the same loop
			reader.expect("+PONG\r\n$-1\r\n")
			writer.expectNothing()
			close(gate)
			writer.expect(c.reply + "$5\r\nafter\r\n")
		})
	}
}

func TestPlainWritesDoNotWaitForSyncs(t *testing.T) {
	d := newDisk()
	s := startDurable(t, d, persist.Interval)
	gate := make(chan struct{})
	d.begin(vfs.OpSync, nil, gate)
	defer close(gate)
	c := dial(t, s)
	c.send("INCR k\r\nSET a b\r\nDEL a\r\n")
	c.expect(":1\r\n+OK\r\n:1\r\n")
}

// TestAFailingDiskHasWritesRefused: reads and PING still work, a client that waits for a sync is disconnected without a
// reply, and writes work again when the disk does.
func TestAFailingDiskHasWritesRefused(t *testing.T) {
	for _, op := range []vfs.Op{vfs.OpWrite, vfs.OpSync} {
		t.Run(string(op), func(t *testing.T) {
			d := newDisk()
			s := startDurable(t, d, persist.Always)
			c := dial(t, s)
			c.send("SET a 1\r\n")
			c.expect("+OK\r\n")
			open := make(chan struct{})
			close(open)
			d.begin(op, syscall.ENOSPC, open)
			loser := dial(t, s)
			loser.send("INCR lost\r\n")
			loser.expectEnd()
			c.send("GET a\r\nPING\r\n")
			c.expect("$1\r\n1\r\n+PONG\r\n")
			for _, write := range []string{"INCR a", "DEL a", "FLUSHALL"} {
				c.send(write + "\r\n")
				if got := c.lines(1)[0]; !strings.HasPrefix(got, "-MISCONF ") || !strings.Contains(got, "no space left") {
					t.Errorf("%s: %q", write, got)
				}
			}
			c.send("MULTI\r\n")
			c.expect("+OK\r\n")
			c.send("INCR a\r\nEXEC\r\n")
			if got := c.lines(1)[0] + c.lines(1)[0]; !strings.HasPrefix(got, "-MISCONF ") || !strings.Contains(got, "-EXECABORT ") {
				t.Errorf("in a transaction: %q", got)
			}
			patient := dial(t, s)
			patient.send("WAITAOF 1 0 0\r\n")
			patient.expectNothing()
			d.SetFault(nil)
			patient.expect("*2\r\n:1\r\n:0\r\n")
			deadline := time.Now().Add(patience)
			for c.send("INCR a\r\n"); ; c.send("INCR a\r\n") {
				got := c.lines(1)[0]
				if got == ":2" {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("the disk works, and a write is answered %q", got)
				}
				time.Sleep(pollInterval)
			}
		})
	}
}

func TestEverySAVEIsAnsweredOnceItsSnapshotIsSafe(t *testing.T) {
	d := newDisk()
	s := startDurable(t, d, persist.Interval)
	gate := make(chan struct{})
	d.begin(vfs.OpCreate, nil, gate)
	var clients []*client
	for range 5 {
		c := dial(t, s)
		c.send("SAVE\r\n")
		c.expectNothing()
		clients = append(clients, c)
	}
	other := dial(t, s)
	other.send("PING\r\n")
	other.expect("+PONG\r\n")
	close(gate)
	for _, c := range clients {
		c.expect("+OK\r\n")
	}
}

func TestAFailedSnapshotIsToldAndWritesGoOn(t *testing.T) {
	d := newDisk()
	s := startDurable(t, d, persist.Interval)
	open := make(chan struct{})
	close(open)
	d.begin(vfs.OpCreate, syscall.ENOSPC, open)
	c := dial(t, s)
	c.send("SAVE\r\n")
	if got := c.lines(1)[0]; !strings.HasPrefix(got, "-ERR ") || !strings.Contains(got, "no space left") {
		t.Errorf("SAVE: %q", got)
	}
	c.send("INCR a\r\nWAITAOF 1 0 0\r\n")
	c.expect(":1\r\n*2\r\n:1\r\n:0\r\n")
	d.SetFault(nil)
	c.send("SAVE\r\n")
	c.expect("+OK\r\n")
}

// pollInterval is the time between two looks for something that must happen soon.
const pollInterval = 5 * time.Millisecond
