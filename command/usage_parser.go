package command

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// parseUsage reads a usage line:
//
//	key value [NX | XX] [EX seconds | PX milliseconds] [ID client-id [client-id ...]]
//
// A word in capitals is to be given as it stands, any other is a value. Values behind a word in capitals belong to it. Brackets
// hold what may be left out, angle brackets what may not, bars part alternatives. Brackets that end with dots repeat what stands
// in front of them.
func parseUsage(line string) ([]argument, error) {
	spaced := strings.NewReplacer("[", " [ ", "]", " ] ", "<", " < ", ">", " > ").Replace(line)
	p := usageParser{words: strings.Fields(spaced)}
	arguments := p.sequence()
	if len(p.words) > 0 {
		p.fail("unexpected %q", p.words[0])
	}
	if p.err != nil {
		return nil, fmt.Errorf("usage %q: %w", line, p.err)
	}
	return arguments, nil
}

// usageParser holds what is left of a line, and the first error.
type usageParser struct {
	words []string
	err   error
}

func (p *usageParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// skip goes over a word if it is the next one.
func (p *usageParser) skip(word string) bool {
	if len(p.words) == 0 || p.words[0] != word {
		return false
	}
	p.words = p.words[1:]
	return true
}

// atEnd reports whether a sequence ends here.
func (p *usageParser) atEnd() bool {
	return len(p.words) == 0 || slices.Contains([]string{"]", ">", "|", "..."}, p.words[0])
}

// sequence reads arguments up to the end of the line or of the brackets, or to a bar.
func (p *usageParser) sequence() []argument {
	var all []argument
	for !p.atEnd() {
		switch {
		case p.skip("["):
			inner := p.alternatives()
			if p.skip("...") {
				all = p.repeat(all, inner)
			} else {
				inner.optional = true
				all = append(all, inner)
			}
			p.close("]")
		case isToken(p.words[0]):
			all = append(all, p.tokenAndValues())
		default:
			all = append(all, p.unit())
		}
	}
	return all
}

// close goes over the end of brackets.
func (p *usageParser) close(bracket string) {
	if !p.skip(bracket) {
		p.fail("%q is missing", bracket)
	}
}

// tokenAndValues reads a word in capitals with the values that belong to it.
func (p *usageParser) tokenAndValues() argument {
	token := p.words[0]
	p.words = p.words[1:]
	var values []argument
	for !p.atEnd() && p.words[0] != "[" && !isToken(p.words[0]) {
		values = append(values, p.unit())
	}
	if values == nil {
		return argument{name: strings.ToLower(token), kind: "pure-token", token: token}
	}
	a := asOne(values)
	a.token = token
	return a
}

// unit reads one value or what is in angle brackets.
func (p *usageParser) unit() argument {
	if p.skip("<") {
		a := p.alternatives()
		p.close(">")
		return a
	}
	name := p.words[0]
	p.words = p.words[1:]
	return argument{name: name, kind: kindOf(name)}
}

// alternatives reads sequences with bars between them as one argument.
func (p *usageParser) alternatives() argument {
	var all []argument
	for more := true; more; more = p.skip("|") {
		s := p.sequence()
		if s == nil {
			p.fail("nothing to choose or to leave out")
			return argument{}
		}
		all = append(all, asOne(s))
	}
	if len(all) == 1 {
		return all[0]
	}
	return argument{name: groupName(all), kind: "oneof", parts: all}
}

// repeat marks the arguments at the end that are those of again as given once or more.
func (p *usageParser) repeat(all []argument, again argument) []argument {
	n := 1
	if again.kind == "block" {
		n = len(again.parts)
	}
	if n > len(all) {
		p.fail("nothing to repeat")
		return all
	}
	from := len(all) - n
	last := asOne(slices.Clone(all[from:]))
	last.multiple = true
	last.multipleToken = again.token != ""
	if again.name != last.name || again.kind != last.kind || again.token != "" && again.token != last.token {
		p.fail("%s repeats %s", again.name, last.name)
	}
	return append(all[:from], last)
}

// isToken reports whether a word is to be given as it stands.
func isToken(word string) bool {
	return strings.ContainsFunc(word, unicode.IsUpper) && word == strings.ToUpper(word)
}
