package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a fenced block of a page.
type block struct {
	page, language, text string
	line                 int
	directive, argument  string // of the comment in the line before it, as <!-- run: start -->
}

var (
	fence     = regexp.MustCompile("^```([a-z]*)$")
	directive = regexp.MustCompile(`^<!-- (run|needs|tested): (.+) -->$`)
)

// pages are what users read: README and docs, without the dated pages of decisions.
func pages(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	return append(all, "../../README.md")
}

// allBlocks are the blocks of a page.
func allBlocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []block
	var open *block
	before := ""
	for i, line := range strings.Split(string(text), "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open == nil && m != nil:
			open = &block{page: filepath.Base(page), language: m[1], line: i + 1}
			if d := directive.FindStringSubmatch(before); d != nil {
				open.directive, open.argument = d[1], d[2]
			}
		case open != nil && m != nil:
			found = append(found, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
		before = line
	}
	if open != nil {
		t.Fatalf("%s:%d: a block without end", page, open.line)
	}
	return found
}

// TestEveryCommandBlockIsRunOrSaysWhatItNeeds: a block of shell commands is run here, or names the test that runs it,
// or names the missing tool.
func TestEveryCommandBlockIsRunOrSaysWhatItNeeds(t *testing.T) {
	known := map[string]bool{"bash": true, "console": true, "redis": true, "go": true, "toml": true, "text": true, "yaml": true, "js": true}
	for _, page := range pages(t) {
		for _, b := range allBlocks(t, page) {
			if !known[b.language] {
				t.Errorf("%s:%d: a block in the language %q: say console, bash or text", b.page, b.line, b.language)
			}
			if b.language != "bash" && b.language != "console" {
				continue
			}
			if b.directive == "" {
				t.Errorf("%s:%d: nothing says how the commands are tested", b.page, b.line)
			}
			if b.directive == "tested" {
				checkTested(t, b)
			}
		}
	}
}

// checkTested checks that the test that a block names is there: a directory and the test's name.
func checkTested(t *testing.T, b block) {
	t.Helper()
	dir, name, _ := strings.Cut(b.argument, " ")
	files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "func "+name+"(") {
			return
		}
	}
	t.Errorf("%s:%d: there is no %s in %s", b.page, b.line, name, dir)
}

// link is a link to a file of the tree.
var link = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

func TestEveryLinkLeadsToAFile(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", filepath.Base(page), err)
			}
		}
	}
}

// named is a test that a page names, as `package TestName`.
var named = regexp.MustCompile("`([a-z/]+) (Test[A-Za-z0-9]+)`")

func TestEveryTestThatAPageNamesIsThere(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			checkTested(t, block{page: filepath.Base(page), argument: m[1] + " " + m[2]})
		}
	}
}
