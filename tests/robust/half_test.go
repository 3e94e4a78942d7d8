package robust

import (
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	pollTimeout  = 10 * time.Second
	pollInterval = 5 * time.Millisecond
)

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(pollTimeout); !holds(); time.Sleep(pollInterval) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", pollTimeout, what)
		}
	}
}

func TestHalfACommandIsNotRunAndItsConnectionIsForgotten(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	observer := server.Dial(t)
	whole := wire.AppendCommand(nil, "SET", "key", "value")
	for cut := 1; cut < len(whole); cut++ {
		c := server.Dial(t)
		if err := c.Send(whole[:cut]); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "only the observer is connected", func() bool {
		return infoField(t, observer, "clients", "connected_clients") == "1"
	})
	want(t, observer, ":0", "EXISTS", "key")
}

func TestACommandMayArriveByteByByte(t *testing.T) {
	t.Parallel()
	c := process.QuotaDB(t).Dial(t)
	raw := wire.AppendCommand(nil, "SET", "key", "va\r\nlue")
	raw = append(raw, "GET key\r\n"...)
	raw = wire.AppendCommand(raw, "INCRBY", "n", "12")
	pieces := make([]int, len(raw))
	for i := range pieces {
		pieces[i] = 1
	}
	got, err := c.Pipeline(raw, 3, pieces...)
	if err != nil {
		t.Fatal(err)
	}
	for i, reply := range []string{"+OK", `$"va\r\nlue"`, ":12"} {
		if got[i].String() != reply {
			t.Errorf("reply %d is %s, want %s", i, got[i], reply)
		}
	}
}

func TestAClientThatOnlyClosesItsSendingSideStillGetsItsReplies(t *testing.T) {
	t.Parallel()
	c := process.QuotaDB(t).Dial(t)
	if err := c.Send([]byte("SET k v\r\nGET k\r\n")); err != nil {
		t.Fatal(err)
	}
	// A reply shows that both commands were read before the end of input is.
	if v, err := c.Receive(); err != nil || v.String() != "+OK" {
		t.Fatalf("%v, %v", v, err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := c.Drain()
	if err != nil || len(got) != 1 || got[0].String() != `$"v"` {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestALargeValueTravelsInAndOut(t *testing.T) {
	t.Parallel()
	c := process.QuotaDB(t).Dial(t)
	value := make([]byte, 20*mib)
	for i := range value {
		value[i] = byte(i * 7)
	}
	want(t, c, "+OK", "SET", "large", string(value))
	if v := do(t, c, "GET", "large"); v.Text != string(value) {
		t.Errorf("%d bytes came back, and not the same", len(v.Text))
	}
}
