package command

import (
	"github.com/quotadb/quota-db/acl"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/manual"
)

// row is one command, or one subcommand of a container such as CONFIG: all that is known of it. Nothing about a command
// stands elsewhere but its handler.
type row struct {
	name    string // lower case
	arity   int    // arguments, those that name the command included; negative: at least so many
	flags   flags
	acl     categories // beside those that follow from the flags
	keys    keys
	group   string   // heading in help
	since   string   // version of Redis that has it first
	tips    []string // for clients that spread commands over servers
	handler func(*call)
	subs    []*row                    // subcommands; the handler, if any, is for the container's name alone
	secrets func(args [][]byte) []int // positions of arguments that no log may show; nil: there are none

	// What people read about it.
	usage      string // its arguments: package manual says how
	complexity string
	summary    string
	deprecated deprecation

	// What follows from the fields above: see table.complete.
	full      string // name, below its container's name: "config|get"
	id        int    // index in the statistics
	lock      locking
	arguments []manual.Argument

	need, needThen acl.Need // what its first key, and its others, need: see needOf
	variable       bool     // the use of its key depends on its words
}

// deprecation is Redis's advice against a command: since which version, and what to use instead.
type deprecation struct{ since, instead string }

// locking is what the executor does before it calls the handler.
type locking uint8

const (
	lockNone locking = iota // the command has no keys
	lockOne                 // call.key is the key
	lockMany                // call.keys are the keys
)

// keys says which arguments are keys.
type keys struct {
	first int    // position of the first; 0: there is none
	last  int    // of the last; negative: counted from the end, -1 is the last argument
	step  int    // from one to the next
	use   string // what happens to them, in Redis's words
	then  string // what happens to the second of two, if it is another thing
}

// oneKey is the first argument.
func oneKey(use string) keys { return keys{first: 1, last: 1, step: 1, use: use} }

// subKey is the first argument of a subcommand.
func subKey(use string) keys { return keys{first: 2, last: 2, step: 1, use: use} }

// twoKeys is the first two arguments.
func twoKeys(use string) keys { return keys{first: 1, last: 2, step: 1, use: use} }

// fromTo is the first two arguments, of which the second becomes what the first was.
func fromTo(use, then string) keys { return keys{first: 1, last: 2, step: 1, use: use, then: then} }

// allKeys is every argument.
func allKeys(use string) keys { return keys{first: 1, last: -1, step: 1, use: use} }

// pairKeys is every other argument.
func pairKeys(use string) keys { return keys{first: 1, last: -1, step: 2, use: use} }

// locking follows from how many keys there can be.
func (k keys) locking() locking {
	switch {
	case k.first == 0:
		return lockNone
	case k.first == k.last:
		return lockOne
	}
	return lockMany
}

// end is the position behind the last key of a command with argc arguments.
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

// appendTo appends a command's keys.
func (k keys) appendTo(all []engine.Key, db *engine.DB, args [][]byte) []engine.Key {
	for i, n := k.first, k.count(len(args)); n > 0; i, n = i+k.step, n-1 {
		all = append(all, db.Key(args[i]))
	}
	return all
}

// accepts reports whether the number of arguments is right.
func (r *row) accepts(argc int) bool {
	return argc == r.arity || r.arity < 0 && argc >= -r.arity
}

// flags are a command's properties. The executor acts on write, denyOOM and noMulti, and on those that are not told to
// clients.
type flags uint32

// In the order in which Redis lists them.
const (
	write flags = 1 << iota
	readonly
	denyOOM // needs memory: refused above maxmemory
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
	// What follows is not told to clients.
	atOnce        // runs in a transaction instead of being queued
	wholeKeyspace // looks at all keys: in a transaction it needs all shards
	unseen        // EXEC: shown to MONITOR behind what it runs
	commits       // EXEC: runs what is queued
	endsPause     // runs even while all clients are paused
	takesLong     // is done beside the event loop: not in a transaction, which holds its keys
	// connectionOnly is for what changes how a connection goes on, or who it is: nothing inside the server can call it.
	connectionOnly
)

// flagNames are the words of the flags, by bit.
func flagNames() []string {
	return []string{"write", "readonly", "denyoom", "admin", "noscript", "loading", "stale", "skip_slowlog", "fast", "no_auth", "no_async_loading", "no_multi", "allow_busy"}
}

// categories are the groups of commands that access rules name.
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

// categories are those of the row, the ones that follow from its flags included.
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
