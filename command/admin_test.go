package command

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/config"
)

func TestServerCommandsAnswerAsRedis(t *testing.T) {
	runScript(t, `
		CONFIG GET maxmemory => *2¶$9¶maxmemory¶$1¶0
		config get MAXMEMOR[Y] => *2¶$9¶maxmemory¶$1¶0
		CONFIG GET MAXMEMORY maxmemory maxmemor[y] => *2¶$9¶MAXMEMORY¶$1¶0
		CONFIG GET maxmemor[y] MAXMEMORY => *2¶$9¶maxmemory¶$1¶0
		CONFIG GET databases databas* => *2¶$9¶databases¶$1¶1
		CONFIG GET save => *2¶$4¶save¶$0¶
		CONFIG GET appendonly => *2¶$10¶appendonly¶$2¶no
		CONFIG GET maxmemory-policy => *2¶$16¶maxmemory-policy¶$10¶noeviction
		CONFIG GET nosuch* => *0
		CONFIG GET maxmemor\\y => *0
		CONFIG SET maxmemory 1gb timeout 5 => +OK
		CONFIG GET maxmemory => *2¶$9¶maxmemory¶$10¶1073741824
		CONFIG GET timeout => *2¶$7¶timeout¶$1¶5
		CONFIG SET timeout 6 maxmemory abc => -ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value
		CONFIG SET timeout 6 nosuch 1 => -ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'
		CONFIG SET timeout 6 timeout 7 => -ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter
		CONFIG SET timeout abc => -ERR CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't be parsed into an integer
		CONFIG SET TIMEOUT -1 => -ERR CONFIG SET failed (possibly related to argument 'timeout') - argument must be between 0 and 2147483647 inclusive
		CONFIG SET databases 5 => -ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config
		CONFIG GET timeout => *2¶$7¶timeout¶$1¶5
		CONFIG SET timeout 0 maxmemory 0 => +OK
		CONFIG SET maxmemory 100mb maxmemory-policy noeviction => +OK
		CONFIG SET maxmemory "" => +OK
		CONFIG GET maxmemory => *2¶$9¶maxmemory¶$1¶0
		CONFIG SET save "" => +OK
		CONFIG SET appendonly no => +OK
		CONFIG SET maxmemory-policy noeviction => +OK
		! CONFIG SET maxmemory-policy allkeys-lru => -ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - nothing is evicted here, the only policy is noeviction
		CONFIG SET maxmemory-policy lru => -ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction
		! CONFIG SET appendonly yes => -ERR CONFIG SET failed (possibly related to argument 'appendonly') - --data-dir sets it at the start
		CONFIG SET a => -ERR wrong number of arguments for 'config|set' command
		CONFIG SET timeout 1 maxmemory => -ERR syntax error
		CONFIG GET => -ERR wrong number of arguments for 'config|get' command
		CONFIG RESETSTAT => +OK
		CONFIG REWRITE => -ERR The server is running without a config file
		CONFIG WHAT => -ERR unknown subcommand 'WHAT'. Try CONFIG HELP.
		INFO nosuch => $0¶
		COMMAND INFO nosuch => *1¶$-1
		COMMAND DOCS nosuch => *0
		COMMAND COUNT 1 => -ERR wrong number of arguments for 'command|count' command
		COMMAND WHAT => -ERR unknown subcommand 'WHAT'. Try COMMAND HELP.
		COMMAND LIST FILTERBY PATTERN incrb? => *1¶$6¶incrby
		COMMAND LIST FILTERBY MODULE m => *0
		COMMAND LIST FILTERBY ACLCAT nosuch => *0
		COMMAND LIST FILTERBY WHAT x => -ERR syntax error
		COMMAND GETKEYS MSET a 1 b 2 => *2¶$1¶a¶$1¶b
		COMMAND GETKEYS MEMORY USAGE k => *1¶$1¶k
		COMMAND GETKEYS PING a => -ERR The command has no key arguments
		COMMAND GETKEYS NOSUCH a => -ERR Invalid command specified
		COMMAND GETKEYS GET a b => -ERR Invalid number of arguments specified for command
		COMMAND GETKEYS GET => -ERR wrong number of arguments for 'command|getkeys' command
		MEMORY USAGE k => $-1
		MEMORY USAGE k SAMPLES -1 => -ERR syntax error
		MEMORY USAGE k SAMPLES x => -ERR value is not an integer or out of range
		MEMORY USAGE k WHAT 1 => -ERR syntax error
		MEMORY WHAT => -ERR unknown subcommand 'WHAT'. Try MEMORY HELP.
		CLUSTER HELP => -ERR This instance has cluster support disabled
		CLUSTER KEYSLOT k => -ERR This instance has cluster support disabled
		CLUSTER ADDSLOTS => -ERR wrong number of arguments for 'cluster|addslots' command
		READONLY => -ERR This instance has cluster support disabled
		READWRITE => -ERR This instance has cluster support disabled
		ASKING => -ERR This instance has cluster support disabled
		SET k v => +OK
		OBJECT FREQ k => -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
		OBJECT IDLETIME k => :0
		OBJECT REFCOUNT k => :1
		DEL k => :1
		OBJECT FREQ k => $-1
		OBJECT IDLETIME k => $-1
		CLUSTER WHAT => -ERR unknown subcommand 'WHAT'. Try CLUSTER HELP.
		SHUTDOWN WHAT => -ERR syntax error
		SHUTDOWN SAVE NOSAVE => -ERR syntax error
		SHUTDOWN ABORT NOW => -ERR syntax error
		SHUTDOWN ABORT => -ERR No shutdown in progress.
	`)
}

