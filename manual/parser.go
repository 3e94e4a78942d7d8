package manual

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Parse reads a usage line in the form of the package comment. Errors are mistakes in the line.
func Parse(line string) ([]Argument, error) {
	spaced := strings.NewReplacer("[", " [ ", "]", " ] ", "<", " < ", ">", " > ").Replace(line)
	p := parser{words: strings.Fields(spaced)}
	arguments := p.sequence()
	if len(p.words) > 0 {
		p.fail("unexpected %q", p.words[0])
	}
	if p.err != nil {
		return nil, fmt.Errorf("usage %q: %w", line, p.err)
	}
	return arguments, nil
}

// parser holds the rest of a line, and the first error.
type parser struct {
	words []string
	err   error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// skip skips a word if it is the next one, and reports whether it was.
func (p *parser) skip(word string) bool {
	if len(p.words) == 0 || p.words[0] != word {
		return false
	}
	p.words = p.words[1:]
	return true
}

// atEnd reports whether a sequence ends here.
func (p *parser) atEnd() bool {
	return len(p.words) == 0 || slices.Contains([]string{"]", ">", "|", "..."}, p.words[0])
}

// sequence reads arguments up to the end of the line or of the brackets, or up to a bar.
func (p *parser) sequence() []Argument {
	var all []Argument
	for !p.atEnd() {
		switch {
		case p.skip("["):
			inner := p.alternatives()
			if p.skip("...") {
				all = p.repeat(all, inner)
			} else {
				inner.Optional = true
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

// close skips a closing bracket.
func (p *parser) close(bracket string) {
	if !p.skip(bracket) {
		p.fail("%q is missing", bracket)
	}
}

// tokenAndValues reads a token with the values that belong to it.
func (p *parser) tokenAndValues() Argument {
	token := p.words[0]
	p.words = p.words[1:]
	var values []Argument
	for !p.atEnd() && p.words[0] != "[" && !isToken(p.words[0]) {
		values = append(values, p.unit())
	}
	if values == nil {
		return Argument{Name: strings.ToLower(token), Kind: PureToken, Token: token}
	}
	a := asOne(values)
	a.Token = token
	return a
}

// unit reads one value, or the contents of angle brackets.
func (p *parser) unit() Argument {
	if p.skip("<") {
		a := p.alternatives()
		p.close(">")
		return a
	}
	word := p.words[0]
	p.words = p.words[1:]
	name, kind := splitKind(word)
	return Argument{Name: name, Kind: kind}
}

// alternatives reads sequences separated by bars as one argument.
func (p *parser) alternatives() Argument {
	var all []Argument
	for more := true; more; more = p.skip("|") {
		s := p.sequence()
		if s == nil {
			p.fail("nothing to choose or to leave out")
			return Argument{}
		}
		all = append(all, asOne(s))
	}
	if len(all) == 1 {
		return all[0]
	}
	return Argument{Name: groupName(all), Kind: OneOf, Parts: all}
}

// repeat marks the last arguments of all, which are the same as those of again, as given once or more.
func (p *parser) repeat(all []Argument, again Argument) []Argument {
	n := 1
	if again.Kind == Block {
		n = len(again.Parts)
	}
	if n > len(all) {
		p.fail("nothing to repeat")
		return all
	}
	from := len(all) - n
	last := asOne(slices.Clone(all[from:]))
	last.Multiple = true
	last.MultipleToken = again.Token != ""
	if again.Name != last.Name || again.Token != "" && again.Token != last.Token {
		p.fail("%s repeats %s", again.Name, last.Name)
	}
	return append(all[:from], last)
}

// isToken reports whether a word is a token: a word in capitals.
func isToken(word string) bool {
	return strings.ContainsFunc(word, unicode.IsUpper) && word == strings.ToUpper(word)
}
