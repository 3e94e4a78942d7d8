package status

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/remote"
)

// sound is INFO of a healthy node.
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

// judged is the report on nodes with these fields and equal digests.
func judged(all ...map[string]string) *Report {
	r := &Report{Problems: []Problem{}, Notes: []Problem{}}
	for i, f := range all {
		n := fromInfo(string(rune('a'+i))+":1", f)
		n.Digest, n.digests = "same", []string{"same"}
		r.Nodes = append(r.Nodes, n)
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
		"clients":     {with("connected_clients", "9900"), "9900 clients are connected, of at most 10000"},
		"no secret":   {with("cluster_state", "off", "replication_off", "set --cluster-secret"), "set --cluster-secret"},
		"offline":     {with("cluster_state", "degraded", "peer0", peer("state", "offline")), "node 2 is offline"},
		"unreachable": {with("cluster_state", "degraded", "unreachable0", "address=h:1,error=no such host"), "h:1: no such host"},
		"silent":      {with("peer0", peer("silent_seconds", "2.5")), "silent for 2.5 s"},
		"behind":      {with("peer0", peer("behind_seconds", "6.000")), "6.0 s behind"},
		"clock":       {with("peer0", peer("held", "3")), "clock of node 2"},
		"degraded":    {with("cluster_state", "degraded"), "--peers"},
		"no QuotaDB":  {map[string]string{"redis_version": "7.0.15"}, "not a QuotaDB node"},
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

func TestANodeAskedAtTwoAddressesIsNoProblem(t *testing.T) {
	f := with("run_id", "abc")
	if r := judged(f, f); !r.Healthy || len(r.Notes) != 1 || !strings.Contains(r.Notes[0].Text, "the same node as a:1") {
		t.Errorf("problems %v, notes %v", r.Problems, r.Notes)
	}
	if r := judged(f, with("run_id", "def")); r.Healthy {
		t.Errorf("two processes with one id: notes %v", r.Notes)
	}
}

func TestNodesThatDoNotReplicateWithEachOtherAreAProblem(t *testing.T) {
	alone := func(id string) map[string]string { return with("node_id", id, "peer0", "", "cluster_state", "alone") }
	// member is INFO of a node with this id and run, and with one peer.
	member := func(id, run, peerID, peerRun, state string) map[string]string {
		return with("node_id", id, "replication_run", run, "peer0", peer("node", peerID, "state", state)+",run="+peerRun)
	}
	for name, test := range map[string]struct {
		nodes []map[string]string
		want  string // of the one problem; empty: healthy
	}{
		"single nodes":                   {[]map[string]string{alone("1"), alone("2")}, "node 2 has no link with node 1 (a:1)"},
		"two clusters":                   {[]map[string]string{member("1", "r1", "2", "r2", "online"), member("3", "r3", "4", "r4", "online")}, "node 3 has no link with node 1 (a:1)"},
		"a single node beside a cluster": {[]map[string]string{member("1", "r1", "2", "r2", "online"), member("2", "r2", "1", "r1", "online"), alone("3")}, "node 3 has no link with node 1 (a:1), node 2 (b:1)"},
		"two clusters with the same ids": {[]map[string]string{member("1", "r1", "2", "r2", "online"), member("2", "r4", "1", "r3", "online")}, "node 2 replicates with another process of the same id than node 1 (a:1)"},
		"a cluster":                      {[]map[string]string{member("1", "r1", "2", "r2", "online"), member("2", "r2", "1", "r1", "online")}, ""},
		"one that knows the other":       {[]map[string]string{member("1", "r1", "2", "r2", "online"), alone("2")}, ""},
		"a release that tells no runs":   {[]map[string]string{sound, with("node_id", "2", "peer0", peer("node", "1"))}, ""},
		"one that was started again":     {[]map[string]string{member("1", "r1", "2", "r0", "offline"), member("2", "r2", "1", "r1", "online")}, "node 2 is offline"},
	} {
		r := judged(test.nodes...)
		if test.want == "" && !r.Healthy || test.want != "" && (len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Text, test.want)) {
			t.Errorf("%s: want %q, problems %v", name, test.want, r.Problems)
		}
	}
	many := []map[string]string{}
	for id := range 20 {
		many = append(many, alone(fmt.Sprint(id+1)))
	}
	r := judged(many...)
	if last := r.Problems[len(r.Problems)-1].Text; r.Healthy || !strings.Contains(last, "node 5 (e:1) and 14 more") {
		t.Errorf("the last of %d problems: %s", len(r.Problems), last)
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
		{[]string{"x", "x", "x"}, []string{"", "", ""}, false},   // the digest of b was not read
		{[]string{"x"}, []string{""}, false},
		{[]string{"", "", ""}, []string{"", "", ""}, false},
	} {
		r := &Report{Nodes: []Node{fromInfo("a:1", sound), fromInfo("b:1", with("node_id", "2"))}}
		for i, digests := range [][]string{test.a, test.b} { // as after Ask
			r.Nodes[i].digests = digests
			r.Nodes[i].Digest = digests[len(digests)-1]
		}
		r.judge()
		if r.Healthy != test.healthy {
			t.Errorf("%v and %v: healthy %v, problems %v", test.a, test.b, r.Healthy, r.Problems)
		}
	}
}

func TestADigestThatWasNotReadIsShownAsThat(t *testing.T) {
	r := &Report{Nodes: []Node{fromInfo("a:1", sound), fromInfo("b:1", with("node_id", "2"))}}
	r.Nodes[0].Digest, r.Nodes[0].digests = "x", []string{"x"}
	r.Nodes[1].DigestError, r.Nodes[1].digests = "the node answers: NOPERM no right", []string{""}
	r.judge()
	var out strings.Builder
	if err := r.Table(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"not read\n", "problem: b:1: the digest was not read", "NOPERM no right"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	alone := &Report{Nodes: r.Nodes[1:]}
	if alone.judge(); !alone.Healthy || !strings.Contains(alone.Notes[0].Text, "was not read") {
		t.Errorf("a node alone: problems %v, notes %v", alone.Problems, alone.Notes)
	}
}

// TestNoListInTheJSONIsNull checks the reports on no node, on a healthy node, and on a node that does not answer.
func TestNoListInTheJSONIsNull(t *testing.T) {
	remote.Silence()
	gone := remote.Open("127.0.0.1:1", remote.Options{Timeout: time.Second})
	defer gone.Close()
	for name, r := range map[string]*Report{
		"nothing": Ask(t.Context(), nil, time.Second), "gone": Ask(t.Context(), []*remote.Node{gone}, time.Second),
		"alone": judged(with("cluster_state", "alone", "peer0", "")),
	} {
		var doc strings.Builder
		if err := r.JSON(&doc); err != nil || strings.Contains(doc.String(), "null") {
			t.Errorf("%s: %v: %s", name, err, doc.String())
		}
	}
}

// TestThePageDescribesEachFieldOfTheJSON: docs/operating.md has a table of the fields.
func TestThePageDescribesEachFieldOfTheJSON(t *testing.T) {
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []any{Report{}, Problem{}, Node{}, Link{}} {
		fields := reflect.TypeOf(part)
		for i := range fields.NumField() {
			name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ",")
			if name != "" && !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("%s: docs/operating.md does not describe %s", fields.Name(), name)
			}
		}
	}
}

func TestTheTableSaysWhyANodeIsNotDescribed(t *testing.T) {
	for want, n := range map[string]Node{
		"no answer":   {Error: "the node does not answer in time"},
		"not QuotaDB": fromInfo("a:1", map[string]string{"redis_version": "7.0.15"}),
		"LOADING":     {Answers: true, code: "LOADING", Error: "the node answers: LOADING"},
		"NOAUTH":      {Answers: true, code: "NOAUTH", Error: "the node answers: NOAUTH"},
		"error":       {Answers: true, code: "ERR", Error: "the node answers: ERR max number of clients reached"},
	} {
		if got := n.failure(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestTheReportShowsNodesLinksAndProblems(t *testing.T) {
	r := judged(sound, with("node_id", "2", "maxmemory", "1540"))
	r.Nodes = append(r.Nodes, Node{Address: "c:1", Error: "the node does not answer in time"})
	var out, doc strings.Builder
	if err := r.Table(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a:1", "1.5 KiB of 1.5 KiB", "1 -> 2", "4 keys, 0.0 s", "1m1s", "no answer", "problem: b:1: ", "not healthy: 1 problem;"} {
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
