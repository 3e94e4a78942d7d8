package command

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/quotadb/quota-db/acl"
	"github.com/quotadb/quota-db/engine"
)

// Error replies in Redis's words, for cases that Redis has too.
const (
	errSyntax           = "ERR syntax error"
	errNotInteger       = "ERR value is not an integer or out of range"
	errOverflow         = "ERR increment or decrement would overflow"
	errDecrement        = "ERR decrement would overflow"
	errOOM              = "OOM command not allowed when used memory > 'maxmemory'."
	errNoDisk           = "ERR This server keeps its data in memory only: start it with --data-dir to save data"
	errNoDiskToWait     = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
	errSaving           = "ERR Background save already in progress"
	errRewriting        = "ERR Background append only file rewriting already in progress"
	errLocal            = "ERR value is out of range, value must between 0 and 1"
	errReplicas         = "ERR value is out of range, must be positive"
	errDB               = "ERR DB index is out of range"
	errCursor           = "ERR invalid cursor"
	errClientName       = "ERR Client names cannot contain spaces, newlines or special characters."
	errProtocol         = "NOPROTO unsupported protocol version"
	errProtocolInteger  = "ERR Protocol version is not an integer or out of range"
	errWrongPass        = "WRONGPASS invalid username-password pair or user is disabled."
	errNoAuth           = "NOAUTH Authentication required."
	errHelloNoAuth      = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
	errNoPermKey        = "NOPERM this user has no permissions to access one of the keys used as arguments"
	errNoPermNow        = "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: "
	errDefaultUser      = "ERR The 'default' user cannot be removed"
	errGenPass          = "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"
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
	errNoClient         = "ERR No such client"
	errKillID           = "ERR client-id should be greater than 0"
	errMaxAge           = "ERR maxage is not an integer or out of range"
	errUnblockReason    = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
	errTracking         = "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
	errPauseMode        = "ERR CLIENT PAUSE mode must be WRITE or ALL"
	errTimeout          = "ERR timeout is not an integer or out of range"
	errTimeoutNegative  = "ERR timeout is negative"

	errNestedMulti         = "ERR MULTI calls can not be nested"
	errExecWithoutMulti    = "ERR EXEC without MULTI"
	errDiscardWithoutMulti = "ERR DISCARD without MULTI"
	errWatchInMulti        = "ERR WATCH inside MULTI is not allowed"
	errMonitorInMulti      = "ERR MONITOR isn't allowed for DENY BLOCKING client"
	errNotInMulti          = "ERR Command not allowed inside a transaction"
	errExecAbort           = "EXECABORT Transaction discarded because of previous errors."
	errExecAbortFor        = "EXECABORT Transaction discarded because of: " // the error follows
	errOffset              = "ERR offset is out of range"
	errStringSize          = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	errBitOffset           = "ERR bit offset is not an integer or out of range"
	errBitValue            = "ERR bit is not an integer or out of range"
	errBit                 = "ERR The bit argument must be 1 or 0."
	errLCSBoth             = "ERR If you want both the length and indexes, please just use IDX."
	errLCSSize             = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
	errNoKey               = "ERR no such key"
	errSameObject          = "ERR source and destination objects are the same"
	errFirstDB             = "ERR invalid first DB index"
	errSecondDB            = "ERR invalid second DB index"
	errNoLFU               = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
	errSlowlogCount        = "ERR count should be greater than or equal to -1"
)

