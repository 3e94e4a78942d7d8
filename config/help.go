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
	b.WriteString("QuotaDB, a distributed counter database that speaks the Redis protocol\n\nUsage: quota-db [OPTIONS]\n")
	for _, c := range Subcommands() {
		fmt.Fprintf(&b, "       %-35s %s\n", strings.TrimSpace("quota-db "+c.Name+" "+c.Args), c.Summary)
	}
	table := groups(Default())
	table[0].options = append(table[0].options, helpOption,
		option{name: "version", short: "V", usage: "Print version"})
	printGroups(&b, table)
	fmt.Fprintf(&b, "\nEach option is also an environment variable (--max-connections is %sMAX_CONNECTIONS) and a key of the file "+
		"that\n--config names (max-connections = 10000). The option wins over the variable, the variable over the file.\n", envPrefix)
	_, err := io.WriteString(out, b.String())
	return err
}

var helpOption = option{name: "help", short: "h", usage: "Print help"}

// printToolHelp writes the help text of a subcommand.
func printToolHelp(out io.Writer, name string) error {
	var b strings.Builder
	for _, c := range Subcommands() {
		if c.Name != name {
			continue
		}
		fmt.Fprintf(&b, "Usage: quota-db %s [OPTIONS] %s\n\n%s%s.\n", c.Name, c.Args, strings.ToUpper(c.Summary[:1]), c.Summary[1:])
		table := c.groups()
		last := len(table) - 1
		table[last].options = append(table[last].options, helpOption)
		printGroups(&b, table)
		fmt.Fprintf(&b, "\nADDR is host:port or unix:/path. Without ADDR it is the first address of %sBIND; if that is not set, the first\n"+
			"address of bind in the file that --config or %sCONFIG names; otherwise %s. Without a password\n"+
			"option, the password is that of %sREQUIREPASS or %sREQUIREPASS_FILE, otherwise that of the file.\n"+
			"Exit codes: 0 yes, or success; 1 no, or failure; 2 wrong usage.\n", envPrefix, envPrefix, Default().Bind[0], envPrefix, envPrefix)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func printGroups(b *strings.Builder, table []group) {
	for _, g := range table {
		fmt.Fprintf(b, "\n%s:\n", g.title)
		for _, o := range g.options {
			b.WriteString(o.help())
		}
	}
}

// help is the option's line of the help text.
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
