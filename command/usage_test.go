package command

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestEveryCommandHasAUsageLine(t *testing.T) {
	all := manuals()
	for _, r := range newTable(commands()).rows {
		text, ok := all[r.full]
		if !ok || text.complexity == "" {
			t.Errorf("add to manuals in usage.go: %q: {\"its arguments as people write them\", \"its complexity\"}", r.full)
			continue
		}
		delete(all, r.full)
		arguments, err := parseUsage(text.usage)
		if err != nil {
			t.Errorf("%s: %v", r.full, err)
		}
		if got := render(arguments, " "); got != text.usage {
			t.Errorf("%s: %q is shown as %q", r.full, text.usage, got)
		}
	}
	for name := range all {
		t.Errorf("there is a usage line but no row for %s", name)
	}
	for name := range deprecations() {
		if newTable(commands()).findFull([]byte(name)) == nil {
			t.Errorf("there is advice against %s but no row for it", name)
		}
	}
}

// render writes arguments as redis-cli does.
func render(arguments []argument, separator string) string {
	var all []string
	for _, a := range arguments {
		value := a.name
		switch a.kind {
		case "oneof":
			if value = render(a.parts, " | "); !a.optional || a.token != "" {
				value = "<" + value + ">"
			}
		case "block":
			value = render(a.parts, " ")
		case "pure-token":
			value = ""
		}
		text := strings.TrimSpace(a.token + " " + value)
		if a.multiple {
			again := value
			if a.multipleToken {
				again = text
			}
			text += " [" + again + " ...]"
		}
		if a.optional {
			text = "[" + text + "]"
		}
		all = append(all, text)
	}
	return strings.Join(all, separator)
}

func TestUsageLinesBecomeArguments(t *testing.T) {
	value := func(name string) argument { return argument{name: name, kind: kindOf(name)} }
	word := func(token string) argument {
		return argument{name: strings.ToLower(token), kind: "pure-token", token: token}
	}
	count := value("count")
	count.token = "COUNT"
	any := word("ANY")
	any.optional = true
	for line, want := range map[string][]argument{
		"":              nil,
		"key":           {value("key")},
		"key [key ...]": {{name: "key", kind: "key", multiple: true}},
		"[a [a ...]]":   {{name: "a", kind: "string", multiple: true, optional: true}},
		"a key value [key value ...]": {value("a"),
			{name: "key_value", kind: "block", multiple: true, parts: []argument{value("key"), value("value")}}},
		"[FORCE]":           {{name: "force", kind: "pure-token", token: "FORCE", optional: true}},
		"<LEFT | RIGHT>":    {{name: "left_right", kind: "oneof", parts: []argument{word("LEFT"), word("RIGHT")}}},
		"[NX | XX]":         {{name: "condition", kind: "oneof", optional: true, parts: []argument{word("NX"), word("XX")}}},
		"TYPE <A | B>":      {{name: "a_b", kind: "oneof", token: "TYPE", parts: []argument{word("A"), word("B")}}},
		"[COUNT count]":     {{name: "count", kind: "integer", token: "COUNT", optional: true}},
		"[count | RESET]":   {{name: "count_reset", kind: "oneof", optional: true, parts: []argument{value("count"), word("RESET")}}},
		"COUNT count [ANY]": {count, any},
		"[COUNT count [ANY]]": {{name: "count_any", kind: "block", optional: true,
			parts: []argument{count, any}}},
		"[AUTH a b]":   {{name: "a_b", kind: "block", token: "AUTH", optional: true, parts: []argument{value("a"), value("b")}}},
		"ID a [a ...]": {{name: "a", kind: "string", token: "ID", multiple: true}},
		"[PREFIX a [PREFIX a ...]]": {{name: "a", kind: "string", token: "PREFIX", multiple: true, multipleToken: true,
			optional: true}},
	} {
		got, err := parseUsage(line)
		if err != nil || !slices.EqualFunc(got, want, sameArgument) {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v", line, got, err, want)
		}
	}
	for _, bad := range []string{"[", "]", "a ]", "[]", "[a", "<A | B", "<A | >", "a | b", "...", "[a ...]", "a [b ...]", "a b [a b c ...]", "A a [B a ...]"} {
		if got, err := parseUsage(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func sameArgument(a, b argument) bool {
	same := slices.EqualFunc(a.parts, b.parts, sameArgument)
	return same && a.name == b.name && a.kind == b.kind && a.token == b.token &&
		a.optional == b.optional && a.multiple == b.multiple && a.multipleToken == b.multipleToken
}

// TestThePageOfCommandsListsEveryCommand holds a part of docs/commands.md to the table, line by line.
func TestThePageOfCommandsListsEveryCommand(t *testing.T) {
	page, err := os.ReadFile("../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(page), "\n## All commands\n")
	list, _, _ = strings.Cut(list, "\n## ")
	listed := make(map[string]bool)
	for line := range strings.Lines(list) {
		if strings.HasPrefix(line, "- ") {
			listed[line] = true
		}
	}
	texts, missing := manuals(), ""
	for _, r := range newTable(commands()).rows {
		if r.handler == nil {
			continue // its subcommands are there
		}
		name := strings.ToUpper(strings.Replace(r.full, "|", " ", 1))
		line := "- `" + strings.TrimSpace(name+" "+texts[r.full].usage) + "`: " + r.summary + "\n"
		if !listed[line] {
			missing += line
		}
		delete(listed, line)
	}
	if missing != "" {
		t.Errorf("add to \"All commands\" in docs/commands.md:\n%s", missing)
	}
	for line := range listed {
		t.Errorf("docs/commands.md lists what there is not: %s", line)
	}
}
