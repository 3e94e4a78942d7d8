package docs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

const (
	// sessionTimeout ends a session in which a command waits for something that never comes.
	sessionTimeout = 4 * time.Minute
	// requireNetns set to 1 turns "no namespaces here" from a skip into a failure.
	requireNetns = "QUOTADB_REQUIRE_NETNS"
)

// isolated is how a shell gets a network and processes of its own, so that the ports of the pages are free and nothing
// outlives the test.
var isolated = []string{"unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"}

// TestTheSessionsOfThePagesPrintWhatTheySay types the commands of the pages and compares their output. A session ends
// everything that it has started, so that the next block of a page can use the same ports.
func TestTheSessionsOfThePagesPrintWhatTheySay(t *testing.T) {
	cli := process.Tool(t, "redis-cli")
	if out, err := exec.Command(isolated[0], append(isolated[1:], "true")...).CombinedOutput(); err != nil {
		if os.Getenv(requireNetns) == "1" {
			t.Fatalf("%s=1, but %v: %s", requireNetns, err, out)
		}
		t.Skipf("needs namespaces: %v: %s", err, out)
	}
	for _, page := range pages(t) {
		sessions := map[string][]block{}
		for _, b := range allBlocks(t, page) {
			if b.directive == "run" {
				sessions[b.argument] = append(sessions[b.argument], b)
			}
		}
		for name, blocks := range sessions {
			t.Run(filepath.Base(page)+"/"+name, func(t *testing.T) {
				t.Parallel()
				runSession(t, cli, blocks)
			})
		}
	}
}

// step is a command of a page and what it prints there.
type step struct {
	at, command, want string
}

// steps are the commands of a block. In a console block a line with "$ " is a command, one with "> " its next line, and
// the others are what it prints; a bash block is commands alone, and may print anything.
func (b block) steps() []step {
	if b.language == "bash" {
		return []step{{fmt.Sprintf("%s:%d", b.page, b.line), b.text, "...\n"}}
	}
	var all []step
	line := b.line
	for text := range strings.Lines(b.text) {
		line++
		if command, ok := strings.CutPrefix(text, "$ "); ok {
			all = append(all, step{at: fmt.Sprintf("%s:%d", b.page, line), command: command})
		} else if more, ok := strings.CutPrefix(text, "> "); ok && len(all) > 0 {
			all[len(all)-1].command += more
		} else if len(all) > 0 {
			all[len(all)-1].want += text
		}
	}
	return all
}

const marker = "@@@ step "

// leftovers lists servers that a session has not ended, after giving them time to end.
const leftovers = "for i in {1..100}; do pgrep quota-db || pgrep redis-server || break; sleep 0.1; done >/dev/null; pgrep -l quota-db; pgrep -l redis-server; true\n"

func runSession(t *testing.T, cli string, blocks []block) {
	dir := t.TempDir()
	var steps []step
	script := "ip link set lo up || exit 1\ncd " + dir + "\n"
	for _, b := range blocks {
		steps = append(steps, b.steps()...)
	}
	steps = append(steps, step{blocks[0].page + ": after the last block", leftovers, ""})
	for _, s := range steps {
		script += "echo; echo '" + marker + "'\n" + s.command
	}
	ctx, cancel := context.WithTimeout(t.Context(), sessionTimeout)
	defer cancel()
	run := exec.CommandContext(ctx, isolated[0], append(isolated[1:], "bash", "-c", script)...)
	run.Dir = dir
	run.WaitDelay = time.Second
	run.Env = []string{"PATH=" + shims(t, cli) + ":" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C.UTF-8"}
	out, err := run.CombinedOutput()
	if err != nil && ctx.Err() == nil && !errors.Is(err, exec.ErrWaitDelay) {
		t.Logf("the session ended with %v", err) // as its last command does
	}
	printed := strings.Split(string(out), "\n"+marker+"\n")[1:]
	if len(printed) != len(steps) {
		t.Fatalf("%d of %d commands were begun:\n%s", len(printed), len(steps), out)
	}
	for i, s := range steps {
		if !matches(printed[i], s.want) {
			t.Errorf("%s: $ %sthe page says\n%s\nit prints\n%s", s.at, s.command, s.want, printed[i])
		}
	}
}

// death is what bash says of a process that was killed.
var death = regexp.MustCompile(`(?m)^.*line \d+: +\d+ (Killed|Terminated).*\n`)

// matches compares what was printed with what the page says, where "..." stands for anything in a line, or for any
// lines if it is a line.
func matches(got, want string) bool {
	pattern := regexp.QuoteMeta(strings.TrimSpace(want))
	pattern = regexp.MustCompile(`(?m)^\\\.\\\.\\\.$`).ReplaceAllString(pattern, `(?s:.*)`)
	pattern = regexp.MustCompile(` *\\\.\\\.\\\. *`).ReplaceAllString(pattern, `.*`)
	return regexp.MustCompile(`^` + pattern + `$`).MatchString(strings.TrimSpace(death.ReplaceAllString(got, "")))
}

// shims replace commands that a test must not run, or must run differently: a clone, a build, and a redis-cli that
// believes it writes to a terminal.
func shims(t *testing.T, cli string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"git":       `[ "$1" = clone ] && mkdir quota-db`,
		"go":        `case "$1" in build) cp "$BINARY" "$3" ;; run) shift 2; exec "$BINARY" "$@" ;; *) exit 1 ;; esac`,
		"redis-cli": `exec ` + cli + ` --no-raw "$@"`,
		"quota-db":  `exec "$BINARY" "$@"`,
	} {
		text = "#!/bin/sh\nBINARY=" + process.Binary(t) + "\n" + text + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDotsStandForWhatDiffers(t *testing.T) {
	for _, test := range []struct {
		got, want string
		same      bool
	}{
		{"a\n", "a\n", true},
		{"ab\n", "a\n", false},
		{"a 17 b\nc\n", "a ... b\nc\n", true},
		{"a 17 b\nd\n", "a ... b\nc\n", false},
		{"a\nx\ny\nb\n", "a\n...\nb\n", true},
		{"a.b", "a.b", true},
		{"axb", "a.b", false},
		{"", "", true},
		{"x: line 3: 42 Killed   y\nz\n", "z\n", true},
	} {
		if matches(test.got, test.want) != test.same {
			t.Errorf("%q and %q", test.got, test.want)
		}
	}
}
