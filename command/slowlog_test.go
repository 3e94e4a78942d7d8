package command

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestSlowlogAnswersAsRedis(t *testing.T) {
	runScript(t, `
		CONFIG GET slowlog-log-slower-than => *2¶$23¶slowlog-log-slower-than¶$5¶10000
		CONFIG GET slowlog-max-len => *2¶$15¶slowlog-max-len¶$3¶128
		CONFIG SET slowlog-log-slower-than -2 => -ERR CONFIG SET failed (possibly related to argument 'slowlog-log-slower-than') - argument must be between -1 and 9223372036854775807 inclusive
		CONFIG SET slowlog-max-len -1 => -ERR CONFIG SET failed (possibly related to argument 'slowlog-max-len') - argument must be between 0 and 9223372036854775807 inclusive
		SLOWLOG => -ERR wrong number of arguments for 'slowlog' command
		SLOWLOG WHAT => -ERR unknown subcommand 'WHAT'. Try SLOWLOG HELP.
		SLOWLOG GET x => -ERR count should be greater than or equal to -1
		SLOWLOG GET -2 => -ERR count should be greater than or equal to -1
		slowlog Get 1 2 => -ERR unknown subcommand or wrong number of arguments for 'Get'. Try SLOWLOG HELP.
		SLOWLOG LEN => :0
		SLOWLOG GET => *0
		CONFIG SET slowlog-log-slower-than 0 => +OK
		PING => +PONG
		CONFIG SET slowlog-max-len 2 => +OK
		SLOWLOG LEN => :2
		SLOWLOG GET 0 => *0
		NOSUCH => -ERR unknown command 'NOSUCH', with args beginning with:\x20
		GET => -ERR wrong number of arguments for 'get' command
		SLOWLOG LEN => :2
		CONFIG SET slowlog-max-len 0 => +OK
		SLOWLOG LEN => :0
		CONFIG SET slowlog-max-len 10 => +OK
		CONFIG SET slowlog-log-slower-than -1 => +OK
		SLOWLOG RESET => +OK
		SLOWLOG LEN => :0
	`)
}

// TestSlowlogShowsWordsAsRedis compares whole entries, except their times.
func TestSlowlogShowsWordsAsRedis(t *testing.T) {
	redis := dialRedis(t)
	if redis == nil {
		t.Skip("no redis-server on PATH")
	}
	b := newBench(t, nil)
	b.client = b.Connect(redis.conn.RemoteAddr().String()+":0", "", Connection{})
	integer := regexp.MustCompile(`(?m)^:\d+\r$`)
	many := func(n int) string { return strings.Repeat(" k", n) }
	for _, line := range []string{
		"CONFIG SET slowlog-log-slower-than 0", "SLOWLOG RESET", "CLIENT SETNAME me", "gEt k", "INCR k k",
		"SET k " + strings.Repeat("v", 128), "SET k " + strings.Repeat("v", 129), "DEL " + strings.Repeat("v", 5000),
		"MGET" + many(31), "MGET" + many(32), "MGET" + many(500),
		"auth a", "AUTH a b", "HELLO 2 auth u p", "HELLO 2 SETNAME you AUTH u p", "CONFIG GET requirepass",
		"config set masterauth x MaxMemory 0 requirepass y", "CLIENT SETNAME x",
	} {
		b.do(strings.Fields(line)...)
		redis.reply(t, strings.Fields(line)...)
		got := integer.ReplaceAllString(b.do("SLOWLOG", "GET", "2"), ":n")
		want := integer.ReplaceAllString(redis.reply(t, "SLOWLOG", "GET", "2"), ":n")
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

// reply sends one command, without the ECHO of do, and returns the bytes of its reply.
func (o *oracle) reply(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := o.conn.Write([]byte(encode(args))); err != nil {
		t.Fatal(err)
	}
	var reply []byte
	for {
		line, err := o.replies.ReadBytes('\n')
		if err != nil {
			t.Fatalf("%q: %v after %q", args, err, reply)
		}
		reply = append(reply, line...)
		if size, err := replySize(reply, maxReplyDepth); err == nil && size == len(reply) {
			return string(reply)
		}
	}
}

func TestPasswordsNeverEnterTheSlowlog(t *testing.T) {
	b := newBench(t, nil)
	b.do("CONFIG", "SET", "slowlog-log-slower-than", "0")
	for _, line := range []string{
		"AUTH hunter2", "auth user hunter2", "AUTH a hunter2 c", "HELLO 9 AUTH user hunter2", "HELLO 3 SETNAME a auth hunter2 hunter2",
		"HELLO 2 SETNAME auth AUTH u hunter2", "HELLO 2 AUTH u p AUTH u hunter2", "HELLO 2 SETNAME AUTH u hunter2", "HELLO AUTH u hunter2",
		"CONFIG SET RequirePass hunter2", "CONFIG SET timeout 0 masterauth hunter2 nosuch-secret hunter2", "ACL SETUSER hunter2 >hunter2",
	} {
		b.do(strings.Fields(line)...)
		if got := b.do("SLOWLOG", "GET", "-1"); strings.Contains(got, "hunter2") {
			t.Errorf("%s: %s", line, got)
		}
	}
}

func TestSlowGroupIsOneEntryThatSaysSo(t *testing.T) {
	b := newBench(t, nil)
	b.pace = 12345 * time.Microsecond
	b.wall += 5999
	b.do("CLIENT", "SETNAME", "me")
	b.x.Run(b.client, batchOf("INCRBY k 5", "GET k", "TTL k", "DEL k"), nil)
	b.pace = 0
	want := "*3\r\n" +
		"*6\r\n:2\r\n:1700000005\r\n:12345\r\n*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n$11\r\n127.0.0.1:5\r\n$2\r\nme\r\n" +
		"*6\r\n:1\r\n:1700000005\r\n:12345\r\n*4\r\n$6\r\nINCRBY\r\n$1\r\nk\r\n$1\r\n5\r\n$35\r\n... (and 2 more pipelined commands)\r\n$11\r\n127.0.0.1:5\r\n$2\r\nme\r\n" +
		"*6\r\n:0\r\n:1700000005\r\n:12345\r\n*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$2\r\nme\r\n$11\r\n127.0.0.1:5\r\n$2\r\nme\r\n"
	if got := b.do("SLOWLOG", "GET", "-1"); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
