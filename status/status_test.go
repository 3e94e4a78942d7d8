package status

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// sound is INFO of a node with nothing wrong.
var sound = map[string]string{
	"node_id": "1", "quotadb_version": "0.1.0", "uptime_in_seconds": "61", "cluster_state": "ok",
	"connected_clients": "3", "maxclients": "10000", "used_memory": "1536", "maxmemory": "0", "aof_enabled": "1",
	"aof_last_write_status": "ok", "rdb_last_bgsave_status": "ok", "db0": "keys=5,expires=2,avg_ttl=0", "quota_keys": "1", "deleted_keys_kept": "7",
	"peer0": "node=2,address=10.0.0.2:6381,state=online,behind_rounds=0,behind_keys=4,behind_seconds=0.010,silent_seconds=0.2,repairs=9,held=0,compared_seconds=3.1",
}

// with is a copy of sound with other values.
func with(changes ...string) map[string]string {
	f := maps.Clone(sound)
	for i := 0; i < len(changes); i += 2 {
		f[changes[i]] = changes[i+1]
	}
	return f
}

// judged is the report on nodes with these fields and no digests.
func judged(all ...map[string]string) *Report {
	r := &Report{}
	for i, f := range all {
		r.Nodes = append(r.Nodes, fromInfo(string(rune('a'+i))+":1", f))
	}
	r.judge()
	return r
}

func peer(changes ...string) string {
	line := sound["peer0"]
	for i := 0; i < len(changes); i += 2 {
		for part := range strings.SplitSeq(line, ",") {
			if strings.HasPrefix(part, changes[i]+"=") {
				line = strings.Replace(line, part, changes[i]+"="+changes[i+1], 1)
			}
		}
	}
	return line
}

func TestASoundNodeIsHealthy(t *testing.T) {
	for name, f := range map[string]map[string]string{
		"in a cluster":         sound,
		"alone":                with("cluster_state", "alone", "peer0", ""),
		"in memory only":       with("aof_enabled", "0"),
		"a peer is being read": with("peer0", peer("state", "syncing")),
	} {
		if r := judged(f); !r.Healthy {
			t.Errorf("%s: %v", name, r.Problems)
		}
	}
}

func TestEachFailureIsAProblemThatIsNamed(t *testing.T) {
	for name, test := range map[string]struct {
		fields map[string]string
		want   string
	}{
		"disk":        {with("aof_last_write_status", "err", "log_last_error", "no space left on device"), "no space left on device"},
		"snapshot":    {with("rdb_last_bgsave_status", "err"), "snapshot"},
		"memory":      {with("maxmemory", "1540"), "--maxmemory"},
		"clients":     {with("connected_clients", "9900"), "9900 clients of at most 10000"},
		"no secret":   {with("cluster_state", "off", "replication_off", "set --cluster-secret"), "set --cluster-secret"},
		"offline":     {with("cluster_state", "degraded", "peer0", peer("state", "offline")), "node 2 is offline"},
		"unreachable": {with("cluster_state", "degraded", "unreachable0", "address=h:1,error=no such host"), "h:1: no such host"},
		"silent":      {with("peer0", peer("silent_seconds", "2.5")), "silent for 2.5 s"},
		"behind":      {with("peer0", peer("behind_seconds", "6.000")), "6.0 s behind"},
		"clock":       {with("peer0", peer("held", "3")), "clock of node 2"},
		"degraded":    {with("cluster_state", "degraded"), "--peers"},
		"no QuotaDB":  {map[string]string{"redis_version": "7.0.15"}, "no QuotaDB"},
	} {
		r := judged(test.fields)
		if r.Healthy || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].line(), test.want) {
			t.Errorf("%s: healthy %v, problems %v, want one with %q", name, r.Healthy, r.Problems, test.want)
		}
	}
}

func TestTwoNodesWithOneIDAreAProblem(t *testing.T) {
	if r := judged(sound, sound); r.Healthy || !strings.Contains(r.Problems[0].Text, "node id 1") {
		t.Errorf("problems %v", r.Problems)
	}
	if r := judged(sound, with("node_id", "2")); !r.Healthy {
		t.Errorf("problems %v", r.Problems)
	}
}

func TestDigestsThatDifferAreAProblemOnlyIfTheyStay(t *testing.T) {
	for _, test := range []struct {
		a, b    []string
		healthy bool
	}{
		{[]string{"x"}, []string{"x"}, true},
		{[]string{"x", "x"}, []string{"y", "x"}, true},
		{[]string{"x", "x", "x"}, []string{"y", "y", "y"}, false},
		{[]string{"x", "x", "z"}, []string{"y", "y", "y"}, true}, // writes
		{[]string{"x", "x", "x"}, []string{"", "", ""}, true},    // b has not said
	} {
		r := &Report{Nodes: []Node{fromInfo("a:1", sound), fromInfo("b:1", with("node_id", "2"))}}
		for i, digests := range [][]string{test.a, test.b} {
			r.Nodes[i].digests = digests
			r.Nodes[i].Digest = digests[len(digests)-1]
		}
		r.judge()
		if r.Healthy != test.healthy {
			t.Errorf("%v and %v: healthy %v, problems %v", test.a, test.b, r.Healthy, r.Problems)
		}
	}
}

func TestTheReportShowsNodesLinksAndProblems(t *testing.T) {
	r := judged(sound, with("node_id", "2", "maxmemory", "1540"))
	r.Nodes = append(r.Nodes, Node{Address: "c:1", Error: "it does not answer in time"})
	var out, doc strings.Builder
	if err := r.Table(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a:1", "1.5 KiB of 1.5 KiB", "1 -> 2", "4 keys, 0.0 s", "1m1s", "no answer", "problem: b:1: ", "not healthy: 1 problems"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if err := r.JSON(&doc); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal([]byte(doc.String()), &back); err != nil || back.Nodes[0].Links[0].Repairs != 9 || back.Nodes[0].Remains != 7 {
		t.Errorf("%v in %s", err, doc.String())
	}
}

func TestSizesArePlain(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 5 << 30: "5.0 GiB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
