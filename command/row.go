package command

import (
	"bytes"
	"github.com/quotadb/quota-db/acl"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/manual"
)

// row is everything about one command, or about one subcommand of a container such as CONFIG. Only its handler stands
// elsewhere.
type row struct {
	name    string // lower case
	arity   int    // number of arguments, with the name; negative: at least that many
	flags   flags
	acl     categories // categories that do not follow from the flags
	keys    keys
	group   string   // heading in help
	since   string   // first version of Redis with the command
	tips    []string // for clients that spread commands over servers
	handler func(*call)
	subs    []*row                    // subcommands; the handler, if any, is for the container's name alone
	secrets func(args [][]byte) []int // positions of arguments that no log may show; nil: there are none

	// For people.
	usage      string // its arguments, in the form of package manual
	complexity string
	summary    string
	deprecated deprecation

	// These follow from the fields above: see table.complete.
	full      string // name, below its container's name: "config|get"
	id        int    // index in the statistics
	lock      locking
	arguments []manual.Argument

	need, needThen acl.Need // rights for its first key, and for its other keys: see needOf
	variable       bool     // the use of its key depends on its options
}

// deprecation is Redis's advice not to use a command: since which version, and the replacement.
type deprecation struct{ since, instead string }

// locking is what the executor does before it calls the handler.
type locking uint8

const (
	lockNone locking = iota // the command has no keys
	lockOne                 // call.key is the key
	lockMany                // call.keys are the keys
)

// keys says which arguments of a command are keys.
type keys struct {
	first int    // position of the first key; 0: there is none
	last  int    // position of the last key; negative: from the end, -1 is the last argument
	step  int    // from one key to the next
	use   string // how the command uses the keys, in Redis's words
	then  string // how it uses the second of two keys, if that differs
}

// oneKey is the first argument.
func oneKey(use string) keys { return keys{first: 1, last: 1, step: 1, use: use} }

// subKey is the first argument of a subcommand.
func subKey(use string) keys { return keys{first: 2, last: 2, step: 1, use: use} }

// twoKeys is the first two arguments.
func twoKeys(use string) keys { return keys{first: 1, last: 2, step: 1, use: use} }

// fromTo is the first two arguments; the second key gets the value of the first.
func fromTo(use, then string) keys { return keys{first: 1, last: 2, step: 1, use: use, then: then} }

// allKeys is every argument.
func allKeys(use string) keys { return keys{first: 1, last: -1, step: 1, use: use} }

// pairKeys is every other argument.
func pairKeys(use string) keys { return keys{first: 1, last: -1, step: 2, use: use} }

// locking is lockNone, lockOne or lockMany, by the possible number of keys.
func (k keys) locking() locking {
	switch {
	case k.first == 0:
		return lockNone
	case k.first == k.last:
		return lockOne
	}
	return lockMany
}

// end is the position after the last key of a command with argc arguments.
func (k keys) end(argc int) int {
	if k.last < 0 {
		return argc + k.last + 1
	}
	return k.last + 1
}

// count is how many keys a command with argc arguments has.
func (k keys) count(argc int) int {
	if k.first == 0 {
		return 0
	}
	return (k.end(argc) - k.first + k.step - 1) / k.step
}

// fit reports whether no key is too long.
func (k keys) fit(args [][]byte) bool {
	for i, n := k.first, k.count(len(args)); n > 0; i, n = i+k.step, n-1 {
		if len(args[i]) > engine.MaxKeyBytes {
			return false
		}
	}
	return true
}

// appendTo appends a command's keys. A name that follows itself is hashed once.
func (k keys) appendTo(all []engine.Key, db *engine.DB, args [][]byte) []engine.Key {
	for i, n := k.first, k.count(len(args)); n > 0; i, n = i+k.step, n-1 {
		if i > k.first && bytes.Equal(args[i], args[i-k.step]) {
			all = append(all, all[len(all)-1])
			continue
		}
		all = append(all, db.Key(args[i]))
	}
	return all
}

// accepts reports whether the number of arguments is right.
func (r *row) accepts(argc int) bool {
	return argc == r.arity || r.arity < 0 && argc >= -r.arity
}

// flags are a command's properties. The executor uses write, denyOOM, noMulti, and the flags that clients are not told.
type flags uint32

// In the order in which Redis lists them.
const (
	write flags = 1 << iota
	readonly
	denyOOM // needs memory, so it is refused above maxmemory
	admin
	noscript
	loading
	stale
	skipSlowlog
	fast
	noAuth
	noAsyncLoading
	noMulti
	allowBusy
	// Clients are not told the flags below.
	atOnce        // runs in a transaction instead of being queued
	wholeKeyspace // uses all keys, so in a transaction it needs all shards
	unseen        // EXEC: MONITOR shows it after the commands that it runs
	commits       // EXEC: runs the queued commands
	endsPause     // runs even while all clients are paused
	takesLong     // runs beside the event loop, and so not in a transaction, which holds locks
	// connectionOnly marks commands that change the state or the user of a connection. Code inside the server cannot
	// call them.
	connectionOnly
)

// flagNames are the words of the flags, by bit.
func flagNames() []string {
	return []string{"write", "readonly", "denyoom", "admin", "noscript", "loading", "stale", "skip_slowlog", "fast", "no_auth", "no_async_loading", "no_multi", "allow_busy"}
}

// categories are the groups of commands in access rules, such as @read.
type categories uint16

// In the order in which Redis lists them.
const (
	aclKeyspace categories = 1 << iota
	aclRead
	aclWrite
	aclString
	aclBitmap
	aclAdmin
	aclFast
	aclSlow
	aclDangerous
	aclConnection
	aclTransaction
)

// categoryNames are the words of the categories, by bit.
func categoryNames() []string {
	return []string{"keyspace", "read", "write", "string", "bitmap", "admin", "fast", "slow", "dangerous", "connection", "transaction"}
}

// categories are the categories of the row, with those that follow from its flags.
func (r *row) categories() categories {
	all := r.acl
	if r.flags&write != 0 {
		all |= aclWrite
	}
	if r.flags&readonly != 0 {
		all |= aclRead
	}
	if r.flags&admin != 0 {
		all |= aclAdmin | aclDangerous
	}
	if r.flags&fast != 0 {
		return all | aclFast
	}
	return all | aclSlow
}
