package persist

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
)

// lines is a log that several goroutines write to. A line that has the text closes the channel.
type lines struct {
	mu   sync.Mutex
	text string
	seen chan struct{}
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen != nil && bytes.Contains(line, []byte(l.text)) {
		close(l.seen)
		l.seen = nil
	}
	return len(line), nil
}

// TestAStopOnADiskThatHangsSaysSoAndKeepsEverything once the disk answers.
func TestAStopOnADiskThatHangsSaysSoAndKeepsEverything(t *testing.T) {
	files := vfs.NewMemory(64)
	said := make(chan struct{})
	o := smallOptions(files, slog.New(slog.NewTextHandler(&lines{text: "the disk does not answer in time", seen: said}, nil)))
	o.Delay = time.Millisecond
	s, err := open(o)
	if err != nil {
		t.Fatal(err)
	}
	go s.flusher.follow()
	gate := make(chan struct{})
	files.SetFault(func(_ vfs.Op, _ string, size int) (int, error) {
		<-gate
		return size, nil
	})
	k := s.db.Key([]byte("key0"))
	tx := s.db.Lock(k, s.now())
	_, err = tx.Add(k, 7)
	tx.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	closed := make(chan error)
	go func() { closed <- s.Close(ctx) }()
	<-said
	close(gate)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if s, err = openSmall(files, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if got := visible(s)["key0"]; got.Type != engine.Integer || got.Int != 7 {
		t.Errorf("after the stop: %+v", got)
	}
}

// TestAStopThatIsLateOnAHealthyDiskWarnsOfNothing: clients may have used up all of the time.
func TestAStopThatIsLateOnAHealthyDiskWarnsOfNothing(t *testing.T) {
	said := make(chan struct{})
	o := smallOptions(vfs.NewMemory(64), slog.New(slog.NewTextHandler(&lines{text: "level=WARN", seen: said}, nil)))
	s, err := open(o)
	if err != nil {
		t.Fatal(err)
	}
	go s.flusher.follow()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
	select {
	case <-said:
		t.Error("it warns")
	default:
	}
}
