package config

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// PrintCompletion writes the completion script of a shell; false if the shell is not one of Shells. All scripts
// complete the names of subcommands and options, and file names after an option with an argument.
func PrintCompletion(out io.Writer, shell string) bool {
	write := map[string]func(*strings.Builder){"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[shell]
	if write == nil {
		return false
	}
	var b strings.Builder
	write(&b)
	_, _ = io.WriteString(out, b.String())
	return true
}

// words are the first words of all subcommands.
func words() []string {
	var all []string
	for _, c := range Subcommands() {
		word, _, _ := strings.Cut(c.Name, " ")
		if !slices.Contains(all, word) {
			all = append(all, word)
		}
	}
	return all
}

// optionsOf are all options of a subcommand. The empty name stands for the server.
func optionsOf(name string) []option {
	table := groups(Default())
	for _, c := range Subcommands() {
		word, _, _ := strings.Cut(c.Name, " ")
		if word != name {
			continue
		}
		switch {
		case c.groups != nil:
			table = c.groups()
		case name != "config":
			table = nil
		}
	}
	var all []option
	for _, g := range table {
		all = append(all, g.options...)
	}
	if name == "" {
		all = append(all, option{name: "version", short: "V", usage: "Print version"})
	}
	return append(all, helpOption)
}

func longNames(options []option) string {
	var names []string
	for _, o := range options {
		names = append(names, "--"+o.name)
	}
	return strings.Join(names, " ")
}

func bashCompletion(b *strings.Builder) {
	b.WriteString("# bash completion of quota-db: source <(quota-db completion bash)\n_quota_db() {\n" +
		"  local word=${COMP_WORDS[COMP_CWORD]} options=\n  COMPREPLY=()\n  case ${COMP_WORDS[1]} in\n")
	for _, name := range words() {
		fmt.Fprintf(b, "    %s) options=%q ;;\n", name, longNames(optionsOf(name))+wordsBehind(name))
	}
	fmt.Fprintf(b, "    *) options=%q ;;\n  esac\n", longNames(optionsOf("")))
	fmt.Fprintf(b, "  [ \"$COMP_CWORD\" -eq 1 ] && options=\"$options %s\"\n", strings.Join(words(), " "))
	b.WriteString("  COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n}\ncomplete -o default -F _quota_db quota-db\n")
}

// wordsBehind are the words that may follow a subcommand, with a blank before each.
func wordsBehind(name string) string {
	switch name {
	case "completion":
		return " " + strings.Join(Shells, " ")
	case "config":
		return " check"
	case "check":
		return " --salvage"
	}
	return ""
}

func zshCompletion(b *strings.Builder) {
	b.WriteString("#compdef quota-db\n_quota_db() {\n  local -a options\n  case ${words[2]} in\n")
	for _, name := range words() {
		fmt.Fprintf(b, "    %s) options=(%s) ;;\n", name, longNames(optionsOf(name))+wordsBehind(name))
	}
	fmt.Fprintf(b, "    *) options=(%s) ;;\n  esac\n  (( CURRENT == 2 )) && options+=(%s)\n", longNames(optionsOf("")), strings.Join(words(), " "))
	b.WriteString("  compadd -a options\n  _files\n}\nif [ \"$funcstack[1]\" = _quota_db ]; then _quota_db; else compdef _quota_db quota-db; fi\n")
}

func fishCompletion(b *strings.Builder) {
	b.WriteString("# fish completion of quota-db: quota-db completion fish | source\n")
	all := strings.Join(words(), " ")
	for _, c := range Subcommands() {
		word, _, _ := strings.Cut(c.Name, " ")
		fmt.Fprintf(b, "complete -c quota-db -n 'not __fish_seen_subcommand_from %s' -a %s -d %s\n", all, word, fishQuote(c.Summary))
	}
	for _, o := range optionsOf("") {
		fishOption(b, "not __fish_seen_subcommand_from "+all, o)
	}
	for _, name := range words() {
		for _, o := range optionsOf(name) {
			fishOption(b, "__fish_seen_subcommand_from "+name, o)
		}
		if more := wordsBehind(name); more != "" {
			fmt.Fprintf(b, "complete -c quota-db -n '__fish_seen_subcommand_from %s' -a '%s'\n", name, strings.TrimSpace(more))
		}
	}
}

func fishOption(b *strings.Builder, when string, o option) {
	fmt.Fprintf(b, "complete -c quota-db -n '%s' -l %s", when, o.name)
	if o.short != "" {
		fmt.Fprintf(b, " -s %s", o.short)
	}
	if o.arg != "" {
		b.WriteString(" -r")
	}
	fmt.Fprintf(b, " -d %s\n", fishQuote(o.usage))
}

func fishQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `\'`) + "'" }
