package command

import (
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/replica"
)

func TestClusterInfoTellsOfANodeWithoutPeers(t *testing.T) {
	b := newBench(t, nil)
	got := b.do("CLUSTER", "INFO")
	for _, line := range []string{"cluster_enabled:0\r\n", "cluster_state:alone\r\n", "cluster_known_nodes:1\r\n", "cluster_my_node_id:1\r\n"} {
		if !strings.Contains(got, line) {
			t.Errorf("%q is not in %q", line, got)
		}
	}
	if got, want := b.do("CLUSTER", "MYID"), "$40\r\n"+strings.Repeat("0", 39)+"1\r\n"; got != want {
		t.Errorf("CLUSTER MYID: %q, want %q", got, want)
	}
}

func TestInfoReplicationShowsEachPeer(t *testing.T) {
	b := newBench(t, nil)
	b.Replication = func() replica.Status {
		return replica.Status{Enabled: true, Port: 6381, Round: 7,
			Peers: []replica.PeerStatus{{Node: 2, Address: "b:6381", State: replica.Online, BehindRounds: 1, BehindKeys: 3, Behind: 20 * time.Millisecond, Repairs: 4, Compared: -1}},
			Dials: []replica.Dial{{Address: "c:6381", Error: "refused"}},
		}
	}
	got := b.do("INFO", "replication")
	for _, line := range []string{
		"role:master\r\n", "cluster_state:degraded\r\n", "replication_port:6381\r\n", "replication_round:7\r\n", "replication_peers:1\r\n",
		"peer0:node=2,address=b:6381,state=online,behind_rounds=1,behind_keys=3,behind_seconds=0.020,", ",repairs=4,", ",compared_seconds=-1.000,",
		"unreachable0:address=c:6381,error=refused\r\n",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("%q is not in %q", line, got)
		}
	}
}
