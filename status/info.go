package status

import (
	"fmt"
	"strconv"
	"strings"
)

// fromInfo makes a Node of the fields of INFO. A missing field counts as 0 or empty.
func fromInfo(addr string, f map[string]string) Node {
	n := Node{
		Address: addr, Answers: true,
		ID: int(number(f["node_id"])), Version: f["quotadb_version"], UptimeSecs: number(f["uptime_in_seconds"]),
		Cluster: f["cluster_state"], OffReason: f["replication_off"],
		Clients: number(f["connected_clients"]), MaxClients: number(f["maxclients"]), OpsPerSecond: number(f["instantaneous_ops_per_sec"]),
		Quotas: number(f["quota_keys"]), Remains: number(f["deleted_keys_kept"]),
		UsedBytes: number(f["used_memory"]), LimitBytes: number(f["maxmemory"]), RSSBytes: number(f["used_memory_rss"]),
		Persistent: f["aof_enabled"] == "1", SnapshotOK: f["rdb_last_bgsave_status"] != "err",
		Links: []Link{}, Unreachable: []string{}, process: f["run_id"], run: f["replication_run"],
	}
	if f["quotadb_version"] == "" {
		n.Error = "this is not a QuotaDB node: its INFO has no quotadb_version"
	}
	keyspace := pairs(f["db0"])
	n.Keys, n.Expires = number(keyspace["keys"]), number(keyspace["expires"])
	if n.Persistent && f["aof_last_write_status"] == "err" {
		n.DiskError = f["log_last_error"]
		if n.DiskError == "" {
			n.DiskError = "writes are refused"
		}
	}
	for i := 0; f[fmt.Sprintf("peer%d", i)] != ""; i++ {
		n.Links = append(n.Links, link(pairs(f[fmt.Sprintf("peer%d", i)])))
	}
	for i := 0; f[fmt.Sprintf("unreachable%d", i)] != ""; i++ {
		where, why, _ := strings.Cut(strings.TrimPrefix(f[fmt.Sprintf("unreachable%d", i)], "address="), ",error=")
		n.Unreachable = append(n.Unreachable, where+": "+why)
	}
	return n
}

func link(f map[string]string) Link {
	return Link{
		Peer: int(number(f["node"])), Address: f["address"], State: f["state"],
		BehindKeys: number(f["behind_keys"]), BehindSeconds: decimal(f["behind_seconds"]), SilentSeconds: decimal(f["silent_seconds"]),
		ComparedSecs: decimal(f["compared_seconds"]), Repairs: number(f["repairs"]), Held: number(f["held"]), run: f["run"],
	}
}

// pairs are the fields of a line such as keys=1,expires=0.
func pairs(line string) map[string]string {
	fields := map[string]string{}
	for part := range strings.SplitSeq(line, ",") {
		if name, value, ok := strings.Cut(part, "="); ok {
			fields[name] = value
		}
	}
	return fields
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // a missing field is 0
	return n
}

func decimal(s string) float64 {
	x, _ := strconv.ParseFloat(s, 64)
	return x
}
