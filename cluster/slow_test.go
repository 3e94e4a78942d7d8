package cluster

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// slowLine returns the address of a proxy to another address that passes 64 KiB each 50 ms, 1.3 MB a second.
func slowLine(t *testing.T, to string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			go pass(near, far)
			go pass(far, near)
		}
	}()
	return l.Addr().String()
}

func pass(from, to net.Conn) {
	for {
		if _, err := io.CopyN(to, from, 64<<10); err != nil {
			_ = from.Close()
			_ = to.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestAValueThatTakesLongOnTheLineIsNoSilence sends a value for longer than a peer may be silent, 2.5 s at this
// interval.
func TestAValueThatTakesLongOnTheLineIsNoSilence(t *testing.T) {
	const length = 6 << 20
	for name, late := range map[string]bool{"as a change": false, "by comparing": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receiver := open(t, 1)
			sender := listen(t, 2, func(o *Options) { o.Peers = []string{slowLine(t, receiver.Addr().String())} })
			k := sender.db.Key([]byte("key"))
			set := func() {
				tx := sender.db.Lock(k, testNow())
				tx.Set(k, engine.Value{Type: engine.String, Str: bytes.Repeat([]byte("x"), length)}, false)
				tx.Unlock()
			}
			if late {
				set()
			}
			sender.begin().meets(1)
			if !late {
				set()
			}
			eventually(t, "the value arrives", func() bool {
				tx := receiver.db.Lock(k, testNow())
				defer tx.Unlock()
				return tx.Get(k).Type != engine.None
			})
			if got := receiver.log.count("peer connected"); got != 1 {
				t.Errorf("it took %d connections", got)
			}
		})
	}
}
