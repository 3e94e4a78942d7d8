package command

// What is told to clients that spread commands over servers: Redis's words, in its order.
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
	ofQuotas      = "quota" // ours
	ofKeys        = "generic"
	ofTransaction = "transactions"
	ofConnection  = "connection"
	ofServer      = "server"
	ofCluster     = "cluster"
	ofBitmaps     = "bitmap"
)

// ours is the version of Redis that has a command which no version of Redis has.
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

// commands is the table of all commands.
func commands() []*row {
	var all []*row
	for _, family := range [][]*row{stringCommands(), bitCommands(), quotaCommands(), keyCommands(), transactionCommands(), connectionCommands(), serverCommands(), persistenceCommands()} {
		all = append(all, family...)
	}
	return all
}

func stringCommands() []*row {
	rows := []*row{
		{name: "get", arity: 2, flags: readonly | fast, keys: oneKey(reads), since: "1.0.0", handler: get, summary: "The value of a key"},
		{name: "set", arity: -3, flags: write | denyOOM, keys: oneKey("RW access update variable_flags"), since: "1.0.0", handler: set, summary: "Give a key a value, and perhaps a deadline"},
		{name: "getset", arity: 3, flags: write | denyOOM | fast, keys: oneKey(changes), since: "1.0.0", handler: getSet, summary: "Give a key a value and answer the one before"},
		{name: "getdel", arity: 2, flags: write | fast, keys: oneKey(takes), since: "6.2.0", handler: getDel, summary: "The value of a key, which is deleted"},
		{name: "getex", arity: -2, flags: write | fast, keys: oneKey(changes), since: "6.2.0", handler: getEX, summary: "The value of a key, whose deadline may change"},
		{name: "setnx", arity: 3, flags: write | denyOOM | fast, keys: oneKey(inserts), since: "1.0.0", handler: setNX, summary: "Give a key a value if it does not exist"},
		{name: "setex", arity: 4, flags: write | denyOOM, keys: oneKey(overwrites), since: "2.0.0", handler: setEX, summary: "Give a key a value for some seconds"},
		{name: "psetex", arity: 4, flags: write | denyOOM, keys: oneKey(overwrites), since: "2.6.0", handler: psetEX, summary: "Give a key a value for some milliseconds"},
		{name: "mget", arity: -2, flags: readonly | fast, keys: allKeys(reads), since: "1.0.0", tips: []string{multiShard}, handler: mget, summary: "The values of several keys"},
		{name: "mset", arity: -3, flags: write | denyOOM, keys: pairKeys(overwrites), since: "1.0.1", tips: []string{multiShard, allSucceeded}, handler: mset, summary: "Give several keys their values at once"},
		{name: "msetnx", arity: -3, flags: write | denyOOM, keys: pairKeys(inserts), since: "1.0.1", tips: []string{multiShard, leastOfShards}, handler: msetNX, summary: "Give several keys their values if none of them exists"},
		{name: "strlen", arity: 2, flags: readonly | fast, keys: oneKey(looksAt), since: "2.2.0", handler: strlen, summary: "How many bytes a value has"},
		{name: "getrange", arity: 4, flags: readonly, keys: oneKey(reads), since: "2.4.0", handler: getRange, summary: "Some of a value's bytes, from one position to another"},
		{name: "substr", arity: 4, flags: readonly, keys: oneKey(reads), since: "1.0.0", handler: getRange, summary: "GETRANGE by its old name"},
		{name: "setrange", arity: 4, flags: write | denyOOM, keys: oneKey(touches), since: "2.2.0", handler: setRange, summary: "Write over some of a value's bytes"},
		{name: "append", arity: 3, flags: write | denyOOM | fast, keys: oneKey("RW insert"), since: "2.0.0", handler: appendTo, summary: "Write behind a value's bytes"},
		{name: "lcs", arity: -3, flags: readonly, keys: twoKeys(reads), since: "7.0.0", handler: lcs, summary: "The longest common subsequence of two values"},
		{name: "incr", arity: 2, flags: write | denyOOM | fast, keys: oneKey(changes), since: "1.0.0", handler: incr, summary: "Count one up"},
		{name: "incrby", arity: 3, flags: write | denyOOM | fast, keys: oneKey(changes), since: "1.0.0", handler: incrBy, summary: "Count up by a number"},
		{name: "decr", arity: 2, flags: write | denyOOM | fast, keys: oneKey(changes), since: "1.0.0", handler: decr, summary: "Count one down"},
		{name: "decrby", arity: 3, flags: write | denyOOM | fast, keys: oneKey(changes), since: "1.0.0", handler: decrBy, summary: "Count down by a number"},
		{name: "incrbyfloat", arity: 3, flags: write | denyOOM | fast, keys: oneKey(changes), since: "2.6.0", handler: incrByFloat, summary: "Refused: counters are integers"},
	}
	return inGroup(rows, ofStrings, aclString)
}

