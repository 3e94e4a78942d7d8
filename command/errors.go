package command

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/quotadb/quota-db/engine"
)

// What clients are told when something is wrong: Redis's words where Redis has the same case.
const (
	errSyntax           = "ERR syntax error"
	errNotInteger       = "ERR value is not an integer or out of range"
	errOverflow         = "ERR increment or decrement would overflow"
	errDecrement        = "ERR decrement would overflow"
	errOOM              = "OOM command not allowed when used memory > 'maxmemory'."
	errDB               = "ERR DB index is out of range"
	errCursor           = "ERR invalid cursor"
	errClientName       = "ERR Client names cannot contain spaces, newlines or special characters."
	errProtocol         = "NOPROTO unsupported protocol version"
	errProtocolInteger  = "ERR Protocol version is not an integer or out of range"
	errWrongPass        = "WRONGPASS invalid username-password pair or user is disabled."
	errNoPassword       = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
	errExpireNX         = "ERR NX and XX, GT or LT options at the same time are not compatible"
	errExpireGTLT       = "ERR GT and LT options at the same time are not compatible"
	errNoShutdown       = "ERR No shutdown in progress."
	errNoConfigFile     = "ERR The server is running without a config file"
	errNoCluster        = "ERR This instance has cluster support disabled"
	errInvalidCommand   = "ERR Invalid command specified"
	errCommandArguments = "ERR Invalid number of arguments specified for command"
	errCommandNoKeys    = "ERR The command has no key arguments"
	errClientID         = "ERR Invalid client ID"
	errSlowlogCount     = "ERR count should be greater than or equal to -1"
)

// What Redis has no words for.
const (
	errNoTTL       = "ERR deadlines are disabled on this server (--enable-ttl false)"
	errFloat       = "ERR INCRBYFLOAT is not supported: counters are 64-bit integers"
	errQuotaLimit  = "ERR a quota has from 1 to 1000000000000000 tokens"
	errQuotaWindow = "ERR a quota's window is from 1 to 1000000000 seconds"
	errQuotaTokens = "ERR the number of tokens is not an integer or out of range"
	errQuotaBytes  = "ERR the key holds bytes: a quota can only take the place of a counter"
	errBounds      = "ERR LBOUND is above UBOUND"
	errQuota       = "ERR the key holds a quota, from which tokens can only be taken"
	errReplySize   = "ERR the reply is too long: ask for less at a time"
	errKeySize     = "ERR the key is too long: a key has at most 16777215 bytes"
)

// shown is how many bytes of a client's own words an error shows.
const shown = 128

func unknownCommand(args [][]byte) string {
	var b strings.Builder
	for _, arg := range args[1:] {
		if b.Len() >= shown {
			break
		}
		fmt.Fprintf(&b, "'%s' ", clip(arg, shown-b.Len()))
	}
	return fmt.Sprintf("ERR unknown command '%s', with args beginning with: %s", clip(args[0], shown), b.String())
}

func unknownSubcommand(container *row, name []byte) string {
	return fmt.Sprintf("ERR unknown subcommand '%s'. Try %s HELP.", clip(name, shown), strings.ToUpper(container.name))
}

// subcommandArguments is for a subcommand that counts its arguments itself.
func subcommandArguments(args [][]byte) string {
	return fmt.Sprintf("ERR unknown subcommand or wrong number of arguments for '%s'. Try %s HELP.", clip(args[1], shown), strings.ToUpper(string(args[0])))
}

func wrongArity(r *row) string {
	return "ERR wrong number of arguments for '" + r.full + "' command"
}

func invalidExpire(r *row) string {
	return "ERR invalid expire time in '" + r.full + "' command"
}

// clip is the part of a client's word that an error shows: up to a zero byte, at most so many bytes.
func clip(word []byte, most int) []byte {
	if i := bytes.IndexByte(word, 0); i >= 0 {
		word = word[:i]
	}
	return word[:min(len(word), most)]
}

// engineError is the text for an error of a write.
func engineError(err error) string {
	switch err {
	case engine.ErrNotInteger:
		return errNotInteger
	case engine.ErrOverflow:
		return errOverflow
	case engine.ErrQuota:
		return errQuota
	}
	return "ERR " + err.Error()
}
