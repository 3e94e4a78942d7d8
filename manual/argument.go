// Package manual reads the usage line of a command, such as
//
//	key value [NX | XX] [EX seconds:integer | PX milliseconds:integer] [ID client-id:integer [client-id ...]]
//
// and gives the arguments that COMMAND DOCS describes, and the line as people read it: in HELP and in docs/commands.md.
//
// A word in capitals is to be given as it stands, any other word is the name of a value. Values behind a word in
// capitals belong to it. Brackets hold arguments that may be left out, angle brackets hold arguments that may not, bars
// separate alternatives. Brackets that end with dots repeat the arguments in front of them. A value whose type does not
// follow from its name has the type behind a colon: see the constants. The type is not shown to people.
//
// The package is pure, and knows no command.
package manual

import (
	"slices"
	"strings"
)

// The types of arguments, in Redis's words.
const (
	String    = "string" // of values without a type
	Key       = "key"    // also of values with this name
	Integer   = "integer"
	Pattern   = "pattern" // also of values with this name
	UnixTime  = "unix-time"
	PureToken = "pure-token" // a word in capitals without a value
	OneOf     = "oneof"      // Parts are alternatives
	Block     = "block"      // Parts are all given
)

// Argument is one argument of a command, or a group of them, as COMMAND DOCS describes it.
type Argument struct {
	Name  string
	Kind  string     // one of the types above
	Token string     // the word in front of it, or that it consists of; empty: there is none
	Parts []Argument // of a group

	Optional      bool
	Multiple      bool // may be given several times
	MultipleToken bool // and its word each time
}

// IsValue reports whether the argument is one value, with or without a word in front.
func (a *Argument) IsValue() bool { return a.Parts == nil && a.Kind != PureToken }

// Flags are the words for how an argument may be given; nil: it is given once.
func (a *Argument) Flags() []string {
	var flags []string
	if a.Optional {
		flags = append(flags, "optional")
	}
	if a.Multiple {
		flags = append(flags, "multiple")
	}
	if a.MultipleToken {
		flags = append(flags, "multiple_token")
	}
	return flags
}

// Text is a command as people read it, with its name in front.
func Text(name string, arguments []Argument) string {
	return strings.TrimSpace(name + " " + text(arguments, " "))
}

// text writes arguments as redis-cli does.
func text(arguments []Argument, separator string) string {
	all := make([]string, len(arguments))
	for i := range arguments {
		all[i] = arguments[i].text()
	}
	return strings.Join(all, separator)
}

func (a *Argument) text() string {
	value := a.Name
	switch a.Kind {
	case OneOf:
		if value = text(a.Parts, " | "); !a.Optional || a.Token != "" {
			value = "<" + value + ">"
		}
	case Block:
		value = text(a.Parts, " ")
	case PureToken:
		value = ""
	}
	line := strings.TrimSpace(a.Token + " " + value)
	if a.Multiple {
		again := value
		if a.MultipleToken {
			again = line
		}
		line += " [" + again + " ...]"
	}
	if a.Optional {
		line = "[" + line + "]"
	}
	return line
}

// asOne makes a group of several arguments.
func asOne(all []Argument) Argument {
	if len(all) == 1 {
		return all[0]
	}
	return Argument{Name: groupName(all), Kind: Block, Parts: all}
}

// groupName is the name of a group, which nobody types: Redis's own for the two that many commands have, those of its
// parts for others.
func groupName(parts []Argument) string {
	switch parts[0].Name {
	case "nx":
		return "condition"
	case "seconds":
		return "expiration"
	}
	names := make([]string, len(parts))
	for i, part := range parts {
		names[i] = part.Name
	}
	return strings.Join(names, "_")
}

// splitKind separates the name of a value from its type. A colon may also be part of a name, as in ip:port.
func splitKind(word string) (name, kind string) {
	if i := strings.LastIndexByte(word, ':'); i >= 0 && slices.Contains([]string{Key, Integer, Pattern, UnixTime}, word[i+1:]) {
		return word[:i], word[i+1:]
	}
	if word == Key || word == Pattern {
		return word, word
	}
	return word, String
}
