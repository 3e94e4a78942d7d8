package command

import (
	"fmt"

	"github.com/quotadb/quota-db/replica"
)

// clusterCommands are CLUSTER, its subcommands and the other commands of Redis Cluster.
func clusterCommands() []*row {
	rows := inGroup([]*row{
		{name: "readonly", arity: 1, flags: loading | stale | fast, since: "3.0.0", handler: cluster,
			complexity: constantTime, summary: "Not supported: this server is no part of a Redis Cluster"},
		{name: "readwrite", arity: 1, flags: loading | stale | fast, since: "3.0.0", handler: cluster,
			complexity: constantTime, summary: "Not supported: this server is no part of a Redis Cluster"},
		{name: "asking", arity: 1, flags: fast, since: "3.0.0", handler: cluster,
			complexity: constantTime, summary: "Not supported: this server is no part of a Redis Cluster"},
	}, ofCluster, aclConnection)
	return append(rows, &row{name: "cluster", arity: -2, group: ofCluster, since: "3.0.0",
		complexity: bySubcommand,
		summary:    "Not supported: this server is no part of a Redis Cluster", subs: clusterSubcommands()})
}

// clusterSubcommands are all subcommands of CLUSTER. Those of Redis concern slots, and there are no slots here. They
// have rows so that a client learns that this server is no part of a Redis Cluster, and not that the subcommand is
// unknown. INFO and MYID are about our own cluster, and DIGEST exists only here.
func clusterSubcommands() []*row {
	const change = admin | stale | noAsyncLoading
	rows := []*row{
		{name: "addslots", arity: -3, flags: change, since: "3.0.0",
			usage: "slot:integer [slot ...]", complexity: constantTime},
		{name: "addslotsrange", arity: -4, flags: change, since: "7.0.0",
			usage: "start-slot:integer end-slot:integer [start-slot end-slot ...]", complexity: constantTime},
		{name: "bumpepoch", arity: 2, flags: change, since: "3.0.0", tips: []string{noFixedOutput},
			complexity: constantTime},
		{name: "count-failure-reports", arity: 3, flags: admin | stale, since: "3.0.0", tips: []string{noFixedOutput},
			usage: "node-id", complexity: constantTime},
		{name: "countkeysinslot", arity: 3, flags: stale, since: "3.0.0",
			usage: "slot:integer", complexity: constantTime},
		{name: "delslots", arity: -3, flags: change, since: "3.0.0",
			usage: "slot:integer [slot ...]", complexity: constantTime},
		{name: "delslotsrange", arity: -4, flags: change, since: "7.0.0",
			usage: "start-slot:integer end-slot:integer [start-slot end-slot ...]", complexity: constantTime},
		{name: "failover", arity: -2, flags: change, since: "3.0.0",
			usage: "[FORCE | TAKEOVER]", complexity: constantTime},
		{name: "flushslots", arity: 2, flags: change, since: "3.0.0", complexity: constantTime},
		{name: "forget", arity: 3, flags: change, since: "3.0.0", usage: "node-id", complexity: constantTime},
		{name: "getkeysinslot", arity: 4, flags: stale, since: "3.0.0", tips: []string{noFixedOutput},
			usage: "slot:integer count:integer", complexity: constantTime},
		{name: "help", arity: 2, flags: loading | stale, since: "5.0.0", complexity: constantTime},
		{name: "digest", arity: 2, flags: admin | stale | noMulti, since: ours, tips: []string{noFixedOutput}, handler: clusterDigest,
			complexity: constantTime,
			summary:    "Compute a digest of all stored keys: nodes that store the same have the same digest"},
		{name: "info", arity: 2, flags: stale, since: "3.0.0", tips: []string{noFixedOutput}, handler: clusterInfo,
			complexity: constantTime, summary: "Show the state of the cluster"},
		{name: "keyslot", arity: 3, flags: stale, since: "3.0.0", usage: "key", complexity: constantTime},
		{name: "links", arity: 2, flags: stale, since: "7.0.0", tips: []string{noFixedOutput},
			complexity: constantTime},
		{name: "meet", arity: -4, flags: change, since: "3.0.0",
			usage: "ip port:integer [cluster_bus_port:integer]", complexity: constantTime},
		{name: "myid", arity: 2, flags: stale, since: "3.0.0", handler: clusterMyID,
			complexity: constantTime, summary: "Get this node's id, as 40 digits"},
		{name: "nodes", arity: 2, flags: stale, since: "3.0.0", tips: []string{noFixedOutput},
			complexity: constantTime},
		{name: "replicas", arity: 3, flags: admin | stale, since: "5.0.0", tips: []string{noFixedOutput},
			usage: "node-id", complexity: constantTime},
		{name: "replicate", arity: 3, flags: change, since: "3.0.0", usage: "node-id", complexity: constantTime},
		{name: "reset", arity: -2, flags: admin | noscript | stale, since: "3.0.0",
			usage: "[HARD | SOFT]", complexity: constantTime},
		{name: "saveconfig", arity: 2, flags: change, since: "3.0.0", complexity: constantTime},
		{name: "set-config-epoch", arity: 3, flags: change, since: "3.0.0",
			usage: "config-epoch:integer", complexity: constantTime},
		{name: "setslot", arity: -4, flags: change, since: "3.0.0",
			usage:      "slot:integer <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>",
			complexity: constantTime},
		{name: "shards", arity: 2, flags: stale, since: "7.0.0", tips: []string{noFixedOutput},
			complexity: constantTime},
		{name: "slaves", arity: 3, flags: admin | stale, since: "3.0.0", tips: []string{noFixedOutput},
			usage: "node-id", complexity: constantTime, deprecated: deprecation{"5.0.0", "`CLUSTER REPLICAS`"}},
		{name: "slots", arity: 2, flags: stale, since: "3.0.0", tips: []string{noFixedOutput},
			complexity: constantTime, deprecated: deprecation{"7.0.0", "`CLUSTER SHARDS`"}},
	}
	for _, r := range rows {
		if r.handler == nil {
			r.handler, r.summary = cluster, "Not supported: this server is no part of a Redis Cluster"
		}
	}
	return rows
}

