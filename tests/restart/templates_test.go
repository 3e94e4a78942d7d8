package restart

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// templates are the commands, at least one for each row of the command table, and for each row within a row. <key> is
// one of few keys; other names in angle brackets are replaced by one of fillings.
var templates = strings.Split(strings.TrimSpace(`
GET <key>
SET <key> <value>
SET <key> <value> <when>
SET <key> <value> <how> <when>
SET <key> <value> GET
GETSET <key> <value>
GETDEL <key>
GETEX <key> <when>
GETEX <key> PERSIST
SETNX <key> <value>
SETEX <key> <seconds> <value>
PSETEX <key> <millis> <value>
MGET <key> <key>
MSET <key> <value> <key> <value>
MSETNX <key> <value> <key> <value>
STRLEN <key>
GETRANGE <key> <offset> -1
SUBSTR <key> 0 <offset>
SETRANGE <key> <offset> <value>
APPEND <key> <value>
APPEND <key> <digit>
LCS <key> <key> LEN
INCR <key>
INCR <key>
INCR <quota>
INCRBY <key> <amount>
INCRBY <quota> <tokens>
DECR <key>
DECRBY <key> <amount>
INCRBYFLOAT <key> 1.5
SETBIT <key> <offset> <bit>
GETBIT <key> <offset>
BITCOUNT <key>
BITPOS <key> <bit>
QUOTASET <key> <limit> <window>
QUOTASET <quota> <limit> <window>
QUOTAGET <key> FULL
QUOTADEL <key>
QUOTADEL <quota>
QUOTAINCR <key> <limit> <window>
QUOTAINCR <quota> <limit> <window> <tokens>
QUOTAINCR <quota> <limit> <window> <tokens> FULL
QUOTAGIVE <key> <tokens>
QUOTAGIVE <quota> <tokens>
CL.THROTTLE <key> <burst> <limit> <period>
CL.THROTTLE <quota> <burst> <limit> <period> <tokens>
INCREX <key> BYINT <amount>
INCREX <key> EX <seconds> ENX
INCREX <key> PX <millis> ENX
INCREX <key> UBOUND 100 SATURATE
DEL <key>
DEL <quota>
DEL <key> <key> <quota>
UNLINK <key>
EXISTS <key> <key>
TOUCH <key>
TYPE <key>
RANDOMKEY
KEYS *
SCAN 0 COUNT 5
RENAME <key> <key>
RENAME <key> <quota>
RENAMENX <key> <key>
COPY <key> <key>
COPY <key> <key> REPLACE
COPY <key> <quota> REPLACE
MOVE <key> 0
EXPIRE <key> <seconds>
EXPIRE <quota> <seconds>
EXPIRE <key> <seconds> <only>
PEXPIRE <key> <millis>
PEXPIRE <quota> <millis>
EXPIREAT <key> <at>
PEXPIREAT <key> <at>000
TTL <key>
PTTL <key>
EXPIRETIME <key>
PEXPIRETIME <key>
PERSIST <key>
PERSIST <quota>
OBJECT ENCODING <key>
OBJECT FREQ <key>
OBJECT IDLETIME <key>
OBJECT REFCOUNT <key>
OBJECT HELP
MULTI
EXEC
DISCARD
WATCH <key> <key>
UNWATCH
PING
ECHO <value>
QUIT
RESET
AUTH nobody <value>
HELLO <protocol>
SELECT 0
READONLY
READWRITE
ASKING
CLIENT CACHING YES
CLIENT GETREDIR
CLIENT GETNAME
CLIENT ID
CLIENT INFO
CLIENT LIST
CLIENT KILL ID 1000000
CLIENT NO-EVICT ON
CLIENT NO-TOUCH OFF
CLIENT PAUSE 5 <mode>
CLIENT REPLY <reply>
CLIENT SETINFO LIB-NAME tests
CLIENT SETNAME tests
CLIENT TRACKING OFF
CLIENT TRACKINGINFO
CLIENT UNBLOCK 1000000
CLIENT UNPAUSE
CLIENT HELP
DBSIZE
FLUSHDB
FLUSHALL ASYNC
SWAPDB 0 0
LOLWUT
TIME
INFO everything
SHUTDOWN
MONITOR
ACL CAT
ACL DELUSER tests
ACL DRYRUN default GET <key>
ACL GENPASS
ACL GETUSER default
ACL LIST
ACL LOAD
ACL LOG
ACL SAVE
ACL SETUSER tests on >tests ~* +@all
ACL USERS
ACL WHOAMI
ACL HELP
CONFIG GET *
CONFIG SET slowlog-log-slower-than <amount>
CONFIG SET maxmemory <memory>
CONFIG RESETSTAT
CONFIG REWRITE
CONFIG HELP
COMMAND COUNT
COMMAND DOCS get
COMMAND GETKEYS GET <key>
COMMAND GETKEYSANDFLAGS GET <key>
COMMAND INFO get
COMMAND LIST
COMMAND HELP
MEMORY USAGE <key>
MEMORY STATS
MEMORY DOCTOR
MEMORY PURGE
MEMORY MALLOC-STATS
MEMORY HELP
SLOWLOG GET
SLOWLOG LEN
SLOWLOG RESET
SLOWLOG HELP
LATENCY DOCTOR
LATENCY GRAPH command
LATENCY HISTOGRAM
LATENCY HISTORY command
LATENCY LATEST
LATENCY RESET
LATENCY HELP
CLUSTER ADDSLOTS 1
CLUSTER ADDSLOTSRANGE 1 2
CLUSTER BUMPEPOCH
CLUSTER COUNT-FAILURE-REPORTS node
CLUSTER COUNTKEYSINSLOT 1
CLUSTER DELSLOTS 1
CLUSTER DELSLOTSRANGE 1 2
CLUSTER FAILOVER
CLUSTER FLUSHSLOTS
CLUSTER FORGET node
CLUSTER GETKEYSINSLOT 1 1
CLUSTER HELP
CLUSTER DIGEST
CLUSTER INFO
CLUSTER KEYSLOT <key>
CLUSTER LINKS
CLUSTER MEET 127.0.0.1 1
CLUSTER MYID
CLUSTER NODES
CLUSTER REPLICAS node
CLUSTER REPLICATE node
CLUSTER RESET
CLUSTER SAVECONFIG
CLUSTER SET-CONFIG-EPOCH 1
CLUSTER SETSLOT 1 STABLE
CLUSTER SHARDS
CLUSTER SLAVES node
CLUSTER SLOTS
SAVE
BGSAVE
BGSAVE SCHEDULE
BGREWRITEAOF
LASTSAVE
WAITAOF <bit> 0 1000
`), "\n")

