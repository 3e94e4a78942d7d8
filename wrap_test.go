package quotadb

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	maxColumns = 120 // of a line with a comment in Go, and of a line of text in Markdown
	tabColumns = 4
)

// TestCommentsAndTextAreWrappedAt120Columns checks every Go and Markdown file of the repository. Reviewers read them in
// diffs, and a diff of a very long line does not show which word has changed.
func TestCommentsAndTextAreWrappedAt120Columns(t *testing.T) {
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if file != "." && strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "dist"}, d.Name()) {
				return filepath.SkipDir // no files of the repository, as .gitignore says
			}
			return nil
		}
		long := map[string]func(source []byte) []int{".go": longComments, ".md": longText}[filepath.Ext(file)]
		if long == nil {
			return nil
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, line := range long(source) {
			t.Errorf("%s:%d: wrap this line at %d columns (a tab counts %d)", file, line, maxColumns, tabColumns)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTheCheckOfLinesFindsWhatIsTooLong: words is a line of exactly maxColumns columns; one column more is too long.
func TestTheCheckOfLinesFindsWhatIsTooLong(t *testing.T) {
	words := strings.Repeat("word ", maxColumns/5-1) + "words"
	for _, test := range []struct {
		name   string
		long   func([]byte) []int
		source string
		want   []int
	}{
		{"comment", longComments, "package p\n\n" + "//" + words[2:] + "\n//" + words[1:] + "\nvar a int\n", []int{4}},
		{"a tab is four columns", longComments, "package p\n\nfunc f() {\n\t//" + words[6:] + "\n\t//" + words[5:] + "\n}\n", []int{5}},
		{"a comment behind code", longComments, "package p\n\nvar a = 1 //" + words[5:] + "\n", []int{3}},
		{"one of several lines", longComments, "package p\n\n/*\nshort\n" + words + "!\n*/\n", []int{5}},
		{"a string is no comment", longComments, "package p\n\nvar a = \"//" + words + "\"\n", nil},
		{"a directive", longComments, "package p\n\n//go:generate " + words + "\n", nil},
		{"a letter is a column", longComments, "package p\n\n//" + strings.Repeat("é", maxColumns-2) + "\n", nil},
		{"text", longText, words + "\n" + words + "!\n", []int{2}},
		{"an item of a list", longText, "- " + words + "\n", []int{1}},
		{"table, heading, link", longText, "| " + words + " |\n## " + words + "\n- [" + strings.ReplaceAll(words, " ", "/") + "](x)\n", nil},
		{"a block of code", longText, "```text\n" + words + words + "\n```\n" + words + "!\n", []int{4}},
	} {
		if got := test.long([]byte(test.source)); !slices.Equal(got, test.want) {
			t.Errorf("%s: lines %v, want %v", test.name, got, test.want)
		}
	}
}

// columns is the width of a line.
func columns(line string) int {
	return utf8.RuneCountInString(line) + (tabColumns-1)*strings.Count(line, "\t")
}

// longComments are the numbers of the lines of a Go file that have a comment and are too long. Directives are exempt.
func longComments(source []byte) (long []int) {
	lines := strings.Split(string(source), "\n")
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, scanner.ScanComments)
	for {
		pos, kind, text := s.Scan()
		switch {
		case kind == token.EOF:
			return long
		case kind != token.COMMENT || strings.HasPrefix(text, "//go:"):
			continue
		}
		first := file.Line(pos)
		for n := first; n <= first+strings.Count(text, "\n"); n++ {
			if columns(lines[n-1]) > maxColumns {
				long = append(long, n)
			}
		}
	}
}

// longText are the numbers of the lines of a Markdown file that are too long. Tables, headings, blocks of code, and
// lines of one word, such as a link, are exempt: they cannot be wrapped.
func longText(source []byte) (long []int) {
	code := false
	for i, line := range strings.Split(string(source), "\n") {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "```") {
			code = !code
		}
		words := strings.Fields(strings.TrimLeft(text, "-* "))
		if !code && len(words) > 1 && text[0] != '|' && text[0] != '#' && columns(line) > maxColumns {
			long = append(long, i+1)
		}
	}
	return long
}
