// Package script reads the oracle suite's command scripts.
//
// A script file holds cases. A case starts with its name between dashes, and
// its name is a claim. Every further line is one step:
//
//	# a comment
//	-- GETDEL returns the value and removes the key --
//	SET k v
//	GETDEL k
//	GET k
//
// A command line is quoted as in redis-cli: "..." knows \xHH \n \r \t \a \b \" \\,
// '...' knows \'. An unquoted word in braces is computed when the step runs:
//
//	{now+100} {now-5}         unix time in seconds, with an offset in seconds
//	{nowms+100}               unix time in milliseconds, with an offset in milliseconds
//	{70000*x}                 x, 70000 times
//
// Replies are compared exactly unless the line starts with a directive:
//
//	@about 2 TTL k            integers that differ by at most 2
//	@sorted KEYS *            an array without regard to its order
//	@shape RANDOMKEY          kinds and nulls only, not contents
//	@hello HELLO 3            a HELLO reply without version and id
//	@scan SCAN 0 COUNT 1      a whole iteration, as a set of keys
//	@until $nil GET k         repeats the command until it replies so
//	@raw "PING\r\n"           bytes on a connection of their own, several words
//	                          joined; compares all replies and whether the
//	                          server closes
//	@client 2                 the following lines run on another connection
package script

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Case is a named run of steps that starts on an empty server with fresh connections.
type Case struct {
	Name  string
	Steps []Step
}

// Step is one line of a case.
type Step struct {
	Line int    // in its file, from 1
	Text string // as written, for messages
	// Directive is the name after @, empty for a plain command; Param is its
	// argument, if it takes one.
	Directive, Param string
	words            []word
}

// directives says which directives take a parameter and which a command.
var directives = map[string]struct{ param, command bool }{
	"about":  {param: true, command: true},
	"sorted": {command: true},
	"shape":  {command: true},
	"hello":  {command: true},
	"scan":   {command: true},
	"until":  {param: true, command: true},
	"raw":    {command: true},
	"client": {param: true},
}

// Parse reads a script file.
func Parse(r io.Reader) ([]Case, error) {
	var cases []Case
	seen := map[string]bool{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if name, ok := caseName(text); ok {
			if seen[name] {
				return nil, fmt.Errorf("line %d: a second case %q", n, name)
			}
			seen[name] = true
			cases = append(cases, Case{Name: name})
			continue
		}
		step, err := parseStep(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if len(cases) == 0 {
			return nil, fmt.Errorf("line %d: a step before the first case", n)
		}
		step.Line = n
		last := &cases[len(cases)-1]
		last.Steps = append(last.Steps, step)
	}
	return cases, lines.Err()
}

func caseName(text string) (string, bool) {
	name, ok := strings.CutPrefix(text, "-- ")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, " --")
}

func parseStep(text string) (Step, error) {
	step := Step{Text: text}
	words, err := split(text)
	if err != nil {
		return step, err
	}
	step.words = words
	if !strings.HasPrefix(text, "@") {
		_, err = step.Command(time.Now())
		return step, err
	}
	step.Directive = strings.TrimPrefix(words[0].text, "@")
	takes, ok := directives[step.Directive]
	if !ok {
		return step, fmt.Errorf("unknown directive @%s", step.Directive)
	}
	step.words = words[1:]
	if takes.param {
		if len(step.words) == 0 {
			return step, fmt.Errorf("@%s without its parameter", step.Directive)
		}
		if step.Param, err = step.words[0].expand(time.Now()); err != nil {
			return step, err
		}
		step.words = step.words[1:]
	}
	if takes.command != (len(step.words) > 0) {
		return step, fmt.Errorf("@%s with %d words after it", step.Directive, len(step.words))
	}
	_, err = step.Command(time.Now())
	return step, err
}

// Command returns the step's command with the computed words filled in.
func (s Step) Command(now time.Time) ([]string, error) {
	args := make([]string, len(s.words))
	for i, w := range s.words {
		var err error
		if args[i], err = w.expand(now); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// Tolerance is the parameter of @about.
func (s Step) Tolerance() (int64, error) { return strconv.ParseInt(s.Param, 10, 64) }
