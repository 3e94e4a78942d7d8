package robust

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// configValues are limits of the values of parameters, values beyond the limits, and texts that are no values.
func configValues() []string {
	return []string{
		"0", "1", "-1", "2", "100", "65536", "65537", "1048575", "1048576", "1048577", "2147483647", "2147483648", "4294967296", "536870912", "536870913",
		"1099511627776", "1099511627777", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
		"18446744073709551616", "", " ", "garbage", "1b", "1k", "1kb", "1mb", "1gb", "5gb", "1tb", "8388608tb", "1 mb", "-1mb", "50%", "101%", "1.5", "1e3", "nan", "inf", "0x10",
		"yes", "no", "YES", "on", "true", "a\x00b", "\xff\xfe", "1\n", "1 2", "50 99", "101", "normal 0 0 0", "normal 1 1 1", "normal 1mb 1kb 60", "normal 1 0 0", "normal 0 1 0",
		"normal -1 0 0", "normal 9223372036854775807 1 2147483647", "normal 1 1 9223372036854775807", "replica 1 1 1 pubsub 1 1 1", "nosuch 1 1 1", "normal 1 1",
		"noeviction", "allkeys-lru", "resetchannels", "allchannels", "everysec", "always", "debug", strings.Repeat("9", 1000), strings.Repeat("x", 100_000),
	}
}

// TestEveryParameterAtAndBeyondItsEndsHarmsNothing sets each parameter that CONFIG GET * shows to each of many values,
// beside a write and a read, and kills the server behind each parameter. A value that is refused leaves the one before;
// a client may be refused or disconnected, as the parameter says; the server neither ends nor hangs, the value before
// can be set again, and no write that was answered is lost.
func TestEveryParameterAtAndBeyondItsEndsHarmsNothing(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := &configWalk{t: t, random: rand.New(rand.NewPCG(seed, 0)), server: process.QuotaDB(t, "--data-dir", t.TempDir(), "--durability", "interval")}
	names := w.parameters()
	if len(names) < 30 {
		t.Fatalf("CONFIG GET * shows %d parameters", len(names))
	}
	for _, name := range names {
		values := configValues()
		w.random.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		for _, value := range values {
			w.try(name, value)
		}
		if v := w.do("WAITAOF", "1", "0", "0"); len(v.Elems) == 0 || v.Elems[0].Text != "1" {
			t.Errorf("after %s: WAITAOF answers %s", name, v)
		}
		w.server.Restart(t) // by SIGKILL
		w.admin = nil
		w.checkCount(name)
	}
	w.server.Signal(t, syscall.SIGTERM)
	if code := w.server.Exit(t); code != 0 {
		t.Errorf("the server ends with code %d", code)
	}
}

type configWalk struct {
	t        *testing.T
	random   *rand.Rand
	server   *process.Server
	admin    *wire.Conn // a client that has logged in; nil: not connected yet
	password string     // the present password
	answered int64      // acknowledged increments
}

// do runs a command as the administrator. If a parameter has ended the connection, it tries once more on a new one.
func (w *configWalk) do(args ...string) wire.Value {
	w.t.Helper()
	var err error
	for range 2 {
		if w.admin == nil {
			w.admin = w.connect()
		}
		if w.admin != nil {
			var v wire.Value
			if v, err = w.admin.Do(args...); err == nil {
				return v
			}
			_ = w.admin.Close()
			w.admin = nil
		}
	}
	w.t.Fatalf("%.200q: %v\n%s", args, err, w.server.Output())
	return wire.Value{}
}

// connect returns a new client that has logged in, nil if the server refuses it.
func (w *configWalk) connect() *wire.Conn {
	c, err := w.server.Connect()
	if err != nil {
		return nil
	}
	if w.password == "" {
		return c
	}
	if v, err := c.Do("AUTH", w.password); err != nil || v.IsError() {
		_ = c.Close()
		return nil
	}
	return c
}

func (w *configWalk) parameters() (names []string) {
	v := w.do("CONFIG", "GET", "*")
	for i := 0; i < len(v.Elems); i += 2 {
		names = append(names, v.Elems[i].Text)
	}
	return names
}

func (w *configWalk) get(name string) string {
	w.t.Helper()
	v := w.do("CONFIG", "GET", name)
	if len(v.Elems) != 2 {
		w.t.Fatalf("CONFIG GET %s: %s", name, v)
	}
	return v.Elems[1].Text
}

// try sets a parameter, uses the server, and sets it back.
func (w *configWalk) try(name, value string) {
	w.t.Helper()
	before := w.get(name)
	if v := w.do("CONFIG", "SET", name, value); v.IsError() {
		if after := w.get(name); after != before {
			w.t.Errorf("%s: %.50q is refused (%.100s), and changes %.50q to %.50q", name, value, v, before, after)
		}
		w.use()
		return
	}
	if name == "requirepass" {
		w.password = value
	}
	w.use()
	if v := w.do("CONFIG", "SET", name, before); v.IsError() {
		w.t.Fatalf("%s was %q; set to %.50q it cannot be set back: %s", name, before, value, v)
	}
	if name == "requirepass" {
		w.password = before
	}
	if after := w.get(name); after != before {
		w.t.Errorf("%s was %q; set to %.50q and back it is %q", name, before, value, after)
	}
}

// use lets another client write and read. It may be refused and disconnected; every reply that it gets must be true.
func (w *configWalk) use() {
	w.t.Helper()
	c := w.connect()
	if c == nil {
		return
	}
	defer func() { _ = c.Close() }()
	v, err := c.Do("INCR", "count")
	if err != nil {
		w.answered = max(w.answered, w.count(w.answered)) // it may have run or not
		return
	}
	if n, ok := v.Int(); ok {
		if n != w.answered+1 {
			w.t.Errorf("INCR answers %d behind %d", n, w.answered)
		}
		w.answered = n
	}
	if v, err := c.Do("GET", "count"); err == nil && !v.IsError() && v.Text != fmt.Sprint(w.answered) {
		w.t.Errorf("GET answers %s behind %d", v, w.answered)
	}
	if w.random.IntN(8) == 0 {
		_, _ = c.Do("SET", "large", strings.Repeat("x", 100_000))
		_, _ = c.Do("GET", "large")
	}
}

// count is what the administrator reads; otherwise if it is refused.
func (w *configWalk) count(otherwise int64) int64 {
	w.t.Helper()
	var n int64
	if _, err := fmt.Sscan(w.do("GET", "count").Text, &n); err != nil {
		return otherwise
	}
	return n
}

func (w *configWalk) checkCount(name string) {
	w.t.Helper()
	w.password = ""
	if n := w.count(-1); n != w.answered {
		w.t.Errorf("after %s and a kill the counter is %d; %d increments were answered", name, n, w.answered)
		w.answered = n
	}
}
