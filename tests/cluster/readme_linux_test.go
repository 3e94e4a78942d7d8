package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/quotadb/quota-db/tests/internal/process"
)

// readme are the three commands of the README's cluster.
var readme = [nodes]string{
	`--node-id 1 --bind 0.0.0.0:6380 --peers node2:6381,node3:6381`,
	`--node-id 2 --bind 0.0.0.0:6380 --peers node1:6381,node3:6381`,
	`--node-id 3 --bind 0.0.0.0:6380 --peers node1:6381,node2:6381`,
}

const readmeAddr = "127.0.0.1:6380"

// startReadme runs the three commands, each on a host of its own that knows the others by their names.
func startReadme(t *testing.T, env []string, flags ...string) (*namespaces, []*process.Server) {
	t.Helper()
	n := newNamespaces(t)
	n.names(t, "node1", "node2", "node3", "")
	var servers []*process.Server
	for place, command := range readme {
		servers = append(servers, n.start(t, place, readmeAddr, env, append(strings.Fields(command), flags...)...))
	}
	return n, servers
}

func TestTheThreeCommandsOfTheREADMEMakeACluster(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cluster-secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n, servers := startReadme(t, nil, "--cluster-secret-file", file)
	connected(t, nodes-1, servers...)
	ctx := context.Background()
	for place := range servers {
		client := redis.NewClient(&redis.Options{
			Addr:   readmeAddr,
			Dialer: func(_ context.Context, _, addr string) (net.Conn, error) { return n.dial(place, addr) },
		})
		t.Cleanup(func() { _ = client.Close() })
		if err := client.IncrBy(ctx, "pageviews", int64(place+1)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	reads(t, "6", servers...)
}

func TestWithoutASecretNodesOfOtherHostsServeAndSayWhatToSet(t *testing.T) {
	t.Parallel()
	_, servers := startReadme(t, nil)
	for _, s := range servers {
		says(t, s, "level=WARN", "no replication with other hosts", "--cluster-secret", "QUOTADB_CLUSTER_SECRET", "--insecure-cluster")
		if v := askServer(t, s, "INCR", "pageviews"); v.String() != ":1" {
			t.Errorf("INCR: %v", v)
		}
		if lines := strings.Count(s.Output(), "level=WARN"); lines != 1 {
			t.Errorf("it warns %d times:\n%s", lines, s.Output())
		}
		all, peers := replication(t, s)
		if all["cluster_state"] != "off" || all["replication_off"] == "" || len(peers) > 0 {
			t.Errorf("INFO replication: %v", all)
		}
	}
	reads(t, "1", servers...)
}

func TestAnInsecureClusterReplicatesWithOtherHosts(t *testing.T) {
	t.Parallel()
	_, servers := startReadme(t, nil, "--insecure-cluster", "true")
	connected(t, nodes-1, servers...)
	for _, s := range servers {
		askServer(t, s, "INCR", "pageviews")
	}
	reads(t, "3", servers...)
}

// reads waits until all read this number of page views.
func reads(t *testing.T, want string, servers ...*process.Server) {
	t.Helper()
	for i, s := range servers {
		within(t, patience, "the views of all nodes", func() (bool, string) {
			v := askServer(t, s, "GET", "pageviews")
			return v.Text == want, fmt.Sprintf("node %d reads %v", i+1, v)
		})
	}
}
