package command

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestKeysOfWholeCommandsAreFoundAsInRedis(t *testing.T) {
	runScript(t, `
		COMMAND GETKEYSANDFLAGS GET a => *1¶*2¶$1¶a¶*2¶+RO¶+access
		COMMAND GETKEYSANDFLAGS mset a 1 b 2 => *2¶*2¶$1¶a¶*2¶+OW¶+update¶*2¶$1¶b¶*2¶+OW¶+update
		COMMAND GETKEYSANDFLAGS MSET a 1 b => *2¶*2¶$1¶a¶*2¶+OW¶+update¶*2¶$1¶b¶*2¶+OW¶+update
		COMMAND GETKEYSANDFLAGS DEL a a => *2¶*2¶$1¶a¶*2¶+RM¶+delete¶*2¶$1¶a¶*2¶+RM¶+delete
		COMMAND GETKEYSANDFLAGS EXISTS a => *1¶*2¶$1¶a¶*1¶+RO
		COMMAND GETKEYSANDFLAGS SET get 1 => *1¶*2¶$3¶get¶*2¶+OW¶+update
		COMMAND GETKEYSANDFLAGS SET a get => *1¶*2¶$1¶a¶*2¶+OW¶+update
		COMMAND GETKEYSANDFLAGS SET a 1 NX gEt => *1¶*2¶$1¶a¶*3¶+RW¶+access¶+update
		COMMAND GETKEYSANDFLAGS SET a 1 WHAT => *1¶*2¶$1¶a¶*2¶+OW¶+update
		COMMAND GETKEYSANDFLAGS OBJECT ENCODING k => *1¶*2¶$1¶k¶*1¶+RO
		COMMAND GETKEYSANDFLAGS MEMORY USAGE k SAMPLES 1 => *1¶*2¶$1¶k¶*1¶+RO
		COMMAND GETKEYSANDFLAGS RENAME a b => *2¶*2¶$1¶a¶*3¶+RW¶+access¶+delete¶*2¶$1¶b¶*2¶+OW¶+update
		COMMAND GETKEYSANDFLAGS LCS a b => *2¶*2¶$1¶a¶*2¶+RO¶+access¶*2¶$1¶b¶*2¶+RO¶+access
		COMMAND GETKEYSANDFLAGS GET a b => -ERR Invalid number of arguments specified for command
		COMMAND GETKEYSANDFLAGS PING a => -ERR The command has no key arguments
		COMMAND GETKEYSANDFLAGS NOSUCH a => -ERR Invalid command specified
		COMMAND GETKEYSANDFLAGS GET => -ERR wrong number of arguments for 'command|getkeysandflags' command
		COMMAND GETKEYSANDFLAGS => -ERR wrong number of arguments for 'command|getkeysandflags' command
		COMMAND GETKEYS MSET a 1 b => *2¶$1¶a¶$1¶b
		COMMAND GETKEYS MEMORY USAGE => -ERR Invalid number of arguments specified for command
		COMMAND GETKEYS MEMORY WHAT => -ERR Invalid command specified
		COMMAND GETKEYS OBJECT HELP => -ERR The command has no key arguments
		COMMAND GETKEYS CONFIG GET => -ERR The command has no key arguments
		COMMAND GETKEYS CONFIG WHAT => -ERR Invalid command specified
		COMMAND GETKEYS COMMAND WHAT => -ERR Invalid command specified
		COMMAND GETKEYS memory|usage k => -ERR Invalid command specified
		COMMAND GETKEYS "" "" => -ERR Invalid command specified
	`)
}

func TestCommandsAreFoundByFullName(t *testing.T) {
	runScript(t, `
		COMMAND INFO config|nosuch config| |get config|get|x nosuch|get get|x get| "" | => *9¶$-1¶$-1¶$-1¶$-1¶$-1¶$-1¶$-1¶$-1¶$-1
		COMMAND DOCS config|get|x get|x config| "" | => *0
		COMMAND LIST FILTERBY PATTERN config|g* => *1¶$10¶config|get
		COMMAND LIST FILTERBY PATTERN CONFIG|GET => *1¶$10¶config|get
		COMMAND LIST FILTERBY PATTERN "" => *0
		COMMAND LIST FILTERBY PATTERN => -ERR syntax error
		COMMAND LIST FILTERBY PATTERN a b => -ERR syntax error
		COMMAND LIST FILTERBY => -ERR syntax error
		COMMAND LIST WHAT => -ERR syntax error
		COMMAND LIST WHAT MODULE a => -ERR syntax error
		COMMAND LIST FILTERBY ACLCAT @string => *0
		COMMAND LIST FILTERBY MODULE "" => *0
		config|get timeout => -ERR unknown command 'config|get', with args beginning with: 'timeout'\x20
	`)
}