func bitCommands() []*row {
	rows := []*row{
		{name: "setbit", arity: 4, flags: write | denyOOM, keys: oneKey(changes), since: "2.2.0", handler: setBit, summary: "Set one bit of a value and answer the one before"},
		{name: "getbit", arity: 3, flags: readonly | fast, keys: oneKey(reads), since: "2.2.0", handler: getBit, summary: "One bit of a value"},
		{name: "bitcount", arity: -2, flags: readonly, keys: oneKey(reads), since: "2.6.0", handler: bitCount, summary: "How many bits of a value are 1"},
		{name: "bitpos", arity: -3, flags: readonly, keys: oneKey(reads), since: "2.8.7", handler: bitPos, summary: "The first bit of a value that is 1, or 0"},
	}
	return inGroup(rows, ofBitmaps, aclBitmap)
}

func quotaCommands() []*row {
	rows := []*row{
		{name: "quotaset", arity: 4, flags: write | denyOOM | fast, keys: oneKey(touches), since: ours, handler: quotaSet, summary: "Make a key a token bucket of a limit per window of seconds"},
		{name: "quotaget", arity: -2, flags: readonly | fast, keys: oneKey(looksAt), since: ours, handler: quotaGet, summary: "A quota's limit, window and remaining tokens"},
		{name: "quotadel", arity: 2, flags: write | fast, keys: oneKey(touches), since: ours, handler: quotaDel, summary: "Make a quota a counter again"},
		{name: "quotaincr", arity: -4, flags: write | denyOOM | fast, keys: oneKey(changes), since: ours, handler: quotaIncr, summary: "Take tokens from a quota, which is made if there is none"},
		{name: "cl.throttle", arity: -5, flags: write | denyOOM | fast, keys: oneKey(changes), since: ours, handler: throttle, summary: "Take tokens from a quota, as the module redis-cell does"},
	}
	counters := []*row{
		{name: "increx", arity: -2, flags: write | denyOOM | fast, keys: oneKey(changes), since: "8.8.0", handler: increx, summary: "Count within bounds, and perhaps set a deadline"},
	}
	return append(inGroup(rows, ofQuotas, aclString), inGroup(counters, ofStrings, aclString)...)
}