// TestCommandDescribesCommandsAsRedis compares every field of COMMAND INFO in both protocols. COMMAND has the same
// fields.
func TestCommandDescribesCommandsAsRedis(t *testing.T) {
	redis := dialRedis(t)
	if redis == nil {
		t.Skip("no redis-server on PATH")
	}
	b := newBench(t, nil)
	for _, proto := range []string{"2", "3"} {
		b.do("HELLO", proto)
		redis.do(t, "HELLO", proto)
		for _, r := range b.table.rows {
			switch r.full {
			case "set", "getex": // Redis adds a note
				continue
			}
			if r.since == ours || r.since > "7.1" { // Redis 7.0 does not have it
				continue
			}
			if r.subs != nil { // Redis has other subcommands, in an order of its own
				continue
			}
			want := redis.do(t, "COMMAND", "INFO", r.full)
			if got := b.do("COMMAND", "INFO", strings.ToUpper(r.full)); got != want {
				t.Errorf("%s, RESP%s\ngot  %q\nwant %q", r.full, proto, got, want)
			}
		}
	}
}

func TestShutdownAsksForTheEndWithoutAReply(t *testing.T) {
	for i, command := range []string{"SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN SAVE NOW FORCE"} {
		b := newBench(t, nil)
		got := b.run(b.client, [][][]byte{words(strings.Fields(command)), words([]string{"INCR", "k"})})
		if got != "" || b.stops != 1 || b.turn.Next != Bye {
			t.Errorf("%d: %q, %d stops, turn %+v", i, got, b.stops, b.turn)
		}
	}
}

func TestFullMemoryRefusesOnlyWhatNeedsMemory(t *testing.T) {
	b := newBench(t, nil)
	b.do("MSET", "a", "1", "b", "2")
	b.do("CONFIG", "SET", "maxmemory", "1")
	for _, command := range []string{"SET a 2", "MSET a 2 c 3", "INCR a", "SETNX c 1", "GETSET a 2", "INCRBY a 5"} {
		if got := b.do(strings.Fields(command)...); got != "-"+errOOM+"\r\n" {
			t.Errorf("%s: %q", command, got)
		}
	}
	for _, s := range [][2]string{
		{"GET a", "$1\r\n1\r\n"}, {"EXPIRE b 100", ":1\r\n"}, {"GETDEL b", "$1\r\n2\r\n"}, {"DEL a", ":1\r\n"},
		{"SET", "-ERR wrong number of arguments for 'set' command\r\n"},
	} {
		if got := b.do(strings.Fields(s[0])...); got != s[1] {
			t.Errorf("%s: %q", s[0], got)
		}
	}
	got := b.run(b.client, [][][]byte{words(strings.Fields("INCR x")), words(strings.Fields("CONFIG SET maxmemory 0")), words(strings.Fields("INCR x"))})
	if got != "-"+errOOM+"\r\n+OK\r\n:1\r\n" {
		t.Errorf("a change of the limit within a batch: %q", got)
	}
}