// names are the names in a reply.
func names(t *testing.T, reply string) []string {
	t.Helper()
	value, _ := decode(t, []byte(reply))
	var all []string
	for _, name := range value.([]any) {
		all = append(all, name.(string)[1:])
	}
	return all
}

func TestCommandListFiltersAsRedis(t *testing.T) {
	b := newBench(t, nil)
	ours := names(t, b.do("COMMAND", "LIST"))
	top := slices.DeleteFunc(slices.Clone(ours), func(name string) bool { return strings.Contains(name, "|") })
	if got := b.do("COMMAND", "COUNT"); got != fmt.Sprintf(":%d\r\n", len(top)) {
		t.Errorf("COUNT is %q, LIST has %d without subcommands", got, len(top))
	}
	redis := dialRedis(t)
	if redis == nil {
		t.Skip("no redis-server on PATH")
	}
	theirs := names(t, redis.do(t, "COMMAND", "LIST"))
	common := func(reply string) []string {
		some := slices.DeleteFunc(names(t, reply), func(name string) bool {
			return !slices.Contains(ours, name) || !slices.Contains(theirs, name)
		})
		slices.Sort(some)
		return some
	}
	filters := [][]string{{"PATTERN", "*"}, {"PATTERN", "[a-c]*"}, {"pattern", "?ET*"}, {"PATTERN", `*\|*`}, {"PATTERN", "*g[^e]t"}, {"MODULE", "x"}}
	for _, name := range categoryNames() {
		filters = append(filters, []string{"ACLCAT", name}, []string{"aclcat", strings.ToUpper(name)})
	}
	for _, filter := range filters {
		args := append([]string{"COMMAND", "LIST", "FILTERBY"}, filter...)
		if got, want := common(b.do(args...)), common(redis.do(t, args...)); !slices.Equal(got, want) {
			t.Errorf("%q\ngot  %q\nwant %q", args, got, want)
		}
	}
}

// TestContainersRefuseAsRedis sends an unknown subcommand to every container, and a wrong number of arguments to each
// of its subcommands.
func TestContainersRefuseAsRedis(t *testing.T) {
	b := newBench(t, nil)
	redis := dialRedis(t)
	if redis == nil {
		t.Skip("no redis-server on PATH")
	}
	for _, r := range b.table.top {
		if r.subs == nil || redis.do(t, "COMMAND", "INFO", r.name) == "*1\r\n$-1\r\n" {
			continue
		}
		var calls [][]string
		if r.handler == nil {
			calls = append(calls, []string{r.name})
		}
		for _, rest := range [][]string{
			{"nosuch"}, {"NoSuch", "a", "b"}, {""}, {"a b"}, {"a\r\nb"}, {"a\x00b"}, {"\xff"}, {strings.Repeat("x", 200)}, {"get|x"}, {"nosuch", "help"},
		} {
			calls = append(calls, append([]string{strings.ToUpper(r.name)}, rest...))
		}
		for _, sub := range r.subs {
			if redis.do(t, "COMMAND", "INFO", sub.full) == "*1\r\n$-1\r\n" {
				continue
			}
			for n := 2; n < 6; n++ {
				if !sub.accepts(n) {
					calls = append(calls, append([]string{r.name, strings.ToUpper(sub.name)}, slices.Repeat([]string{"a"}, n-2)...))
				}
			}
		}
		for _, args := range calls {
			got, want := b.do(args...), redis.do(t, args...)
			if got != want || got[0] != '-' || b.turn.Next == Bye {
				t.Errorf("%q\ngot  %q\nwant %q", args, got, want)
			}
		}
	}
}

func TestHelpIsOfRedisShape(t *testing.T) {
	b := newBench(t, nil)
	redis := dialRedis(t)
	if redis == nil {
		t.Skip("no redis-server on PATH")
	}
	for _, r := range b.table.top {
		if r.subs == nil {
			continue
		}
		got, want := b.do(r.name, "HELP"), redis.do(t, r.name, "HELP")
		if got[0] == '-' || want[0] == '-' {
			if got != want {
				t.Errorf("%s\ngot  %q\nwant %q", r.name, got, want)
			}
			continue
		}
		ours, _ := decode(t, []byte(got))
		theirs, _ := decode(t, []byte(want))
		if first := ours.([]any)[0]; first != theirs.([]any)[0] {
			t.Errorf("%s begins with %q, in Redis with %q", r.name, first, theirs.([]any)[0])
		}
		for _, line := range ours.([]any) {
			if text, ok := line.(string); !ok || text[0] != '+' {
				t.Errorf("%s: a line is %v", r.name, line)
			}
		}
	}
}
