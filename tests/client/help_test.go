package client

import (
	"strings"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
)

func TestHelpOfRedisCLIShowsOurCommands(t *testing.T) {
	t.Parallel()
	server := process.QuotaDB(t)
	input := "help set\nhelp incr\nhelp quotaincr\nhelp config set\nhelp command getkeysandflags\nhelp @connection\nping\n"
	for _, protocol := range []string{"-2", "-3"} {
		out := runTool(t, server, strings.NewReader(input), "redis-cli", protocol, "--no-auth-warning")
		plain := strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[33m", "", "\x1b[90m", "").Replace(out)
		wantText(t, plain, "SET key value [NX|XX] [GET] [EX seconds|PX milliseconds|EXAT unix-time-seconds|", "INCR key\r\n", "summary: ",
			"group: string", "QUOTAINCR key limit window [tokens] [FULL]", "CONFIG SET parameter value [parameter value ...]",
			"COMMAND GETKEYSANDFLAGS command [arg [arg ...]]", "HELLO [protover [AUTH username password] [SETNAME clientname]]",
			"CLIENT LIST [TYPE NORMAL|MASTER|REPLICA|PUBSUB] [ID client-id [client-id ...]]", "PONG")
	}
}
