package config

import (
	"fmt"
	"io"
	"strings"
)

// PrintManual writes the manual page, in the language of man(7), from the tables of the help text. Errors are those of
// out.
func PrintManual(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH QUOTA-DB 1 \"\" \"quota-db %s\" \"User Commands\"\n", roff(Version))
	b.WriteString(".SH NAME\nquota\\-db \\- distributed counter database that speaks the Redis protocol\n.SH SYNOPSIS\n.nf\n\\fBquota\\-db\\fR [\\fIOPTIONS\\fR]\n")
	for _, c := range Subcommands() {
		fmt.Fprintf(&b, "\\fBquota\\-db %s\\fR %s\n", roff(c.Name), roff(c.Args))
	}
	b.WriteString(".fi\n.SH DESCRIPTION\nWithout a subcommand, runs one node until SIGTERM, SIGINT or the command SHUTDOWN.\n")
	for _, g := range groups(Default()) {
		manualGroup(&b, g.title, g.options)
	}
	b.WriteString(".SH SUBCOMMANDS\n")
	for _, c := range Subcommands() {
		fmt.Fprintf(&b, ".SS quota\\-db %s %s\n%s.\n", roff(c.Name), roff(c.Args), roff(strings.ToUpper(c.Summary[:1])+c.Summary[1:]))
		if c.groups == nil {
			continue
		}
		for _, g := range c.groups() {
			manualOptions(&b, g.options)
		}
	}
	fmt.Fprintf(&b, ".SH ENVIRONMENT\nEach option is also a variable: \\fB\\-\\-max\\-connections\\fR is \\fB%sMAX_CONNECTIONS\\fR. The option wins. "+
		"An empty variable counts as not set.\n", envPrefix)
	b.WriteString(".SH FILES\nThe file that \\fB\\-\\-config\\fR names is TOML; its keys are the options' names without the dashes before them. " +
		"Options and variables win over it.\n.PP\n\\fI./quota\\-data\\fR: the data, if \\fB\\-\\-data\\-dir\\fR names no other directory.\n")
	b.WriteString(".SH EXIT STATUS\n0: success, or a clean stop. 1: failure; \\fBping\\fR: the node is not alive; \\fBstatus\\fR: not healthy. 2: wrong usage: an option, a variable or an argument.\n")
	_, err := io.WriteString(out, b.String())
	return err
}

func manualGroup(b *strings.Builder, title string, options []option) {
	fmt.Fprintf(b, ".SH %s\n", strings.ToUpper(title))
	manualOptions(b, options)
}

func manualOptions(b *strings.Builder, options []option) {
	for _, o := range options {
		b.WriteString(".TP\n")
		if o.short != "" {
			fmt.Fprintf(b, "\\fB\\-%s\\fR, ", o.short)
		}
		fmt.Fprintf(b, "\\fB\\-\\-%s\\fR", roff(o.name))
		if o.arg != "" {
			fmt.Fprintf(b, " \\fI%s\\fR", roff(o.arg))
		}
		fmt.Fprintf(b, "\n%s", roff(o.usage))
		if v := o.value.String(); v != "" {
			fmt.Fprintf(b, " (default: %s)", roff(v))
		}
		b.WriteString(".\n")
	}
}

// roff quotes a text so that roff reads no request and no escape in it.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
