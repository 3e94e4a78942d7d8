package cluster

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

func itoa(n int) string { return strconv.Itoa(n) }

// fields are name:value lines, as of INFO and CLUSTER INFO.
func fields(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.SplitSeq(text, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			all[name] = value
		}
	}
	return all
}

// ask sends a command that must be answered, and not with an error.
func ask(t *testing.T, c *wire.Conn, words ...string) wire.Value {
	t.Helper()
	v, err := c.Do(words...)
	if err != nil || v.IsError() {
		t.Fatalf("%q: %v, %v", words, v, err)
	}
	return v
}

// askServer is ask over a connection of its own.
func askServer(t *testing.T, s *process.Server, words ...string) wire.Value {
	t.Helper()
	c, err := s.Connect()
	if err != nil {
		t.Fatalf("connect: %v\n%s", err, s.Output())
	}
	defer func() { _ = c.Close() }()
	return ask(t, c, words...)
}

// replication is INFO replication, its peers by their node id.
func replication(t *testing.T, s *process.Server) (all map[string]string, peers map[int]map[string]string) {
	t.Helper()
	all, peers = fields(askServer(t, s, "INFO", "replication").Text), map[int]map[string]string{}
	for name, value := range all {
		if !strings.HasPrefix(name, "peer") {
			continue
		}
		p := map[string]string{}
		for field := range strings.SplitSeq(value, ",") {
			name, value, _ := strings.Cut(field, "=")
			p[name] = value
		}
		id, err := strconv.Atoi(p["node"])
		if err != nil {
			t.Fatalf("INFO replication: %s:%s", name, value)
		}
		peers[id] = p
	}
	return all, peers
}

// settle waits until every two nodes have completed a comparison that began after the call. Then all nodes have what
// one of them had.
func (c *cluster) settle(t *testing.T) {
	t.Helper()
	since := time.Now()
	within(t, patience, "all nodes connected and compared", func() (bool, string) {
		for _, n := range c.nodes[:nodes] {
			asked := time.Now()
			_, peers := replication(t, n.server)
			for _, other := range c.nodes[:nodes] {
				if other == n {
					continue
				}
				p := peers[other.id]
				ago, err := strconv.ParseFloat(p["compared_seconds"], 64)
				if err != nil || p["state"] != "online" || ago < 0 || ago >= asked.Sub(since).Seconds() {
					return false, fmt.Sprintf("node %d says of node %d: %v", n.id, other.id, p)
				}
			}
		}
		return true, ""
	})
}

func digest(t *testing.T, s *process.Server) string {
	t.Helper()
	return askServer(t, s, "CLUSTER", "DIGEST").Text
}

// contents returns all keys with their values, by SCAN and GET, except quotas, whose tokens differ between nodes.
func contents(t *testing.T, s *process.Server) map[string]string {
	t.Helper()
	c, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	all := map[string]string{}
	for cursor := "0"; ; {
		page := ask(t, c, "SCAN", cursor, "COUNT", "1000")
		for _, k := range page.Elems[1].Elems {
			if isQuota(k.Text) {
				continue
			}
			all[k.Text] = ask(t, c, "GET", k.Text).Text
		}
		if cursor = page.Elems[0].Text; cursor == "0" {
			return all
		}
	}
}

// equal waits until all these nodes store the same, as long as that may take since everything was healed.
func equal(t *testing.T, servers ...*process.Server) {
	t.Helper()
	within(t, 2*interval+schedulingSlack, "all nodes equal", func() (bool, string) {
		var digests []string
		same := true
		for i, s := range servers {
			digests = append(digests, digest(t, s))
			same = same && digests[i] == digests[0]
		}
		return same, strings.Join(digests, " ")
	})
}

// connected waits until each of these nodes has compared everything with so many others.
func connected(t *testing.T, others int, servers ...*process.Server) {
	t.Helper()
	within(t, patience, "all nodes connected", func() (bool, string) {
		for _, s := range servers {
			all, peers := replication(t, s)
			online := 0
			for _, p := range peers {
				if p["state"] == "online" {
					online++
				}
			}
			if online < others {
				return false, fmt.Sprint(all)
			}
		}
		return true, ""
	})
}

// founded waits until each of these nodes can use its part of quotas.
func founded(t *testing.T, servers ...*process.Server) {
	t.Helper()
	within(t, patience, "all nodes have their part of quotas", func() (bool, string) {
		for _, s := range servers {
			if text := askServer(t, s, "INFO", "quotas").Text; fields(text)["quota_state"] != "in_force" {
				return false, text
			}
		}
		return true, ""
	})
}

// quotaFigure is a figure of INFO quotas.
func quotaFigure(t *testing.T, s *process.Server, name string) int {
	t.Helper()
	text := askServer(t, s, "INFO", "quotas").Text
	n, err := strconv.Atoi(fields(text)["quota_"+name])
	if err != nil {
		t.Fatalf("INFO quotas: %s: %v in\n%s", name, err, text)
	}
	return n
}