func keyCommands() []*row {
	rows := []*row{
		{name: "del", arity: -2, flags: write, keys: allKeys(removes), since: "1.0.0", tips: []string{multiShard, sumOfShards}, handler: del, summary: "Delete keys"},
		{name: "unlink", arity: -2, flags: write | fast, keys: allKeys(removes), since: "4.0.0", tips: []string{multiShard, sumOfShards}, handler: del, summary: "Delete keys, as DEL does"},
		{name: "exists", arity: -2, flags: readonly | fast, keys: allKeys(looksAt), since: "1.0.0", tips: []string{multiShard, sumOfShards}, handler: exists, summary: "How many of the keys exist"},
		{name: "touch", arity: -2, flags: readonly | fast, keys: allKeys(looksAt), since: "3.2.1", tips: []string{multiShard, sumOfShards}, handler: exists, summary: "How many of the keys exist, as EXISTS answers"},
		{name: "type", arity: 2, flags: readonly | fast, keys: oneKey(looksAt), since: "1.0.0", handler: typeOf, summary: "The type of a value"},
		{name: "randomkey", arity: 1, flags: readonly | wholeKeyspace, since: "1.0.0", tips: []string{allShards, noFixedOutput}, handler: randomKey, summary: "Some key"},
		{name: "keys", arity: 2, flags: readonly | wholeKeyspace, acl: aclDangerous, since: "1.0.0", tips: []string{allShards, noFixedOrder}, handler: listKeys, summary: "All keys that match a pattern"},
		{name: "scan", arity: -2, flags: readonly | wholeKeyspace, since: "2.8.0", tips: []string{noFixedOutput, "request_policy:special"}, handler: scan, summary: "Some keys, and the cursor to go on with"},
		{name: "rename", arity: 3, flags: write, keys: fromTo(takes, "OW update"), since: "1.0.0", handler: rename, summary: "Give a key another name"},
		{name: "renamenx", arity: 3, flags: write | fast, keys: fromTo(takes, inserts), since: "1.0.0", handler: renameNX, summary: "Give a key another name if no key has it"},
		{name: "copy", arity: -3, flags: write | denyOOM, keys: fromTo(reads, "OW update"), since: "6.2.0", handler: copyKey, summary: "Give a key's value and deadline to another key too"},
		{name: "move", arity: 3, flags: write | fast, keys: oneKey(changes), since: "1.0.0", handler: move, summary: "Refused: there is one database"},
		{name: "expire", arity: -3, flags: write | fast, keys: oneKey(touches), since: "1.0.0", handler: expire, summary: "End a key in some seconds"},
		{name: "pexpire", arity: -3, flags: write | fast, keys: oneKey(touches), since: "2.6.0", handler: pexpire, summary: "End a key in some milliseconds"},
		{name: "expireat", arity: -3, flags: write | fast, keys: oneKey(touches), since: "1.2.0", handler: expireAt, summary: "End a key at a time in seconds since 1970"},
		{name: "pexpireat", arity: -3, flags: write | fast, keys: oneKey(touches), since: "2.6.0", handler: pexpireAt, summary: "End a key at a time in milliseconds since 1970"},
		{name: "ttl", arity: 2, flags: readonly | fast, keys: oneKey(reads), since: "1.0.0", tips: []string{noFixedOutput}, handler: ttl, summary: "How many seconds a key has left"},
		{name: "pttl", arity: 2, flags: readonly | fast, keys: oneKey(reads), since: "2.6.0", tips: []string{noFixedOutput}, handler: pttl, summary: "How many milliseconds a key has left"},
		{name: "expiretime", arity: 2, flags: readonly | fast, keys: oneKey(reads), since: "7.0.0", handler: expireTime, summary: "When a key ends, in seconds since 1970"},
		{name: "pexpiretime", arity: 2, flags: readonly | fast, keys: oneKey(reads), since: "7.0.0", handler: pexpireTime, summary: "When a key ends, in milliseconds since 1970"},
		{name: "persist", arity: 2, flags: write | fast, keys: oneKey(touches), since: "2.2.0", handler: persistKey, summary: "Take a key's deadline away"},
	}
	rows = inGroup(rows, ofKeys, aclKeyspace)
	return append(rows, &row{name: "object", arity: -2, group: ofKeys, since: "2.2.3", summary: "How keys are kept", subs: []*row{
		{name: "encoding", arity: 3, flags: readonly, acl: aclKeyspace, keys: subKey(looksAt), since: "2.2.3", tips: []string{noFixedOutput}, handler: objectEncoding, summary: "How a value is kept: int, embstr or raw"},
		{name: "freq", arity: 3, flags: readonly, acl: aclKeyspace, keys: subKey(looksAt), since: "4.0.0", tips: []string{noFixedOutput}, handler: objectFreq, summary: "Refused: it is not counted how often a key is used"},
		{name: "idletime", arity: 3, flags: readonly, acl: aclKeyspace, keys: subKey(looksAt), since: "2.2.3", tips: []string{noFixedOutput}, handler: objectIdleTime, summary: "Always 0: it is not noted when a key was used"},
		{name: "refcount", arity: 3, flags: readonly, acl: aclKeyspace, keys: subKey(looksAt), since: "2.2.3", tips: []string{noFixedOutput}, handler: objectRefCount, summary: "Always 1: no two keys share a value"},
		{name: "help", arity: 2, flags: loading | stale, acl: aclKeyspace, since: "6.2.0", handler: help, summary: "This list"},
	}})
}

