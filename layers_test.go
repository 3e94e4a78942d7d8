// Package quotadb holds no code. Its tests check the layers of the packages, the graph in ARCHITECTURE.md, and the
// length of lines.
package quotadb

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/quotadb/quota-db"

// layers lists every package from the bottom up. A package imports only packages of layers before its own.
// A new package has to be placed here, or the test fails.
var layers = [][]string{
	// All of them are pure, except remote, which is a client.
	{"crdt", "resp", "config", "glob", "manual", "stats", "disk/vfs", "internal/history", "pulse", "remote"},
	{"quota", "acl", "disk", "logs", "params", "status", "load"},
	{"shares"},
	{"engine", "lives"},
	{"persist", "replica"},
	{"sim"}, // tests only
	{"cluster"},
	{"command", "server/loop"},
	{"server"},
	{"node"},
	{"cmd/quota-db"},
}

// owners says which package owns which third-party module; tests may use any.
var owners = map[string]string{
	"github.com/BurntSushi/toml":              "config",
	"github.com/HdrHistogram/hdrhistogram-go": "load",
	"github.com/redis/go-redis/v9":            "remote",
	"github.com/spf13/pflag":                  "config",
}

func TestPackagesImportOnlyWhatIsBelowThem(t *testing.T) {
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		if d.IsDir() {
			if file != "." && (strings.HasPrefix(d.Name(), ".") || file == "tests") {
				return filepath.SkipDir // tests are outside the layers: they see what users see
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		found[path.Dir(file)] = true
		checkImports(t, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		for _, pkg := range layer {
			if !found[pkg] {
				t.Errorf("layers name %s, which does not exist", pkg)
			}
		}
	}
}

func checkImports(t *testing.T, file string) {
	t.Helper()
	pkg := path.Dir(file)
	own := layerOf(pkg)
	if own < 0 {
		t.Errorf("%s: package %s has no place in layers", file, pkg)
		return
	}
	for _, name := range importsIn(t, file) {
		if below, ours := strings.CutPrefix(name, module+"/"); ours {
			if l := layerOf(below); l < 0 || l >= own {
				t.Errorf("%s imports %s, which is not below it", file, below)
			}
			continue
		}
		checkOwner(t, file, pkg, name)
	}
}

// importsIn are the packages that a file imports.
func importsIn(t *testing.T, file string) (names []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range parsed.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func checkOwner(t *testing.T, file, pkg, name string) {
	t.Helper()
	if !strings.Contains(strings.SplitN(name, "/", 2)[0], ".") {
		return // the standard library
	}
	if strings.HasPrefix(name, "golang.org/x/sys/") {
		return // the standard library's own door to system calls
	}
	for mod, owner := range owners {
		if name == mod || strings.HasPrefix(name, mod+"/") {
			if owner != pkg {
				t.Errorf("%s imports %s, which belongs to package %s", file, name, owner)
			}
			return
		}
	}
	t.Errorf("%s imports %s, which has no owner", file, name)
}

func layerOf(pkg string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, pkg) })
}
