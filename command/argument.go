package command

import "strings"

// argument is one argument of a command, or a group of them, as COMMAND DOCS describes it.
type argument struct {
	name  string
	kind  string // Redis's word for its type
	token string // word in front of it, or that it consists of
	parts []argument

	optional      bool
	multiple      bool
	multipleToken bool // the word is repeated with it
}

// flags are the words for how an argument may be given.
func (a *argument) flags() []string {
	var flags []string
	if a.optional {
		flags = append(flags, "optional")
	}
	if a.multiple {
		flags = append(flags, "multiple")
	}
	if a.multipleToken {
		flags = append(flags, "multiple_token")
	}
	return flags
}

// asOne makes a group of several arguments.
func asOne(all []argument) argument {
	if len(all) == 1 {
		return all[0]
	}
	return argument{name: groupName(all), kind: "block", parts: all}
}

// groupName is the name of a group, which nobody types: Redis's own for the two that many commands have, those of its parts
// for others.
func groupName(parts []argument) string {
	switch parts[0].name {
	case "nx":
		return "condition"
	case "seconds":
		return "expiration"
	}
	names := make([]string, len(parts))
	for i, part := range parts {
		names[i] = part.name
	}
	return strings.Join(names, "_")
}

// kindOf is the type of a value by its name.
func kindOf(name string) string {
	switch name {
	case "key", "key1", "key2", "newkey", "source", "destination":
		return "key"
	case "pattern":
		return "pattern"
	case "unix-time-seconds", "unix-time-milliseconds":
		return "unix-time"
	case "seconds", "milliseconds", "increment", "decrement", "cursor", "count", "index", "protover", "client-id",
		"start", "end", "offset", "bit", "len", "version", "db", "destination-db", "index1", "index2",
		"slot", "start-slot", "end-slot", "port", "cluster_bus_port", "config-epoch",
		"limit", "window", "tokens", "max-burst", "period", "quantity", "bits", "timeout", "lower-bound", "upper-bound":
		return "integer"
	}
	return "string"
}