func transactionCommands() []*row {
	const plain = noscript | loading | stale | allowBusy | fast
	rows := []*row{
		{name: "multi", arity: 1, flags: plain | atOnce, since: "1.2.0", handler: multi, summary: "Queue the commands that follow, for EXEC"},
		{name: "exec", arity: 1, flags: noscript | loading | stale | skipSlowlog | atOnce | unseen | commits, since: "1.2.0", handler: execQueue, summary: "Run the queued commands, nothing in between"},
		{name: "discard", arity: 1, flags: plain | atOnce, since: "2.0.0", handler: discard, summary: "Forget the queued commands"},
		{name: "watch", arity: -2, flags: plain | atOnce, keys: allKeys(looksAt), since: "2.2.0", handler: watch, summary: "Have EXEC do nothing if one of the keys changes"},
		{name: "unwatch", arity: 1, flags: plain, since: "2.2.0", handler: unwatch, summary: "Forget what WATCH has said"},
	}
	return inGroup(rows, ofTransaction, aclTransaction)
}

func connectionCommands() []*row {
	const early = noscript | loading | stale | fast | noAuth | allowBusy // also before a login
	rows := []*row{
		{name: "ping", arity: -1, flags: fast, since: "1.0.0", tips: []string{allShards, allSucceeded}, handler: ping, summary: "Answer PONG, or the message"},
		{name: "echo", arity: 2, flags: loading | stale | fast, since: "1.0.0", handler: echo, summary: "Answer the message"},
		{name: "quit", arity: -1, flags: early | atOnce, since: "1.0.0", handler: quit, summary: "End the connection"},
		{name: "reset", arity: 1, flags: early | atOnce, since: "6.2.0", handler: reset, summary: "Make the connection as it was at first"},
		{name: "auth", arity: -2, flags: early, since: "1.0.0", secrets: secretsFrom(1), handler: auth, summary: "Log in"},
		{name: "hello", arity: -1, flags: early, since: "6.0.0", secrets: helloSecrets, handler: hello, summary: "Choose the protocol, log in, name the connection"},
		{name: "select", arity: 2, flags: loading | stale | fast, since: "1.0.0", handler: selectDB, summary: "Choose database 0, the only one"},
	}
	rows = inGroup(rows, ofConnection, aclConnection)
	rows = append(rows, inGroup([]*row{
		{name: "readonly", arity: 1, flags: loading | stale | fast, since: "3.0.0", handler: cluster, summary: "Refused: this is not part of a Redis cluster"},
		{name: "readwrite", arity: 1, flags: loading | stale | fast, since: "3.0.0", handler: cluster, summary: "Refused: this is not part of a Redis cluster"},
		{name: "asking", arity: 1, flags: fast, since: "3.0.0", handler: cluster, summary: "Refused: this is not part of a Redis cluster"},
	}, ofCluster, aclConnection)...)
	const plain = noscript | loading | stale
	const ruling = admin | plain
	subs := []*row{
		{name: "caching", arity: 3, flags: plain, acl: aclConnection, since: "6.0.0", handler: clientCaching, summary: "Refused: there is no client side caching"},
		{name: "getredir", arity: 2, flags: plain, acl: aclConnection, since: "6.0.0", handler: clientGetRedir, summary: "-1: there is no client side caching"},
		{name: "getname", arity: 2, flags: plain, acl: aclConnection, since: "2.6.9", handler: clientGetName, summary: "The name of this connection"},
		{name: "id", arity: 2, flags: plain, acl: aclConnection, since: "5.0.0", handler: clientID, summary: "The number of this connection"},
		{name: "info", arity: 2, flags: plain, acl: aclConnection, since: "6.2.0", tips: []string{noFixedOutput}, handler: clientInfo, summary: "All about this connection, as in LIST"},
		{name: "list", arity: -2, flags: admin | plain, acl: aclConnection, since: "2.4.0", tips: []string{noFixedOutput}, handler: clientList, summary: "All connections, or those of a TYPE or with an ID"},
		{name: "kill", arity: -3, flags: ruling, acl: aclConnection, since: "2.4.0", handler: clientKill, summary: "End the connection of an address, or those that match ID, TYPE, USER, ADDR, LADDR, SKIPME, MAXAGE"},
		{name: "no-evict", arity: 3, flags: ruling, acl: aclConnection, since: "7.0.0", handler: clientNoEvict, summary: "Taken note of: no client is ever evicted"},
		{name: "no-touch", arity: 3, flags: plain, acl: aclConnection, since: "7.2.0", handler: clientNoTouch, summary: "Taken note of: no use of a key is ever noted"},
		{name: "pause", arity: -3, flags: ruling, acl: aclConnection, since: "2.9.50", handler: clientPause, summary: "Have all clients wait for some milliseconds, or those that WRITE"},
		{name: "reply", arity: 3, flags: plain | atOnce, acl: aclConnection, since: "3.2.0", handler: clientReply, summary: "Turn the replies to this connection ON or OFF, or SKIP the next"},
		{name: "setinfo", arity: 4, flags: plain, acl: aclConnection, since: "7.2.0", tips: []string{"request_policy:all_nodes", allSucceeded}, handler: clientSetInfo, summary: "Tell LIB-NAME or LIB-VER of the client's library"},
		{name: "setname", arity: 3, flags: plain, acl: aclConnection, since: "2.6.9", handler: clientSetName, summary: "Name this connection"},
		{name: "tracking", arity: -3, flags: plain, acl: aclConnection, since: "6.0.0", handler: clientTracking, summary: "OFF; ON is refused: there is no client side caching"},
		{name: "trackinginfo", arity: 2, flags: plain, acl: aclConnection, since: "6.2.0", handler: clientTrackingInfo, summary: "That tracking is off"},
		{name: "unblock", arity: -3, flags: ruling, acl: aclConnection, since: "5.0.0", handler: clientUnblock, summary: "0: no client ever blocks"},
		{name: "unpause", arity: 2, flags: ruling | endsPause, acl: aclConnection, since: "6.2.0", handler: clientUnpause, summary: "End CLIENT PAUSE"},
		{name: "help", arity: 2, flags: loading | stale, acl: aclConnection, since: "5.0.0", handler: help, summary: "This list"},
	}
	return append(rows, &row{name: "client", arity: -2, group: ofConnection, since: "2.4.0", summary: "Connections", subs: subs})
}

