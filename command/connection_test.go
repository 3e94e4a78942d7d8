package command

import (
	"fmt"
	"strings"
	"testing"
)

func TestConnectionCommandsAnswerAsRedis(t *testing.T) {
	runScript(t, `
		PING => +PONG
		PING "a\r\nb" => $4¶a\r\nb
		PING a b => -ERR wrong number of arguments for 'ping' command
		ECHO "" => $0¶
		SELECT 0 => +OK
		SELECT 1 => -ERR DB index is out of range
		SELECT -1 => -ERR DB index is out of range
		SELECT 00 => -ERR value is not an integer or out of range
		SELECT 4294967296 => -ERR value is out of range, value must between -2147483648 and 2147483647
		CLIENT GETNAME => $-1
		CLIENT SETNAME me => +OK
		CLIENT GETNAME => $2¶me
		CLIENT SETNAME "a b" => -ERR Client names cannot contain spaces, newlines or special characters.
		CLIENT SETNAME "" => +OK
		CLIENT GETNAME => $-1
		CLIENT SETNAME => -ERR wrong number of arguments for 'client|setname' command
		CLIENT => -ERR wrong number of arguments for 'client' command
		CLIENT "WHAT\x00x" a => -ERR unknown subcommand 'WHAT'. Try CLIENT HELP.
		! CLIENT SETINFO LIB-NAME lib => +OK
		CLIENT LIST TYPE foo => -ERR Unknown client type 'foo'
		CLIENT LIST TYPE pubsub => $0¶
		CLIENT LIST ID 99 => $0¶
		CLIENT LIST ID x => -ERR Invalid client ID
		CLIENT LIST WHAT => -ERR syntax error
		HELLO abc => -ERR Protocol version is not an integer or out of range
		HELLO 4 => -NOPROTO unsupported protocol version
		HELLO 3 AUTH a b => -WRONGPASS invalid username-password pair or user is disabled.
		HELLO 3 SETNAME "a b" => -ERR Client names cannot contain spaces, newlines or special characters.
		HELLO 3 SETNAME => -ERR Syntax error in HELLO option 'SETNAME'
		HELLO 3 SETNAME a WHAT => -ERR Syntax error in HELLO option 'WHAT'
		CLIENT GETNAME => $1¶a
		GET k => $-1
		AUTH x => -ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
		AUTH default x => +OK
		AUTH a b => -WRONGPASS invalid username-password pair or user is disabled.
		AUTH a b c => -ERR syntax error
		RESET => +RESET
		CLIENT GETNAME => $-1
		FOO => -ERR unknown command 'FOO', with args beginning with:\x20
		foo "a b" "c\x00d" "x\r\ny" => -ERR unknown command 'foo', with args beginning with: 'a b' 'c' 'x  y'\x20
		"GET\x00" k => -ERR unknown command 'GET', with args beginning with: 'k'\x20
		"GET " k => -ERR unknown command 'GET ', with args beginning with: 'k'\x20
		FOO `+strings.Repeat("a", 200)+` b => -ERR unknown command 'FOO', with args beginning with: '`+strings.Repeat("a", 128)+`'\x20
		FOO `+strings.Repeat("a", 120)+` bcdefghijkl => -ERR unknown command 'FOO', with args beginning with: '`+strings.Repeat("a", 120)+`' 'bcdef'\x20
		`+strings.Repeat("f", 200)+` => -ERR unknown command '`+strings.Repeat("f", 128)+`', with args beginning with:\x20
	`)
}

func TestRESP3HasItsOwnNullsAndMaps(t *testing.T) {
	b := newBench(t, nil)
	hello := fmt.Sprintf("%%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n%s\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n"+
		"$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n", RedisVersion)
	for _, s := range [][2]string{
		{"HELLO 3 AUTH default x SETNAME me", hello},
		{"HELLO", hello},
		{"CLIENT GETNAME", "$2\r\nme\r\n"},
		{"GET k", "_\r\n"},
		{"MGET k", "*1\r\n_\r\n"},
		{"SET k v XX", "_\r\n"},
		{"RANDOMKEY", "_\r\n"},
		{"COMMAND INFO k", "*1\r\n_\r\n"},
		{"COMMAND DOCS k", "%0\r\n"},
		{"CONFIG GET maxmemory", "%1\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n"},
		{"INFO nosuch", "=4\r\ntxt:\r\n"},
		{"EXISTS k", ":0\r\n"},
		{"RESET", "+RESET\r\n"},
		{"GET k", "$-1\r\n"},
	} {
		if got := b.do(strings.Fields(s[0])...); got != s[1] {
			t.Errorf("%s: got %q, want %q", s[0], got, s[1])
		}
	}
}

