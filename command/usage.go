package command

// manual is what people read about a command beside its summary.
type manual struct {
	usage      string // its arguments, as people write them; parseUsage says how
	complexity string
}

// manuals are those of all commands, by full name.
func manuals() map[string]manual {
	const (
		always       = "O(1)"
		eachKey      = "O(N) in the number of keys"
		eachClient   = "O(N) in the number of connections"
		eachCommand  = "O(N) in the number of commands"
		eachArgument = "O(N) in the number of arguments"
		bySub        = "Depends on the subcommand"
		ends         = "[EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | "
		condition    = " [NX | XX | GT | LT]"
	)
	return map[string]manual{
		"get":         {"key", always},
		"set":         {"key value [NX | XX] [GET] " + ends + "KEEPTTL]", always},
		"getset":      {"key value", always},
		"getdel":      {"key", always},
		"getex":       {"key " + ends + "PERSIST]", always},
		"setnx":       {"key value", always},
		"setex":       {"key seconds value", always},
		"psetex":      {"key milliseconds value", always},
		"mget":        {"key [key ...]", eachKey},
		"mset":        {"key value [key value ...]", eachKey},
		"msetnx":      {"key value [key value ...]", eachKey},
		"strlen":      {"key", always},
		"incr":        {"key", always},
		"incrby":      {"key increment", always},
		"decr":        {"key", always},
		"decrby":      {"key decrement", always},
		"incrbyfloat": {"key increment", always},

		"quotaset":    {"key limit window", always},
		"quotaget":    {"key [FULL]", always},
		"quotadel":    {"key", always},
		"quotaincr":   {"key limit window [tokens]", always},
		"cl.throttle": {"key max-burst count period [quantity]", always},
		"increx": {"key [BYINT increment] [LBOUND lower-bound] [UBOUND upper-bound] [SATURATE] " + ends + "PERSIST] [ENX] [NX | XX]",
			always},

		"del":             {"key [key ...]", eachKey},
		"unlink":          {"key [key ...]", eachKey},
		"exists":          {"key [key ...]", eachKey},
		"touch":           {"key [key ...]", eachKey},
		"type":            {"key", always},
		"randomkey":       {"", always},
		"keys":            {"pattern", "O(N) in the number of all keys"},
		"scan":            {"cursor [MATCH pattern] [COUNT count] [TYPE type]", "O(1) for a call that counts 1, O(N) for all of them, in the number of all keys"},
		"expire":          {"key seconds" + condition, always},
		"pexpire":         {"key milliseconds" + condition, always},
		"expireat":        {"key unix-time-seconds" + condition, always},
		"pexpireat":       {"key unix-time-milliseconds" + condition, always},
		"ttl":             {"key", always},
		"pttl":            {"key", always},
		"expiretime":      {"key", always},
		"pexpiretime":     {"key", always},
		"persist":         {"key", always},
		"object":          {"", bySub},
		"object|encoding": {"key", always},
		"object|help":     {"", always},

		"ping":           {"[message]", always},
		"echo":           {"message", always},
		"quit":           {"", always},
		"reset":          {"", always},
		"auth":           {"[username] password", always},
		"hello":          {"[protover [AUTH username password] [SETNAME clientname]]", always},
		"select":         {"index", always},
		"client":         {"", bySub},
		"client|getname": {"", always},
		"client|id":      {"", always},
		"client|info":    {"", always},
		"client|list":    {"[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]", eachClient},
		"client|setinfo": {"<LIB-NAME libname | LIB-VER libver>", always},
		"client|setname": {"connection-name", always},
		"client|help":    {"", always},

		"dbsize":                  {"", always},
		"flushdb":                 {"[ASYNC | SYNC]", eachKey},
		"flushall":                {"[ASYNC | SYNC]", eachKey},
		"time":                    {"", always},
		"info":                    {"[section [section ...]]", always},
		"shutdown":                {"[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]", always},
		"config":                  {"", bySub},
		"config|get":              {"parameter [parameter ...]", eachArgument},
		"config|set":              {"parameter value [parameter value ...]", eachArgument},
		"config|resetstat":        {"", always},
		"config|rewrite":          {"", always},
		"config|help":             {"", always},
		"command":                 {"", eachCommand},
		"command|count":           {"", always},
		"command|docs":            {"[command-name [command-name ...]]", eachCommand},
		"command|getkeys":         {"command [arg [arg ...]]", eachArgument},
		"command|getkeysandflags": {"command [arg [arg ...]]", eachArgument},
		"command|info":            {"[command-name [command-name ...]]", eachCommand},
		"command|list":            {"[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]", eachCommand},
		"command|help":            {"", always},
		"memory":                  {"", bySub},
		"memory|usage":            {"key [SAMPLES count]", always},
		"memory|help":             {"", always},
		"cluster":                 {"", bySub},
		"cluster|help":            {"", always},
		"cluster|info":            {"", always},
		"cluster|nodes":           {"", always},
		"cluster|shards":          {"", always},
		"cluster|slots":           {"", always},
		"cluster|keyslot":         {"key", always},
		"cluster|myid":            {"", always},

		"getrange":                      {"key start end", "O(N) in the bytes that are answered"},
		"substr":                        {"key start end", "O(N) in the bytes that are answered"},
		"setrange":                      {"key offset value", "O(1) within a long value, O(N) in its bytes where it grows"},
		"append":                        {"key value", "O(N) in the bytes of the value"},
		"lcs":                           {"key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]", "O(N*M) in the bytes of the values"},
		"setbit":                        {"key offset value", always},
		"getbit":                        {"key offset", always},
		"bitcount":                      {"key [start end [BYTE | BIT]]", "O(N) in the bytes of the range"},
		"bitpos":                        {"key bit [start [end [BYTE | BIT]]]", "O(N) in the bytes of the range"},
		"rename":                        {"key newkey", always},
		"renamenx":                      {"key newkey", always},
		"copy":                          {"source destination [DB destination-db] [REPLACE]", always},
		"move":                          {"key db", always},
		"swapdb":                        {"index1 index2", always},
		"object|freq":                   {"key", always},
		"object|idletime":               {"key", always},
		"object|refcount":               {"key", always},
		"readonly":                      {"", always},
		"readwrite":                     {"", always},
		"asking":                        {"", always},
		"lolwut":                        {"[VERSION version]", always},
		"memory|stats":                  {"", always},
		"memory|doctor":                 {"", always},
		"memory|purge":                  {"", always},
		"memory|malloc-stats":           {"", always},
		"cluster|addslots":              {"slot [slot ...]", always},
		"cluster|addslotsrange":         {"start-slot end-slot [start-slot end-slot ...]", always},
		"cluster|bumpepoch":             {"", always},
		"cluster|count-failure-reports": {"node-id", always},
		"cluster|countkeysinslot":       {"slot", always},
		"cluster|delslots":              {"slot [slot ...]", always},
		"cluster|delslotsrange":         {"start-slot end-slot [start-slot end-slot ...]", always},
		"cluster|failover":              {"[FORCE | TAKEOVER]", always},
		"cluster|flushslots":            {"", always},
		"cluster|forget":                {"node-id", always},
		"cluster|getkeysinslot":         {"slot count", always},
		"cluster|links":                 {"", always},
		"cluster|meet":                  {"ip port [cluster_bus_port]", always},
		"cluster|replicas":              {"node-id", always},
		"cluster|replicate":             {"node-id", always},
		"cluster|reset":                 {"[HARD | SOFT]", always},
		"cluster|saveconfig":            {"", always},
		"cluster|set-config-epoch":      {"config-epoch", always},
		"cluster|setslot":               {"slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>", always},
		"cluster|slaves":                {"node-id", always},
	}
}

// deprecation is Redis's advice against a command.
type deprecation struct{ since, instead string }

// deprecations are those of commands that Redis 7.0 advises against, by full name.
func deprecations() map[string]deprecation {
	return map[string]deprecation{
		"getset":         {"6.2.0", "`SET` with `GET`"},
		"cluster|slots":  {"7.0.0", "`CLUSTER SHARDS`"},
		"cluster|slaves": {"5.0.0", "`CLUSTER REPLICAS`"},
		"substr":         {"2.0.0", "`GETRANGE`"},
	}
}
