package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
)

// patience is how long a test waits for something that must happen soon.
const patience = 20 * time.Second

// lines is a log that a test reads while the node writes it.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// find waits until the log matches the pattern, and returns the first group of the pattern.
func (l *lines) find(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		found := re.FindStringSubmatch(l.buf.String())
		text := l.buf.String()
		l.mu.Unlock()
		if found != nil {
			return found[1]
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q is not in the log:\n%s", pattern, text)
		}
	}
}

func TestRunEndsWithoutErrorWhenToldTo(t *testing.T) {
	for _, way := range []string{"signal", "SHUTDOWN"} {
		t.Run(way, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			log, ended := new(lines), make(chan error, 1)
			go func() {
				ended <- run(ctx, []string{"-b", "127.0.0.1:0", "--data-dir", t.TempDir()}, nil, io.Discard, log)
			}()
			addr := log.find(t, `addresses=\[(127\.0\.0\.1:\d+)\]`)
			if way == "signal" {
				cancel()
			} else {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := io.WriteString(conn, "SHUTDOWN NOSAVE\r\n"); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Error("does not end")
			}
			log.find(t, "QuotaDB stops\" (reason="+way+")")
		})
	}
}

func TestRunPrintsHelpAndVersionAndEnds(t *testing.T) {
	for args, want := range map[string]string{"--help": "Usage: quota-db [OPTIONS]", "-V": "quota-db " + config.Version} {
		var out strings.Builder
		if err := run(context.Background(), []string{args}, nil, &out, io.Discard); err != nil {
			t.Error(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: got %q", args, out.String())
		}
	}
}
