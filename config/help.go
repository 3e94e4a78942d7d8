package config

import (
	"fmt"
	"io"
	"strings"
)

// helpColumn is where the explanations of the help text begin.
const helpColumn = 33

// printHelp writes the help text: every option with its argument, meaning and default.
func printHelp(out io.Writer) error {
	var b strings.Builder
	b.WriteString("QuotaDB, a distributed counter database that speaks the Redis protocol\n\nUsage: quota-db [OPTIONS]\n" +
		"       quota-db check DIR                  say whether a data directory is sound; --salvage DIR OUT keeps what is\n" +
		"       quota-db backup DIR OUT             copy a data directory, also of a running server\n" +
		"       quota-db clock DIR                  how far its clock is ahead; --set-back DIR after a wrong clock\n" +
		"       quota-db version, quota-db help     as --version and --help\n")
	table := groups(Default())
	table[0].options = append(table[0].options,
		option{name: "help", short: "h", usage: "Print help"},
		option{name: "version", short: "V", usage: "Print version"})
	for _, g := range table {
		fmt.Fprintf(&b, "\n%s:\n", g.title)
		for _, o := range g.options {
			b.WriteString(o.help())
		}
	}
	fmt.Fprintf(&b, "\nEach option is also an environment variable, --max-connections as %sMAX_CONNECTIONS; the option wins.\nSIGHUP loads the files of users and of the password again; SIGTERM stops.\n", envPrefix)
	_, err := io.WriteString(out, b.String())
	return err
}

// help is the option's line.
func (o option) help() string {
	short := "    "
	if o.short != "" {
		short = "-" + o.short + ", "
	}
	left := "  " + short + "--" + o.name
	if o.arg != "" {
		left += " <" + o.arg + ">"
	}
	right := o.usage
	if o.value != nil && o.value.String() != "" {
		right += " [default: " + o.value.String() + "]"
	}
	return fmt.Sprintf("%-*s%s\n", helpColumn, left, " "+right)
}
