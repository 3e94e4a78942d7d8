// Package acl decides which user may do what: users, their passwords, and rules in the language of Redis's ACL SETUSER.
//
// A user has a root selector and perhaps more. Each selector has commands (a bit for each row of the command table, and
// first arguments), key patterns and channel patterns. A user's permissions are one immutable Permissions behind an
// atomic pointer. So a check takes no lock, and a change is valid from the next check on. Passwords are stored as
// SHA-256 only.
//
// The package knows no commands: a Catalogue names them. Rules are shown as they were given, merged as Redis 7.2 does.
package acl

import "strings"

// Command is one entry of the catalogue.
type Command struct {
	ID         int    // below Catalogue.Size
	Name       string // "get", "config|get"
	Categories uint64 // bits: indexes of Catalogue.Categories
}

// Catalogue is the set of commands and categories that rules can name.
type Catalogue struct {
	Commands   []Command
	Size       int
	Categories []string
	// Foreign reports whether a lower-case name is a command, or a category, of Redis that this server does not have.
	// Rules may name it, without effect.
	Foreign func(name string) bool

	byName map[string][]int // the name of a command with subcommands selects all of them
	exact  map[string]int
}

// complete builds the indexes.
func (c *Catalogue) complete() {
	c.byName, c.exact = make(map[string][]int), make(map[string]int)
	for _, command := range c.Commands {
		c.exact[command.Name] = command.ID
		c.byName[command.Name] = append(c.byName[command.Name], command.ID)
		if container, _, ok := strings.Cut(command.Name, "|"); ok {
			c.byName[container] = append(c.byName[container], command.ID)
		}
	}
}

// isContainer reports whether a command has subcommands.
func (c *Catalogue) isContainer(name string) bool { return len(c.byName[name]) > 1 }

// category returns the bit of a category; false if there is no such category.
func (c *Catalogue) category(name string) (bit uint64, ok bool) {
	for i, category := range c.Categories {
		if category == name {
			return 1 << i, true
		}
	}
	return 0, false
}
