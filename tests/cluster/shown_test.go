package cluster

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestWhatANodeSaysOfTheClusterIsSo checks CLUSTER INFO and INFO replication while all is well, and while a node is cut
// off.
func TestWhatANodeSaysOfTheClusterIsSo(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	const keys = 100
	for n := range keys {
		r.do(t, 0, ":1", "INCR", fmt.Sprint("k", n))
	}
	r.becomes(t, ":"+itoa(keys), "DBSIZE")
	r.equal(t)
	for place, s := range r.servers {
		if got, want := askServer(t, s, "CLUSTER", "MYID").Text, fmt.Sprintf("%040x", place+1); got != want {
			t.Errorf("CLUSTER MYID of node %d is %s", place+1, got)
		}
		if d := digest(t, s); !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(d) {
			t.Errorf("CLUSTER DIGEST is %q", d)
		}
	}
	r.shows(t, 0, map[string]string{"cluster_state": "ok", "cluster_connected_nodes": "3", "cluster_online_nodes": "3", "cluster_enabled": "0", "cluster_my_node_id": "1"})

	var all map[string]string
	var peers map[int]map[string]string
	within(t, patience, "all is acknowledged", func() (bool, string) {
		all, peers = replication(t, r.servers[0])
		return peers[2]["behind_keys"] == "0" && peers[3]["behind_keys"] == "0", fmt.Sprint(all)
	})
	if all["role"] != "master" || all["cluster_state"] != "ok" || all["replication_peers"] != "2" {
		t.Errorf("INFO replication: %v", all)
	}
	for id := 2; id <= nodes; id++ {
		p := peers[id]
		if p["state"] != "online" || number64(t, p, "deltas_sent") == 0 || number64(t, p, "bytes_sent") == 0 || number64(t, p, "bytes_received") == 0 {
			t.Errorf("of node %d: %v", id, p)
		}
		within(t, patience, "it tells of what it was sent", func() (bool, string) {
			_, theirs := replication(t, r.servers[id-1])
			merged := uint64(0) // as deltas, or by a comparison; the other peer may have been faster
			for _, from := range theirs {
				merged += number64(t, from, "deltas_merged") + number64(t, from, "filled") + number64(t, from, "repairs")
			}
			return merged >= keys, fmt.Sprint(theirs)
		})
	}

	r.around(2, mode{kind: cut})
	r.do(t, 0, ":2", "INCR", "k0")
	r.do(t, 0, ":2", "INCR", "k1")
	within(t, patience, "node 1 tells of what node 3 lacks", func() (bool, string) {
		all, peers := replication(t, r.servers[0])
		p := peers[3]
		return all["cluster_state"] == "degraded" && p["state"] == "offline" && p["behind_keys"] == "2" && number64(t, p, "behind_rounds") > 0 &&
			p["behind_seconds"] > "0.000" && all["unreachable0"] != "", fmt.Sprint(all)
	})
	r.shows(t, 0, map[string]string{"cluster_state": "degraded", "cluster_connected_nodes": "2", "cluster_unreachable_peers": "1"})
	r.heal()
	r.becomes(t, `$"2"`, "GET", "k1")
	r.connected(t)
	within(t, patience, "all is well again", func() (bool, string) {
		all, peers := replication(t, r.servers[0])
		return all["cluster_state"] == "ok" && peers[3]["behind_keys"] == "0" && peers[3]["behind_seconds"] == "0.000", fmt.Sprint(all)
	})
}

// TestTheLagOfAHealthyLinkStaysThatOfTheLink has a client write all the time over a line that takes 50 ms.
func TestTheLagOfAHealthyLinkStaysThatOfTheLink(t *testing.T) {
	t.Parallel()
	r := newTrio(t)
	r.around(0, mode{kind: slow, delay: 50 * time.Millisecond, rate: 10 << 20})
	r.connected(t)
	const writing = 5 * time.Second
	began, most := time.Now(), 0.0
	for n := 1; time.Since(began) < writing; n++ {
		r.do(t, 0, ":"+itoa(n), "INCR", "hits")
		if n%20 != 0 {
			time.Sleep(time.Millisecond)
			continue
		}
		_, peers := replication(t, r.servers[0])
		for id := 2; id <= nodes; id++ {
			lag, err := strconv.ParseFloat(peers[id]["behind_seconds"], 64)
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, lag)
		}
	}
	if limit := 0.4 * writing.Seconds(); most > limit || most < 0.05 {
		t.Errorf("behind_seconds was up to %v; a round trip is 0.1 s", most)
	}
	t.Logf("behind_seconds was up to %v", most)
}

// shows waits until CLUSTER INFO of a node has these lines.
func (r *trio) shows(t *testing.T, place int, want map[string]string) {
	t.Helper()
	within(t, patience, "CLUSTER INFO", func() (bool, string) {
		all := fields(askServer(t, r.servers[place], "CLUSTER", "INFO").Text)
		for name, value := range want {
			if all[name] != value {
				return false, fmt.Sprintf("%s is %q, not %q", name, all[name], value)
			}
		}
		return true, ""
	})
}

func number64(t *testing.T, all map[string]string, name string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(all[name], 10, 64)
	if err != nil {
		t.Fatalf("%s in %v: %v", name, all, err)
	}
	return n
}