func serverCommands() []*row {
	shards := []string{allShards, allSucceeded}
	figures := []string{noFixedOutput, allShards, "response_policy:special"}
	return []*row{
		{name: "dbsize", arity: 1, flags: readonly | fast | wholeKeyspace, acl: aclKeyspace, group: ofServer, since: "1.0.0", tips: []string{allShards, sumOfShards}, handler: dbSize, summary: "How many keys there are"},
		{name: "flushdb", arity: -1, flags: write | wholeKeyspace, acl: aclKeyspace | aclDangerous, group: ofServer, since: "1.0.0", tips: shards, handler: flush, summary: "Delete all keys"},
		{name: "flushall", arity: -1, flags: write | wholeKeyspace, acl: aclKeyspace | aclDangerous, group: ofServer, since: "1.0.0", tips: shards, handler: flush, summary: "Delete all keys"},
		{name: "swapdb", arity: 3, flags: write | fast, acl: aclKeyspace | aclDangerous, group: ofServer, since: "4.0.0", handler: swapDB, summary: "Swap database 0, the only one, with itself"},
		{name: "lolwut", arity: -1, flags: readonly | fast, group: ofServer, since: "5.0.0", handler: lolwut, summary: "A picture, and the version"},
		{name: "time", arity: 1, flags: loading | stale | fast, group: ofServer, since: "2.6.0", tips: []string{noFixedOutput}, handler: timeOf, summary: "The server's time: seconds since 1970 and microseconds"},
		{name: "info", arity: -1, flags: loading | stale | wholeKeyspace, acl: aclDangerous, group: ofServer, since: "1.0.0", tips: []string{noFixedOutput, allShards, "response_policy:special"}, handler: info, summary: "Figures about the server"},
		{name: "shutdown", arity: -1, flags: admin | noscript | loading | stale | noMulti | allowBusy, group: ofServer, since: "1.0.0", handler: shutdown, summary: "Stop the server"},
		{name: "monitor", arity: 1, flags: admin | noscript | loading | stale, group: ofServer, since: "1.0.0", handler: monitor, summary: "Show all commands as they run"},
		{name: "acl", arity: -2, group: ofServer, since: "6.0.0", summary: "Users and what they may do", subs: aclCommands()},
		{name: "config", arity: -2, group: ofServer, since: "2.0.0", summary: "Parameters", subs: configCommands()},
		{name: "command", arity: -1, flags: loading | stale, acl: aclConnection, group: ofServer, since: "2.8.13", tips: []string{noFixedOrder}, handler: commandAll, summary: "All about the commands", subs: commandCommands()},
		{name: "memory", arity: -2, group: ofServer, since: "4.0.0", summary: "Memory of keys", subs: []*row{
			{name: "usage", arity: -3, flags: readonly, keys: subKey(looksAt), since: "4.0.0", handler: memoryUsage, summary: "About how many bytes a key takes"},
			{name: "stats", arity: 2, flags: wholeKeyspace, since: "4.0.0", tips: figures, handler: memoryStats, summary: "How much memory there is for what"},
			{name: "doctor", arity: 2, since: "4.0.0", tips: figures, handler: memoryDoctor, summary: "What is wrong with the use of memory"},
			{name: "purge", arity: 2, flags: takesLong, since: "4.0.0", tips: shards, handler: memoryPurge, summary: "Give idle memory back to the system"},
			{name: "malloc-stats", arity: 2, since: "4.0.0", tips: figures, handler: memoryMallocStats, summary: "Go's own figures of memory"},
			{name: "help", arity: 2, flags: loading | stale, since: "4.0.0", handler: help, summary: "This list"},
		}},
		{name: "slowlog", arity: -2, group: ofServer, since: "2.2.12", summary: "Commands that took long", subs: slowlogCommands()},
		{name: "latency", arity: -2, group: ofServer, since: "2.8.13", summary: "How long things have taken", subs: latencyCommands()},
		{name: "cluster", arity: -2, group: ofCluster, since: "3.0.0", summary: "Refused: this is not part of a Redis cluster", subs: clusterCommands()},
	}
}