// cluster replies as a Redis server that is not part of a Redis Cluster. Client libraries ask in order to find that
// out.
func cluster(c *call) { c.fail(errNoCluster) }

// nodeName is a node's id in Redis's form: 40 digits.
func nodeName(id int) string { return fmt.Sprintf("%040x", id) }

func clusterMyID(c *call) { c.text(nodeName(c.server.Config.NodeID)) }

// clusterInfo is CLUSTER INFO: first the fields that say that this is no Redis Cluster, then the state of our cluster.
func clusterInfo(c *call) {
	r := &report{call: c}
	r.line("cluster_enabled", 0)
	st := c.server.replication()
	r.line("cluster_state", clusterState(&st))
	online, connected := 0, 0
	for i := range st.Peers {
		switch st.Peers[i].State {
		case replica.Online:
			online++
			fallthrough
		case replica.Syncing:
			connected++
		}
	}
	r.line("cluster_known_nodes", 1+len(st.Peers))
	r.line("cluster_connected_nodes", 1+connected)
	r.line("cluster_online_nodes", 1+online)
	r.line("cluster_unreachable_peers", len(st.Dials))
	r.line("cluster_my_id", nodeName(c.server.Config.NodeID))
	r.line("cluster_my_node_id", c.server.Config.NodeID)
	r.line("cluster_my_life", fmt.Sprintf("%016x", st.Life))
	r.line("cluster_my_run", fmt.Sprintf("%016x", st.Run))
	r.line("cluster_my_round", st.Round)
	infoPart(r)
	c.text(r.String())
}

// clusterState is one word: alone; off (there are peers, but this node may not replicate); ok (all peers that are
// listed or known are online); degraded (at least one peer is offline).
func clusterState(st *replica.Status) string {
	switch {
	case st.Off != "":
		return "off"
	case !st.Enabled:
		return "alone"
	case len(st.Dials) > 0:
		return "degraded"
	}
	for i := range st.Peers {
		if st.Peers[i].State != replica.Online {
			return "degraded"
		}
	}
	return "ok"
}

// replication is the state of replication; without peers the zero Status.
func (s *Server) replication() replica.Status {
	if s.Replication == nil {
		return replica.Status{Node: uint16(s.Config.NodeID)}
	}
	return s.Replication()
}

// infoReplication writes first the fields of a Redis master without replicas, because no node is a replica of another
// one, and then our own fields about the peers.
func infoReplication(r *report) {
	infoRedisReplication(r)
	st := r.call.server.replication()
	r.line("cluster_state", clusterState(&st))
	if !st.Enabled {
		if st.Off != "" {
			r.line("replication_off", st.Off)
		}
		return
	}
	r.line("replication_port", st.Port)
	r.line("replication_run", fmt.Sprintf("%016x", st.Run))
	r.line("replication_round", st.Round)
	r.line("replication_peers", len(st.Peers))
	for i := range st.Peers {
		r.line(fmt.Sprintf("peer%d", i), peerLine(&st.Peers[i]))
	}
	for i, d := range st.Dials {
		r.line(fmt.Sprintf("unreachable%d", i), fmt.Sprintf("address=%s,error=%s", d.Address, d.Error))
	}
}

// peerLine is the line of a peer, in the form of Redis's line of a replica. Times are in seconds. compared_seconds is
// -1 until the two nodes have compared all data once.
func peerLine(p *replica.PeerStatus) string {
	compared := -1.0
	if p.Compared >= 0 {
		compared = p.Compared.Seconds()
	}
	return fmt.Sprintf("node=%d,address=%s,state=%s,behind_rounds=%d,behind_keys=%d,behind_seconds=%.3f,silent_seconds=%.3f,"+
		"bytes_sent=%d,bytes_received=%d,deltas_sent=%d,deltas_received=%d,deltas_merged=%d,repairs=%d,filled=%d,given=%d,held=%d,"+
		"round_received=%d,round_durable=%d,compared_seconds=%.3f,comparing_percent=%.1f,run=%016x",
		p.Node, p.Address, p.State, p.BehindRounds, p.BehindKeys, p.Behind.Seconds(), p.Silent.Seconds(),
		p.BytesSent, p.BytesReceived, p.DeltasSent, p.DeltasReceived, p.DeltasMerged, p.Repairs, p.Filled, p.Given, p.Held,
		p.Received, p.Durable, compared, 100*p.Progress, p.Run)
}

// End begins the stop of the server: long work of commands in the background ends soon, and the clients that wait for
// it get an error.
func (s *Server) End() {
	s.end.Do(func() {
		close(s.over)
		s.digests.end()
	})
}

// isOver reports whether End has been called.
func (s *Server) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// Wait waits for the work with keys that commands have begun in the background; after End it ends soon. No command may
// run any more.
func (s *Server) Wait() { s.background.Wait() }
