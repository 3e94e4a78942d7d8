package quotadb

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the graph of packages into ARCHITECTURE.md")

const (
	graphFile  = "ARCHITECTURE.md"
	graphBegin = "<!-- the graph, printed by go test . -update -->\n```\n"
	graphEnd   = "```\n"
)

// TestTheGraphOfPackagesInArchitectureIsThatOfTheCode: each package, and the packages that it imports.
func TestTheGraphOfPackagesInArchitectureIsThatOfTheCode(t *testing.T) {
	text, err := os.ReadFile(graphFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), graphBegin)
	old, after, closed := strings.Cut(rest, graphEnd)
	if !ok || !closed {
		t.Fatalf("%s has no place for the graph", graphFile)
	}
	graph := ""
	for i, layer := range slices.Backward(layers) {
		for _, pkg := range layer {
			if imports := importsOf(t, pkg); pkg != "sim" && len(imports) > 0 {
				graph += fmt.Sprintf("%d %-13s -> %s\n", i, pkg, strings.Join(imports, " "))
			}
		}
	}
	switch {
	case graph == old:
	case *update:
		if err := os.WriteFile(graphFile, []byte(before+graphBegin+graph+graphEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s shows another graph; go test . -update writes it:\n%s", graphFile, graph)
	}
}

// importsOf are the packages of this module that a package imports, tests left out.
func importsOf(t *testing.T, pkg string) []string {
	files, err := filepath.Glob(filepath.FromSlash(pkg) + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, name := range importsIn(t, file) {
			if below, ours := strings.CutPrefix(name, module+"/"); ours && !slices.Contains(found, below) {
				found = append(found, below)
			}
		}
	}
	slices.Sort(found)
	return found
}