func configCommands() []*row {
	const plain = admin | noscript | loading | stale
	return []*row{
		{name: "get", arity: -3, flags: plain, since: "2.0.0", handler: configGet, summary: "Parameters by name or pattern"},
		{name: "set", arity: -4, flags: plain, since: "2.0.0", tips: []string{"request_policy:all_nodes", allSucceeded}, secrets: configSecrets, handler: configSet, summary: "Change parameters, all or none"},
		{name: "resetstat", arity: 2, flags: plain | wholeKeyspace, since: "2.0.0", handler: configResetStat, summary: "Begin to count anew"},
		{name: "rewrite", arity: 2, flags: plain, since: "2.8.0", handler: configRewrite, summary: "Refused: there is no configuration file"},
		{name: "help", arity: 2, flags: loading | stale, since: "5.0.0", handler: help, summary: "This list"},
	}
}

func commandCommands() []*row {
	const plain = loading | stale
	unordered := []string{noFixedOrder}
	return []*row{
		{name: "count", arity: 2, flags: plain, acl: aclConnection, since: "2.8.13", handler: commandCount, summary: "How many commands there are"},
		{name: "docs", arity: -2, flags: plain, acl: aclConnection, since: "7.0.0", tips: unordered, handler: commandDocs, summary: "Commands in words"},
		{name: "getkeys", arity: -4, flags: plain, acl: aclConnection, since: "2.8.13", handler: commandGetKeys, summary: "The keys of a whole command"},
		{name: "getkeysandflags", arity: -4, flags: plain, acl: aclConnection, since: "7.0.0", handler: commandGetKeysAndFlags, summary: "The keys of a whole command, and how it uses them"},
		{name: "info", arity: -2, flags: plain, acl: aclConnection, since: "2.8.13", tips: unordered, handler: commandInfo, summary: "Commands in figures"},
		{name: "list", arity: -2, flags: plain, acl: aclConnection, since: "7.0.0", tips: unordered, handler: commandList, summary: "Names of commands, perhaps FILTERBY MODULE, ACLCAT or PATTERN"},
		{name: "help", arity: 2, flags: plain, acl: aclConnection, since: "5.0.0", handler: help, summary: "This list"},
	}
}

// inGroup completes rows of one family.
func inGroup(rows []*row, group string, acl categories) []*row {
	for _, r := range rows {
		r.group = group
		r.acl |= acl
	}
	return rows
}
