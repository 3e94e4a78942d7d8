package acl

import (
	"slices"
	"strings"

	"github.com/quotadb/quota-db/glob"
)

// Need is how a command uses a key.
type Need uint8

// The bits of Need. A key that is neither read nor written, as by EXISTS, has none: any matching pattern allows it.
const (
	Read Need = 1 << iota
	Write
)

// Key is a key that a command names.
type Key struct {
	Name []byte
	Need Need
}

// pattern is a key pattern with its permissions.
type pattern struct {
	text     string
	need     Need // the uses that it allows
	compiled *glob.Pattern
}

func (p pattern) String() string {
	switch p.need {
	case Read:
		return "%R~" + p.text
	case Write:
		return "%W~" + p.text
	}
	return "~" + p.text
}

// selector is one set of permissions.
type selector struct {
	allowed     []uint64         // bits, by command
	future      bool             // commands of later releases are allowed too: +@all came after -@all
	all         bool             // no command was removed since +@all
	firstArgs   map[int][]string // by command that is not allowed otherwise: the first arguments that allow it
	rules       []string         // as given since the last +@all or -@all
	keys        []pattern
	allKeys     bool
	channels    []string
	allChannels bool
}

func (s *selector) clone() *selector {
	c := *s
	c.allowed = slices.Clone(s.allowed)
	c.firstArgs = make(map[int][]string, len(s.firstArgs))
	for id, args := range s.firstArgs {
		c.firstArgs[id] = slices.Clone(args)
	}
	c.rules, c.keys, c.channels = slices.Clone(s.rules), slices.Clone(s.keys), slices.Clone(s.channels)
	return &c
}

func newSelector(c *Catalogue) *selector {
	return &selector{allowed: make([]uint64, (c.Size+63)/64), firstArgs: make(map[int][]string)}
}

// has reports whether a command is allowed whatever its arguments.
func (s *selector) has(id int) bool { return s.allowed[id/64]&(1<<(id%64)) != 0 }

func (s *selector) set(id int, yes bool) {
	if yes {
		s.allowed[id/64] |= 1 << (id % 64)
	} else {
		s.allowed[id/64] &^= 1 << (id % 64)
		s.all = false
	}
	delete(s.firstArgs, id)
}

// allowsCommand reports whether a command may run with its arguments.
func (s *selector) allowsCommand(id int, args [][]byte) bool {
	if s.all || s.has(id) {
		return true
	}
	return len(args) > 1 && slices.ContainsFunc(s.firstArgs[id], func(arg string) bool { return strings.EqualFold(arg, string(args[1])) })
}

// allowsKey reports whether a key may be used.
func (s *selector) allowsKey(k Key) bool {
	if s.allKeys {
		return true
	}
	for i := range s.keys {
		// Only administrators choose patterns, so the work is not bounded.
		if p, unbounded := &s.keys[i], glob.Unbounded(); p.need&k.Need == k.Need && p.compiled.Match(k.Name, &unbounded) {
			return true
		}
	}
	return false
}

// isFull reports whether everything is allowed.
func (s *selector) isFull() bool { return s.all && s.allKeys }

// commandRules describes the allowed commands as rules.
func (s *selector) commandRules() string {
	first := "-@all"
	if s.future {
		first = "+@all"
	}
	return strings.Join(append([]string{first}, s.rules...), " ")
}

// keyRules describes the key patterns.
func (s *selector) keyRules() string {
	if s.allKeys {
		return "~*"
	}
	words := make([]string, len(s.keys))
	for i, p := range s.keys {
		words[i] = p.String()
	}
	return strings.Join(words, " ")
}

// channelRules describes the channel patterns.
func (s *selector) channelRules() string {
	if s.allChannels {
		return "&*"
	}
	words := make([]string, len(s.channels))
	for i, channel := range s.channels {
		words[i] = "&" + channel
	}
	return strings.Join(words, " ")
}

// String describes the selector as ACL LIST does.
func (s *selector) String() string {
	channels := s.channelRules()
	if !s.allChannels {
		channels = strings.TrimSpace("resetchannels " + channels)
	}
	words := []string{channels, s.commandRules()}
	if keys := s.keyRules(); keys != "" {
		words = append([]string{keys}, words...)
	}
	return strings.Join(words, " ")
}
