package command

import (
	cmdline "flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/manual"
)

var update = cmdline.Bool("update", false, "write the list of all commands into docs/commands.md")

const (
	pagePath    = "../docs/commands.md"
	pageHeading = "\n## All commands\n"
)

// TestThePageOfCommandsListsEveryCommand compares the last part of docs/commands.md with the table of commands.
func TestThePageOfCommandsListsEveryCommand(t *testing.T) {
	page, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	rest, list, found := strings.Cut(string(page), pageHeading)
	if !found || strings.Contains(list, "\n## ") {
		t.Fatalf("the last part of %s is not %q", pagePath, pageHeading)
	}
	want := listOfCommands()
	if list == want {
		return
	}
	if *update {
		if err := os.WriteFile(pagePath, []byte(rest+pageHeading+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s lists other commands than there are: go test ./command -run Page -update writes it", pagePath)
	has := make(map[string]bool)
	for line := range strings.Lines(list) {
		has[line] = true
	}
	for line := range strings.Lines(want) {
		if !has[line] {
			t.Errorf("it lacks: %s", line)
		}
		delete(has, line)
	}
	for line := range has {
		t.Errorf("it has too much: %s", line)
	}
}

// listOfCommands is all commands by chapter, as Markdown. A container is listed by its subcommands.
func listOfCommands() string {
	var b strings.Builder
	b.WriteString("\nThese are the texts of `COMMAND DOCS`, and of the help of redis-cli.\n")
	for _, c := range chapters() {
		fmt.Fprintf(&b, "\n### %s\n\n", c.heading)
		for _, family := range c.families {
			for _, r := range newTable(family).rows {
				if r.handler != nil {
					name := strings.ToUpper(strings.Replace(r.full, "|", " ", 1))
					b.WriteString(item(fmt.Sprintf("- `%s`: %s", manual.Text(name, r.arguments), r.summary)))
				}
			}
		}
	}
	return b.String()
}

// item is an item of a Markdown list, wrapped at 120 columns: all its lines but the first are indented.
func item(text string) string {
	const most, indent = 120, "  "
	words := strings.Split(text, " ")
	lines := []string{words[0]}
	for _, word := range words[1:] {
		last := &lines[len(lines)-1]
		if longer := *last + " " + word; len(longer) <= most {
			*last = longer
		} else {
			lines = append(lines, indent+word)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestEveryRowTellsPeopleOfItsCommand(t *testing.T) {
	for _, r := range newTable(commands()).rows {
		if r.summary == "" || r.complexity == "" || r.since == "" || r.group == "" {
			t.Errorf("%s lacks one of summary, complexity, since and group", r.full)
		}
	}
}