func TestNothingRunsAfterTheClientHasQuit(t *testing.T) {
	b := newBench(t, nil)
	got := b.run(b.client, [][][]byte{words([]string{"INCR", "k"}), words([]string{"QUIT"}), words([]string{"INCR", "k"})})
	if got != ":1\r\n+OK\r\n" || b.turn.Next != Bye {
		t.Errorf("got %q", got)
	}
}

func TestClientThatSpeaksHTTPIsCutOffBeforeItsBody(t *testing.T) {
	for _, line := range []string{"POST / HTTP/1.1", "Host: localhost"} {
		b := newBench(t, nil)
		got := b.run(b.client, [][][]byte{words([]string{"PING"}), words(strings.Fields(line)), words([]string{"FLUSHALL"})})
		if got != "+PONG\r\n" || b.turn.Next != Bye {
			t.Errorf("%s: got %q", line, got)
		}
	}
}

func TestTimeIsTheBatchsClock(t *testing.T) {
	b := newBench(t, nil)
	b.wall += 7
	if got := b.do("TIME"); got != "*2\r\n$10\r\n1700000000\r\n$4\r\n7000\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestClientListShowsWhatClientsDoAndSay(t *testing.T) {
	b := newBench(t, nil)
	other := b.Connect("/socket:0", "/socket:0", Connection{})
	b.wall += 5000
	for _, command := range []string{"CLIENT SETNAME me", "CLIENT SETINFO LIB-NAME lib", "CLIENT SETINFO lib-ver 1.2"} {
		if got := b.do(strings.Fields(command)...); got != "+OK\r\n" {
			t.Fatalf("%s: %q", command, got)
		}
	}
	b.wall += 1000
	first := "id=1 addr=127.0.0.1:5 laddr=127.0.0.1:6380 name=me age=6 idle=0 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 " +
		"watch=0 qbuf=0 qbuf-free=0 argv-mem=0 obl=0 oll=0 omem=0 tot-mem=0 cmd=client|list user=default redir=-1 resp=2 lib-name=lib lib-ver=1.2\n"
	second := "id=2 addr=/socket:0 laddr=/socket:0 name= age=6 idle=6 flags=U db=0 sub=0 psub=0 ssub=0 multi=-1 " +
		"watch=0 qbuf=0 qbuf-free=0 argv-mem=0 obl=0 oll=0 omem=0 tot-mem=0 cmd=NULL user=default redir=-1 resp=2 lib-name= lib-ver=\n"
	bulk := func(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }
	if got := b.do("CLIENT", "LIST"); got != bulk(first+second) {
		t.Errorf("got %q", got)
	}
	if got := b.do("CLIENT", "INFO"); got != bulk(strings.Replace(first, "|list", "|info", 1)) {
		t.Errorf("got %q", got)
	}
	if got := b.do("CLIENT", "LIST", "ID", "2", "3"); got != bulk(second) {
		t.Errorf("got %q", got)
	}
	b.NewExecutor().Run(other, [][][]byte{words([]string{"NOSUCH"})}, nil)
	if got := b.do("CLIENT", "LIST", "ID", "2"); !strings.Contains(got, "idle=0 ") || !strings.Contains(got, "cmd=NULL ") {
		t.Errorf("got %q", got)
	}
	b.NewExecutor().Run(other, [][][]byte{words([]string{"GET", "k"})}, nil)
	if got := b.do("CLIENT", "LIST", "ID", "2"); !strings.Contains(got, "idle=0 ") || !strings.Contains(got, "cmd=get ") {
		t.Errorf("got %q", got)
	}
	b.Disconnect(other)
	if got := b.do("CLIENT", "LIST", "TYPE", "normal"); strings.Contains(got, "id=2") || b.Clients.Len() != 1 {
		t.Errorf("got %q", got)
	}
	for _, bad := range []string{"CLIENT SETINFO WHAT x", "CLIENT SETINFO LIB-NAME \n", "CLIENT SETINFO LIB-NAME"} {
		if got := b.do(strings.Split(bad, " ")...); !strings.HasPrefix(got, "-ERR ") {
			t.Errorf("%s: got %q", bad, got)
		}
	}
}
