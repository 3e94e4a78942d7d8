package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of flags into docs/flags.md")

const (
	flagsPage  = "../docs/flags.md"
	tableBegin = "<!-- the tables, printed by go test ./config -update -->\n"
	tableEnd   = "<!-- end of the tables -->\n"
)

// TestThePageOfFlagsHasTheTableOfOptions: names, environment variables and defaults of docs/flags.md are those of the
// program.
func TestThePageOfFlagsHasTheTableOfOptions(t *testing.T) {
	text, err := os.ReadFile(flagsPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tableBegin)
	old, after, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		t.Fatalf("%s has no place for the tables", flagsPage)
	}
	var b strings.Builder
	for _, g := range groups(Default()) {
		fmt.Fprintf(&b, "\n### %s\n\n| flag | environment | meaning | default |\n|---|---|---|---|\n", g.title)
		for _, o := range g.options {
			name, def := "`--"+o.name+"`", ""
			if o.short != "" {
				name = "`-" + o.short + "`, " + name
			}
			if def = o.value.String(); def != "" {
				def = "`" + def + "`"
			}
			fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", name, o.env(), o.usage, def)
		}
	}
	b.WriteString("\n")
	switch {
	case b.String() == old:
	case *update:
		if err := os.WriteFile(flagsPage, []byte(before+tableBegin+b.String()+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s shows other tables; go test ./config -update writes them:\n%s", flagsPage, b.String())
	}
}
