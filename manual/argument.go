// Package manual reads the usage line of a command, such as
//
//	key value [NX | XX] [EX seconds:integer | PX milliseconds:integer] [ID client-id:integer [client-id ...]]
//
// and returns the arguments for COMMAND DOCS, and the line for people: for HELP and docs/commands.md.
//
// A word in capitals is a token, which the user types as it is. Any other word is the name of a value. Values after a
// token belong to the token. Square brackets hold optional arguments, angle brackets hold required ones, and bars
// separate alternatives. Square brackets that end with dots repeat the arguments before them. If the type of a value
// does not follow from its name, the type stands after a colon: see the constants. People are not shown the type.
//
// The package is pure, and does not know any command.
package manual

import (
	"slices"
	"strings"
)

// The types of arguments, in Redis's words.
const (
	String    = "string" // values without a type
	Key       = "key"    // also values with this name
	Integer   = "integer"
	Pattern   = "pattern" // also values with this name
	UnixTime  = "unix-time"
	PureToken = "pure-token" // a token without a value
	OneOf     = "oneof"      // a group; its Parts are alternatives
	Block     = "block"      // a group; all its Parts are given
)

// Argument is one argument of a command, or a group of arguments, as COMMAND DOCS describes it.
type Argument struct {
	Name  string
	Kind  string     // one of the types above
	Token string     // the token before the value, or the pure token; empty: there is none
	Parts []Argument // of a group

	Optional      bool
	Multiple      bool // may be given several times
	MultipleToken bool // the token too is given each time
}

// IsValue reports whether the argument is one value, with or without a token.
func (a *Argument) IsValue() bool { return a.Parts == nil && a.Kind != PureToken }

// Flags are the flags of an argument in COMMAND DOCS: optional, multiple, multiple_token. nil: there is none.
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

// Text is the usage line of a command for people: the name, then the arguments.
func Text(name string, arguments []Argument) string {
	return strings.TrimSpace(name + " " + text(arguments, " "))
}

// text is arguments in the form of redis-cli.
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

// asOne makes one argument of several: a group, or the argument itself if there is only one.
func asOne(all []Argument) Argument {
	if len(all) == 1 {
		return all[0]
	}
	return Argument{Name: groupName(all), Kind: Block, Parts: all}
}

// groupName is the name of a group. Nobody types it. Two groups that many commands have are named as in Redis; the
// others have the names of their parts.
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
