package acl

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/quotadb/quota-db/glob"
)

// Errors that a rule can cause; a RuleError wraps them.
var (
	ErrSyntax      = errors.New("acl: not a rule")
	ErrUnknown     = errors.New("acl: unknown command or category")
	ErrAllKeys     = errors.New("acl: a pattern beside all keys")
	ErrAllChannels = errors.New("acl: a pattern beside all channels")
	ErrHash        = errors.New("acl: not a SHA-256 in lower-case hexadecimal")
	ErrNoPassword  = errors.New("acl: no such password")
	ErrFirstArg    = errors.New("acl: a first argument of a subcommand")
	ErrTooMany     = errors.New("acl: too many passwords, patterns, rules or selectors")
	ErrUnmatched   = errors.New("acl: unmatched parenthesis")
)

// Limits of one user.
const (
	maxPasswords = 64
	maxPatterns  = 1024 // of keys, and again of channels, in one selector
	maxSelectors = 64
	maxFirstArgs = 256 // of one command
	maxRules     = 4096
)

// apply applies one rule to a selector.
func (s *selector) apply(c *Catalogue, rule string) error {
	switch word := strings.ToLower(rule); {
	case word == "allkeys", rule == "~*":
		s.allKeys, s.keys = true, nil
	case word == "resetkeys":
		s.allKeys, s.keys = false, nil
	case word == "allchannels", rule == "&*":
		s.allChannels, s.channels = true, nil
	case word == "resetchannels":
		s.allChannels, s.channels = false, nil
	case word == "allcommands", word == "+@all":
		s.everything(c, true)
	case word == "nocommands", word == "-@all":
		s.everything(c, false)
	case rule == "":
		return ErrSyntax
	case len(s.rules) >= maxRules && strings.ContainsAny(rule[:1], "+-"):
		return ErrTooMany
	case strings.HasPrefix(rule, "~"):
		return s.addPattern(rule[1:], Read|Write)
	case strings.HasPrefix(rule, "%"):
		return s.addNeeding(rule[1:])
	case strings.HasPrefix(rule, "&"):
		return s.addChannel(rule[1:])
	case strings.HasPrefix(rule, "+@"), strings.HasPrefix(rule, "-@"):
		return s.applyCategory(c, word[2:], word[0] == '+')
	case strings.HasPrefix(rule, "+"), strings.HasPrefix(rule, "-"):
		return s.applyCommand(c, word[1:], word[0] == '+')
	default:
		return ErrSyntax
	}
	return nil
}

// everything allows all commands, or none.
func (s *selector) everything(c *Catalogue, yes bool) {
	for id := range c.Size {
		s.set(id, yes)
	}
	s.future, s.all, s.rules = yes, yes, nil
}

func (s *selector) applyCategory(c *Catalogue, name string, yes bool) error {
	bit, ok := c.category(name)
	if !ok && !c.Foreign("@"+name) {
		return ErrUnknown
	}
	for _, command := range c.Commands {
		if command.Categories&bit != 0 {
			s.set(command.ID, yes)
		}
	}
	s.keepRule("@"+name, yes)
	return nil
}

// applyCommand applies +name or -name. The name may end with |sub: a subcommand, or a first argument.
func (s *selector) applyCommand(c *Catalogue, name string, yes bool) error {
	if ids := c.byName[name]; ids != nil {
		for _, id := range ids {
			s.set(id, yes)
		}
		s.keepRule(name, yes)
		return nil
	}
	command, rest, cut := name, "", false
	if i := strings.LastIndexByte(name, '|'); i >= 0 {
		command, rest, cut = name[:i], name[i+1:], true
	}
	id, known := c.exact[command]
	switch {
	case c.Foreign(command) && rest == "" == !cut:
		s.keepRule(name, yes)
		return nil
	case !known || !cut || !yes:
		return ErrUnknown
	case strings.Contains(command, "|"):
		return ErrFirstArg
	case rest == "":
		return ErrSyntax
	case c.isContainer(command):
		return ErrUnknown
	case len(s.firstArgs[id]) >= maxFirstArgs:
		return ErrTooMany
	}
	if !s.has(id) && !slices.Contains(s.firstArgs[id], rest) {
		s.firstArgs[id] = append(s.firstArgs[id], rest)
	}
	s.keepRule(name, yes)
	return nil
}

// keepRule stores a rule for the description. It replaces the rules that it overrides.
func (s *selector) keepRule(name string, yes bool) {
	s.rules = slices.DeleteFunc(s.rules, func(rule string) bool {
		return rule[1:] == name || strings.HasPrefix(rule[1:], name+"|")
	})
	sign := "-"
	if yes {
		sign = "+"
	}
	s.rules = append(s.rules, sign+name)
}

// addNeeding adds a key pattern with its permissions: R~a, W~a, RW~a.
func (s *selector) addNeeding(rule string) error {
	flags, text, ok := strings.Cut(rule, "~")
	if !ok || flags == "" {
		return ErrSyntax
	}
	var need Need
	for _, flag := range strings.ToUpper(flags) {
		switch {
		case flag == 'R' && need&Read == 0:
			need |= Read
		case flag == 'W' && need&Write == 0:
			need |= Write
		default:
			return ErrSyntax
		}
	}
	if text == "*" && need == Read|Write {
		s.allKeys, s.keys = true, nil
		return nil
	}
	return s.addPattern(text, need)
}

func (s *selector) addPattern(text string, need Need) error {
	if hasBlank(text) {
		return ErrSyntax
	}
	if s.allKeys {
		return ErrAllKeys
	}
	for i := range s.keys {
		if s.keys[i].text == text {
			s.keys[i].need |= need
			return nil
		}
	}
	if len(s.keys) == maxPatterns {
		return ErrTooMany
	}
	s.keys = append(s.keys, pattern{text, need, glob.Compile([]byte(text))})
	return nil
}

func (s *selector) addChannel(text string) error {
	if hasBlank(text) {
		return ErrSyntax
	}
	if s.allChannels {
		return ErrAllChannels
	}
	if !slices.Contains(s.channels, text) {
		if len(s.channels) == maxPatterns {
			return ErrTooMany
		}
		s.channels = append(s.channels, text)
	}
	return nil
}

// hasBlank reports whether text has a character that a file of rules cannot contain in a word.
func hasBlank(text string) bool { return strings.ContainsAny(text, " \t\r\n\v\f\x00") }

// parseHash reads a SHA-256 in lower-case hexadecimal.
func parseHash(text string) (h hash, err error) {
	if len(text) != 2*len(h) || strings.ToLower(text) != text {
		return h, ErrHash
	}
	if _, err := hex.Decode(h[:], []byte(text)); err != nil {
		return h, ErrHash
	}
	return h, nil
}
