package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
)

const patience = 20 * time.Second

// until waits until a condition is true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not after %v: %s", patience, what)
		}
	}
}

func TestALogThatNobodyReadsBlocksNobodyAndCountsWhatIsLost(t *testing.T) {
	r, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w := NewWriter(out)
	log := New(w, slog.LevelInfo, config.LogText)
	const lines = 40_000 // some 3 MB: more than the pipe and the queue take
	for i := range lines {
		log.Info("a line that is as long as lines of a log mostly are", "i", i)
	}
	if Dropped(log) == 0 {
		t.Fatal("nothing is counted as lost, though nobody reads")
	}
	var got bytes.Buffer
	read := make(chan error)
	go func() {
		_, err := io.Copy(&got, r)
		read <- err
	}()
	until(t, "the queue has room again", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.queued == 0
	})
	log.Info("the last line")
	w.Close(patience)
	_ = out.Close()
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	text := got.String()
	if n := strings.Count(text, "as long as") + int(Dropped(log)); n != lines {
		t.Errorf("%d lines written or counted as lost, want %d", n, lines)
	}
	if want := "lines=" + strconv.FormatUint(Dropped(log), 10); !strings.Contains(text, want) || !strings.Contains(text, "the last line") {
		t.Errorf("the log does not say %q and go on: ...%s", want, text[max(0, len(text)-400):])
	}
}

func TestAWriterThatIsBlockedIsGivenUpAfterItsTime(t *testing.T) {
	_, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w := NewWriter(out)
	_, _ = w.Write(make([]byte, maxQueued)) // more than a pipe holds
	began := time.Now()
	w.Close(50 * time.Millisecond)
	if took := time.Since(began); took > patience {
		t.Errorf("Close took %v", took)
	}
	_ = out.Close()
}

// failing refuses writes while the test says so.
type failing struct {
	mu    sync.Mutex
	fails bool
	buf   bytes.Buffer
}

func (f *failing) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails {
		return 0, errors.New("no room")
	}
	return f.buf.Write(p)
}

func TestLinesThatTheSystemRefusesAreCountedAndToldLater(t *testing.T) {
	out := &failing{fails: true}
	w := NewWriter(out)
	log := New(w, slog.LevelInfo, config.LogText)
	for range 3 {
		log.Info("lost")
	}
	until(t, "three lines are lost", func() bool { return w.Dropped() == 3 })
	out.mu.Lock()
	out.fails = false
	out.mu.Unlock()
	log.Info("kept")
	w.Close(patience)
	if text := out.buf.String(); !strings.Contains(text, "msg=kept") || !strings.Contains(text, "lines=3") {
		t.Errorf("the log says:\n%s", text)
	}
}

func TestJSONLinesAreJSONAlsoWhenTheyTellOfLostOnes(t *testing.T) {
	r, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w := NewWriter(out)
	log := New(w, config.LevelTrace, config.LogJSON)
	address := []net.Addr{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 6380}}
	for range 40_000 {
		log.Log(t.Context(), config.LevelTrace, "a line that is as long as lines of a log mostly are", "addresses", address)
	}
	var text bytes.Buffer
	read := make(chan error, 1)
	go func() {
		_, err := text.ReadFrom(r)
		read <- err
	}()
	w.Close(patience)
	_ = out.Close()
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	told := false
	for line := range strings.Lines(text.String()) {
		var fields struct {
			Msg, Level string
			Addresses  []string
		}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if strings.HasPrefix(fields.Msg, "log lines were lost") {
			told = true
		} else if fields.Level != "TRACE" || len(fields.Addresses) != 1 || fields.Addresses[0] != "127.0.0.1:6380" {
			t.Fatal(line)
		}
	}
	if !told {
		t.Error("nothing tells of the lines that were lost")
	}
}
