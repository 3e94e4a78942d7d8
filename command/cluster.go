package command

// cluster answers what a Redis answers that is not part of one of its clusters: clients ask, to find out.
func cluster(c *call) { c.fail(errNoCluster) }

// clusterCommands are all subcommands of CLUSTER: a client is to learn that there is no cluster, not that it made a mistake.
func clusterCommands() []*row {
	const change = admin | stale | noAsyncLoading
	rows := []*row{
		{name: "addslots", arity: -3, flags: change, since: "3.0.0"},
		{name: "addslotsrange", arity: -4, flags: change, since: "7.0.0"},
		{name: "bumpepoch", arity: 2, flags: change, since: "3.0.0", tips: []string{noFixedOutput}},
		{name: "count-failure-reports", arity: 3, flags: admin | stale, since: "3.0.0", tips: []string{noFixedOutput}},
		{name: "countkeysinslot", arity: 3, flags: stale, since: "3.0.0"},
		{name: "delslots", arity: -3, flags: change, since: "3.0.0"},
		{name: "delslotsrange", arity: -4, flags: change, since: "7.0.0"},
		{name: "failover", arity: -2, flags: change, since: "3.0.0"},
		{name: "flushslots", arity: 2, flags: change, since: "3.0.0"},
		{name: "forget", arity: 3, flags: change, since: "3.0.0"},
		{name: "getkeysinslot", arity: 4, flags: stale, since: "3.0.0", tips: []string{noFixedOutput}},
		{name: "help", arity: 2, flags: loading | stale, since: "5.0.0"},
		{name: "info", arity: 2, flags: stale, since: "3.0.0", tips: []string{noFixedOutput}},
		{name: "keyslot", arity: 3, flags: stale, since: "3.0.0"},
		{name: "links", arity: 2, flags: stale, since: "7.0.0", tips: []string{noFixedOutput}},
		{name: "meet", arity: -4, flags: change, since: "3.0.0"},
		{name: "myid", arity: 2, flags: stale, since: "3.0.0"},
		{name: "nodes", arity: 2, flags: stale, since: "3.0.0", tips: []string{noFixedOutput}},
		{name: "replicas", arity: 3, flags: admin | stale, since: "5.0.0", tips: []string{noFixedOutput}},
		{name: "replicate", arity: 3, flags: change, since: "3.0.0"},
		{name: "reset", arity: -2, flags: admin | noscript | stale, since: "3.0.0"},
		{name: "saveconfig", arity: 2, flags: change, since: "3.0.0"},
		{name: "set-config-epoch", arity: 3, flags: change, since: "3.0.0"},
		{name: "setslot", arity: -4, flags: change, since: "3.0.0"},
		{name: "shards", arity: 2, flags: stale, since: "7.0.0", tips: []string{noFixedOutput}},
		{name: "slaves", arity: 3, flags: admin | stale, since: "3.0.0", tips: []string{noFixedOutput}},
		{name: "slots", arity: 2, flags: stale, since: "3.0.0", tips: []string{noFixedOutput}},
	}
	for _, r := range rows {
		r.handler, r.summary = cluster, "Refused: this is not part of a Redis cluster"
	}
	return rows
}