func TestInfoCountsWhatHasHappened(t *testing.T) {
	b := newBench(t, func(c *config.Config) { c.Bind = []string{"unix:/s", "127.0.0.1:7000"} })
	b.do("SET", "k", "v", "PX", "10")
	b.do("INCR", "k")
	b.do("GET", "k")
	b.do("GET")
	b.do("NOSUCH")
	b.do("CONFIG", "SET", "maxmemory", "100mb")
	b.NewExecutor().Run(b.client, [][][]byte{words([]string{"GET", "x"}), words([]string{"GET", "y"})}, nil)
	got := b.do("INFO", "everything")
	for _, line := range []string{
		"redis_version:" + RedisVersion, "quotadb_version:" + config.Version, "redis_mode:standalone", "tcp_port:7000",
		"run_id:[0-9a-f]{40}", "uptime_in_seconds:0", "connected_clients:1", "blocked_clients:0", "used_memory:[1-9][0-9]*",
		"used_memory_human:[0-9.]+[BKM]", "used_memory_rss:[1-9][0-9]*", "maxmemory:104857600", "maxmemory_human:100.00M",
		"loading:0", "total_connections_received:1", "total_commands_processed:6", "keyspace_hits:1", "keyspace_misses:2",
		"total_error_replies:3", "role:master", "used_cpu_user:[0-9]+.[0-9]{6}", "cluster_enabled:0",
		"cmdstat_get:calls=3,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0",
		"cmdstat_incr:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1",
		"cmdstat_config|set:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0",
		"db0:keys=1,expires=1,avg_ttl=10", "# Server", "# Commandstats",
	} {
		if !regexp.MustCompile(`\n` + strings.NewReplacer("|", `\|`).Replace(line) + `\r\n`).MatchString(got) {
			t.Errorf("no %s in\n%s", line, got)
		}
	}
	if got := b.do("INFO"); strings.Contains(got, "# Commandstats") || !strings.Contains(got, "# Keyspace") {
		t.Errorf("INFO alone: %s", got)
	}
	if got := b.do("INFO", "KEYSPACE", "cluster"); !strings.Contains(got, "\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\ndb0:") {
		t.Errorf("two sections: %q", got)
	}
	b.wall += 1000
	b.DB.Sweep(b.Now(), 100)
	if got := b.do("INFO", "stats"); !strings.Contains(got, "expired_keys:1\r\n") {
		t.Errorf("%s", got)
	}
	b.do("CONFIG", "RESETSTAT")
	got = b.do("INFO", "all")
	for _, line := range []string{"expired_keys:0", "keyspace_misses:0", "total_commands_processed:1", "total_error_replies:0", "total_connections_received:0"} {
		if !strings.Contains(got, "\n"+line+"\r\n") {
			t.Errorf("after a reset, no %s in\n%s", line, got)
		}
	}
}

func TestHelpListsEverySubcommand(t *testing.T) {
	b := newBench(t, nil)
	for _, r := range b.table.top {
		if r.findSub([]byte("help")) == nil || r.name == "cluster" { // CLUSTER replies with errors
			continue
		}
		got := b.do(strings.ToUpper(r.name), "HELP")
		want := fmt.Sprintf("*%d\r\n+%s <subcommand> ", 1+2*len(r.subs), strings.ToUpper(r.name))
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q", r.name, got)
		}
	}
}

func TestDocsDescribeEveryCommand(t *testing.T) {
	b := newBench(t, nil)
	for _, r := range b.table.rows {
		if r.summary == "" || r.since == "" || r.group == "" {
			t.Errorf("%s: summary, since or group is missing", r.full)
		}
		if r.handler == nil && r.subs == nil {
			t.Errorf("%s: no handler", r.full)
		}
		if got := b.do("COMMAND", "DOCS", r.full); !strings.Contains(got, r.summary) {
			t.Errorf("%s: got %q", r.full, got)
		}
	}
	if got := b.do("COMMAND", "COUNT"); got != fmt.Sprintf(":%d\r\n", len(b.table.top)) {
		t.Errorf("COUNT: %q", got)
	}
}