// fillings of names in templates. Windows are long, or so short that a transient quota ends within the world; deadlines
// as well.
var fillings = map[string][]string{
	"value":    {"0", "1", "-7", "12345", "9223372036854775807", "text", "", "\x00\r\n\xff", "{long}", "{huge}"},
	"amount":   {"0", "1", "5", "-3", "1000000", "9223372036854775807", "-9223372036854775808"},
	"digit":    {"0", "5", "9"},
	"bit":      {"0", "1"},
	"offset":   {"0", "1", "7", "100", "20000"},
	"when":     {"EX <seconds>", "PX <millis>", "EXAT <at>", "PXAT <at>000", "KEEPTTL"},
	"how":      {"NX", "XX", "GET"},
	"only":     {"NX", "XX", "GT", "LT"},
	"seconds":  {"1", "100", "10000", "-1"},
	"millis":   {"1", "60", "150", "300", "100000", "10000000"},
	"at":       {"1", "99999999999", "88888888888"},
	"limit":    {"1", "5", "100", "100000", "1000000000000000"},
	"burst":    {"0", "4", "99"},
	"window":   {"1", "500ms", "60", "3600500ms", "5m", "1000000000"},
	"period":   {"1", "1", "60", "3600", "1000000000"},
	"tokens":   {"0", "1", "3", "60", "50000"},
	"protocol": {"2", "3"},
	"mode":     {"WRITE", "ALL"},
	"reply":    {"ON", "OFF", "SKIP"},
	"memory":   {"0", "0", "1", "100mb"},
}

// shortDeadline is later than all deadlines of fillings that pass within a world.
const shortDeadline = 1100 * time.Millisecond

// keys are the names that commands use: few, so that commands meet. Commands about quotas prefer two of them.
var (
	keys   = []string{"a", "", "b", "\x00\r\n", "c", strings.Repeat("k", 70), "q", "r"}
	quotas = keys[len(keys)-2:]
)

// fill makes a command of a template.
func fill(random *rand.Rand, template string) []string {
	var args []string
	for _, word := range strings.Fields(template) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(word, "<"), ">")
		switch {
		case !ok || word[0] != '<':
			args = append(args, word)
		case name == "key":
			args = append(args, keys[random.IntN(len(keys))])
		case name == "quota":
			args = append(args, quotas[random.IntN(len(quotas))])
		case name == "value":
			args = append(args, value(random))
		default:
			choice := fill(random, fillings[name][random.IntN(len(fillings[name]))])
			choice[len(choice)-1] += rest
			args = append(args, choice...)
		}
	}
	return args
}

// value is a value, seldom a long one.
func value(random *rand.Rand) string {
	switch v := fillings["value"][random.IntN(len(fillings["value"]))]; {
	case v == "{long}":
		return strings.Repeat("long", 5000)
	case v == "{huge}" && random.IntN(5) == 0:
		return strings.Repeat("huge", 100_000)
	default:
		return v
	}
}

// own reports whether a command needs a connection of its own, since it changes the state of its connection, or ends
// it.
func own(args []string) bool {
	name := strings.ToLower(args[0])
	if len(args) > 1 {
		name += " " + strings.ToLower(args[1])
	}
	return slices.Contains([]string{"client reply", "client tracking", "client caching"}, name) ||
		slices.Contains([]string{"monitor", "quit", "reset", "auth", "hello"}, strings.ToLower(args[0]))
}

func itoa(n int) string { return strconv.Itoa(n) }
