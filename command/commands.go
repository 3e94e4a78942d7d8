package command

// Tips for clients that spread commands over several servers, in Redis's words and order.
const (
	allShards     = "request_policy:all_shards"
	multiShard    = "request_policy:multi_shard"
	allSucceeded  = "response_policy:all_succeeded"
	sumOfShards   = "response_policy:agg_sum"
	leastOfShards = "response_policy:agg_min"
	noFixedOutput = "nondeterministic_output"
	noFixedOrder  = "nondeterministic_output_order"
)

// Headings in the help of redis-cli.
const (
	ofStrings     = "string"
	ofQuotas      = "quota" // Redis has no such group
	ofKeys        = "generic"
	ofTransaction = "transactions"
	ofConnection  = "connection"
	ofServer      = "server"
	ofCluster     = "cluster"
	ofBitmaps     = "bitmap"
)

// ours is the since version of commands that no version of Redis has.
const ours = "0.0.0"

// How a command uses its keys: R reads, O overwrites, W writes, M marks for removal.
const (
	looksAt    = "RO"
	reads      = "RO access"
	changes    = "RW access update"
	touches    = "RW update"
	overwrites = "OW update"
	inserts    = "OW insert"
	takes      = "RW access delete"
	removes    = "RM delete"
)

// Costs of commands in COMMAND DOCS. A row may also have a text of its own.
const (
	constantTime = "O(1)"
	perKey       = "O(N) in the number of keys"
	perClient    = "O(N) in the number of connections"
	perCommand   = "O(N) in the number of commands"
	perArgument  = "O(N) in the number of arguments"
	bySubcommand = "Depends on the subcommand"
)

// Parts of the usage lines of several commands.
const (
	expiryWords = "[EX seconds:integer | PX milliseconds:integer | EXAT unix-time-seconds:unix-time | " +
		"PXAT unix-time-milliseconds:unix-time | " // the command adds the last alternative and the bracket
	expireWords = " [NX | XX | GT | LT]"
)

// chapter is the commands under one heading of docs/commands.md.
type chapter struct {
	heading  string
	families [][]*row
}

// chapters are all commands. The rows of a family of commands stand in the file of their handlers.
func chapters() []chapter {
	return []chapter{
		{"Strings and counters", [][]*row{stringCommands(), rangeCommands(), lcsCommands(), counterCommands(), increxCommands(), bitCommands()}},
		{"Quotas", [][]*row{quotaCommands()}},
		{"Keys", [][]*row{keyCommands(), scanCommands(), renameCommands(), expireCommands(), objectCommands()}},
		{"Transactions", [][]*row{transactionCommands()}},
		{"Connection", [][]*row{connectionCommands(), clientCommands()}},
		{"Server", [][]*row{serverCommands(), flushCommands(), infoCommands(), monitorCommands(), slowlogCommands(), latencyCommands(),
			memoryCommands(), persistenceCommands(), configCommands(), aclCommands(), commandCommands()}},
		{"Cluster", [][]*row{clusterCommands()}},
	}
}

// commands is the rows of the table of all commands.
func commands() []*row {
	var all []*row
	for _, c := range chapters() {
		for _, family := range c.families {
			all = append(all, family...)
		}
	}
	return all
}

// helpRow is the subcommand HELP of a container.
func helpRow(since string, acl categories) *row {
	return &row{name: "help", arity: 2, flags: loading | stale, acl: acl, since: since, handler: help,
		complexity: constantTime, summary: "List the subcommands"}
}

// inGroup sets group and categories in the rows of one family.
func inGroup(rows []*row, group string, acl categories) []*row {
	for _, r := range rows {
		r.group = group
		r.acl |= acl
	}
	return rows
}