// Error replies for cases that Redis does not have.
const (
	errNoTTL           = "ERR TTLs are disabled on this server (--enable-ttl false)"
	errFloat           = "ERR INCRBYFLOAT is not supported: counters are 64-bit integers"
	errQuotaLimit      = "ERR a quota has from 1 to 1000000000000000 tokens"
	errQuotaWindow     = "ERR a quota's window is from 1ms to 1000000000 seconds: a number of seconds, or with a unit as 500ms, 60s, 5m or 1h"
	errQuotaTokens     = "ERR the number of tokens is not an integer or out of range"
	errBurst           = "ERR max_burst is from 0 to 999999999999999"
	errCount           = "ERR count is from 1 to 1000000000000000 tokens"
	errFillTime        = "ERR the bucket would take longer than 1000000000 seconds to fill"
	errPeriod          = "ERR period is from 1 to 1000000000 seconds"
	errQuantity        = "ERR quantity cannot be negative: QUOTAGIVE gives tokens back"
	errQuotaBytes      = "ERR the key holds a string: a quota can only replace a counter"
	errQuotaEnds       = "ERR the server stops before other nodes have given tokens"
	errWaiting         = "TRYAGAIN quotas can be used once all nodes of the cluster have met; this node waits for "
	errNoUserFile      = "ERR This server has no file of users: start it with --user-file to load and save users"
	errNoTracking      = "ERR CLIENT TRACKING is not supported: the server does not know what clients have cached"
	errWatches         = "ERR too many watched keys: a client may watch at most 65536"
	errWatchSize       = "ERR the names of the watched keys are too long: with the queued commands they exceed client-query-buffer-limit"
	errTransactionSize = "ERR the transaction is too large"
	errBounds          = "ERR LBOUND can't be greater than UBOUND"
	errENX             = "ERR ENX flag requires an expiration (EX, PX, EXAT or PXAT)"
	errApplied         = "ERR applied increment would overflow"
	errQuota           = "ERR the key holds a quota: INCR and INCRBY take tokens, QUOTAGIVE gives them back"
	errManyDigests     = "ERR too many clients wait for a digest: ask again later"
	errDigestEnds      = "ERR the server stops before the digest is ready"
	errManyBeside      = "ERR too many clients wait for slow commands: ask again later"
	errPattern         = "ERR the pattern takes too long on these keys: use fewer ? and [] behind a *"
	errReplySize       = "ERR the reply is too large: ask for fewer keys or bytes at a time"
	errQuotaMove       = "ERR the key holds a quota, whose tokens belong to the key's name: it cannot be copied or renamed"
)

// errKeySize is for a key that is too long for the engine.
var errKeySize = fmt.Sprintf("ERR the key is too long: a key has at most %d bytes", engine.MaxKeyBytes)

// shown is how many bytes of a client's own words an error repeats.
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

// wrongSubcommand is for arguments that fit no form of a subcommand.
func wrongSubcommand(args [][]byte) string {
	return fmt.Sprintf("ERR unknown subcommand or wrong number of arguments for '%s'. Try %s HELP.", clip(args[1], shown), strings.ToUpper(string(args[0])))
}

func wrongArity(r *row) string {
	return "ERR wrong number of arguments for '" + r.full + "' command"
}

func invalidExpire(r *row) string {
	return "ERR invalid expire time in '" + r.full + "' command"
}

// clip is the part of a client's word that an error repeats: up to a zero byte, and at most most bytes.
func clip(word []byte, most int) []byte {
	if i := bytes.IndexByte(word, 0); i >= 0 {
		word = word[:i]
	}
	return word[:min(len(word), most)]
}

// engineError is the reply for an error of a write.
func engineError(err error) string {
	switch err {
	case engine.ErrNotInteger:
		return errNotInteger
	case engine.ErrOverflow:
		return errOverflow
	case engine.ErrQuota:
		return errQuota
	case engine.ErrValueSize:
		return errStringSize
	}
	return "ERR " + err.Error()
}

// aclError is the reply for a wrong rule. It does not show passwords.
func aclError(err error) string {
	var rule *acl.RuleError
	switch {
	case errors.Is(err, acl.ErrUserName):
		return "ERR Usernames can't contain spaces or null characters"
	case !errors.As(err, &rule):
		return "ERR " + err.Error()
	case rule.Err == acl.ErrUnmatched:
		return "ERR Unmatched parenthesis in acl selector starting at '" + rule.Rule + "'."
	case strings.HasPrefix(rule.Rule, ">"), strings.HasPrefix(rule.Rule, "<") && rule.Err != acl.ErrNoPassword:
		return "ERR Error in ACL SETUSER modifier '" + rule.Rule[:1] + "...': " + ruleError(rule.Err)
	}
	return "ERR Error in ACL SETUSER modifier '" + rule.Rule + "': " + ruleError(rule.Err)
}

// ruleError is the reason why a rule is wrong, in Redis's words.
func ruleError(err error) string {
	const useless = " is not valid and does not have any effect. Try "
	switch err {
	case acl.ErrSyntax:
		return "Syntax error"
	case acl.ErrUnknown:
		return "Unknown command or category name in ACL"
	case acl.ErrAllKeys:
		return "Adding a pattern after the * pattern (or the 'allkeys' flag)" + useless + "'resetkeys' to start with an empty list of patterns"
	case acl.ErrAllChannels:
		return "Adding a pattern after the * pattern (or the 'allchannels' flag)" + useless + "'resetchannels' to start with an empty list of channels"
	case acl.ErrHash:
		return "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
	case acl.ErrNoPassword:
		return "The password you are trying to remove from the user does not exist"
	case acl.ErrFirstArg:
		return "Allowing first-arg of a subcommand is not supported"
	}
	return err.Error()
}
