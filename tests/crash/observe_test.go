package crash

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

// keysAtOnce is how many keys one round trip reads, so that the moments around it are close to each other.
const keysAtOnce = 100

// observe reads what keys hold.
func observe(t *testing.T, conn *wire.Conn, keys []string) map[string]observation {
	t.Helper()
	seen := make(map[string]observation, len(keys))
	for some := range slices.Chunk(keys, keysAtOnce) {
		var raw []byte
		for _, k := range some {
			raw = wire.AppendCommand(wire.AppendCommand(wire.AppendCommand(raw, "TYPE", k), "GET", k), "PTTL", k)
		}
		from := time.Now()
		replies, err := conn.Pipeline(raw, 3*len(some))
		if err != nil {
			t.Fatal(err)
		}
		to := time.Now()
		for i, k := range some {
			c, err := parseCount(replies[3*i+1], replies[3*i+2])
			if err != nil {
				t.Fatalf("%s: %v", k, err)
			}
			c.quota = c.there && replies[3*i].Text == "quota"
			seen[k] = observation{c, from, to}
		}
	}
	return seen
}

// parseCount reads the replies to GET and PTTL. A key that expires between the two is gone.
func parseCount(get, pttl wire.Value) (count, error) {
	left, ok := pttl.Int()
	if !ok || get.IsError() {
		return count{}, fmt.Errorf("GET answers %s and PTTL %s", get, pttl)
	}
	if get.IsNull() || left == -2 {
		return count{}, nil
	}
	value, err := strconv.ParseInt(get.Text, 10, 64)
	if err != nil {
		return count{}, fmt.Errorf("GET answers %s", get)
	}
	c := count{value: value, there: true}
	if left >= 0 {
		c.ttl = time.Duration(max(left, 1)) * time.Millisecond // 0 ms means less than one, which is still a deadline
	}
	return c, nil
}

// allKeys lists the server's keys.
func allKeys(t *testing.T, conn *wire.Conn) []string {
	t.Helper()
	var keys []string
	for cursor := "0"; ; {
		v, err := conn.Do("SCAN", cursor, "COUNT", "1000")
		if err != nil || len(v.Elems) != 2 {
			t.Fatalf("SCAN answers %s, %v", v, err)
		}
		for _, k := range v.Elems[1].Elems {
			keys = append(keys, k.Text)
		}
		if cursor = v.Elems[0].Text; cursor == "0" {
			return keys
		}
	}
}
