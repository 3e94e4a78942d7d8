// Command figures measures the source tree: files, functions, comments, packages. `make figures` prints it. Tests, and
// packages that only tests import, are counted separately.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

const (
	longLine     = 120 // columns
	longFunction = 70  // lines
	module       = "github.com/quotadb/quota-db/"
)

// figures are those of the code that is shipped, and the lines of tests.
type figures struct {
	files        []int // lines of each
	functions    []function
	exported     int
	undocumented []string // places of exported names without a comment
	comments     int      // lines that are comment alone
	long         int      // of those, longer than longLine
	inits        int
	interfaces   []string
	testLines    int
	packages     map[string]*pkg
}

type function struct {
	lines int
	where string
}

type pkg struct {
	lines    int
	exported int
	imports  map[string]bool
}

func main() {
	f := &figures{packages: map[string]*pkg{}}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") {
			return nil
		}
		return f.measure(filepath.ToSlash(file))
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	f.print()
}

// isTest reports whether a file is a test, or of a package that only tests import.
func isTest(file string) bool {
	return strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "tests/") || strings.HasPrefix(file, "sim/") || strings.HasPrefix(file, "internal/")
}

// measure adds a file.
func (f *figures) measure(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if isTest(file) {
		f.testLines += len(lines)
		return nil
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, text, parser.ParseComments)
	if err != nil {
		return err
	}
	p := f.packages[path.Dir(file)]
	if p == nil {
		p = &pkg{imports: map[string]bool{}}
		f.packages[path.Dir(file)] = p
	}
	f.files = append(f.files, len(lines))
	p.lines += len(lines)
	for _, line := range lines {
		if code := strings.TrimLeft(line, " \t"); strings.HasPrefix(code, "//") {
			f.comments++
			if len([]rune(strings.ReplaceAll(line, "\t", "    "))) > longLine {
				f.long++
			}
		}
	}
	for _, i := range parsed.Imports {
		if name, ours := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), module); ours {
			p.imports[name] = true
		}
	}
	at := func(n ast.Node) string { return fmt.Sprintf("%s:%d", file, set.Position(n.Pos()).Line) }
	for _, d := range parsed.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			n := set.Position(d.End()).Line - set.Position(d.Pos()).Line + 1
			f.functions = append(f.functions, function{n, at(d) + " " + d.Name.Name})
			if d.Name.Name == "init" {
				f.inits++
			}
			if isExported(d) {
				f.export(p, d.Doc != nil, at(d)+" "+d.Name.Name)
			}
		case *ast.GenDecl:
			f.declaration(p, d, at)
		}
	}
	return nil
}

// isExported reports whether a function, and the type that it is a method of, can be used by other packages.
func isExported(d *ast.FuncDecl) bool {
	if !d.Name.IsExported() || d.Recv == nil {
		return d.Name.IsExported()
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	name, ok := t.(*ast.Ident)
	return ok && name.IsExported()
}

// declaration adds the names of types, constants and variables. A comment on the group stands for each name in it.
func (f *figures) declaration(p *pkg, d *ast.GenDecl, at func(ast.Node) string) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if _, ok := s.Type.(*ast.InterfaceType); ok {
				f.interfaces = append(f.interfaces, at(s)+" "+s.Name.Name)
			}
			if s.Name.IsExported() {
				f.export(p, d.Doc != nil || s.Doc != nil || s.Comment != nil, at(s)+" "+s.Name.Name)
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() {
					f.export(p, d.Doc != nil || s.Doc != nil || s.Comment != nil, at(s)+" "+name.Name)
				}
			}
		}
	}
}

func (f *figures) export(p *pkg, documented bool, where string) {
	f.exported++
	p.exported++
	if !documented {
		f.undocumented = append(f.undocumented, where)
	}
}

func (f *figures) print() {
	total := 0
	for _, n := range f.files {
		total += n
	}
	slices.Sort(f.files)
	slices.SortFunc(f.functions, func(a, b function) int { return a.lines - b.lines })
	long := slices.IndexFunc(f.functions, func(fn function) bool { return fn.lines > longFunction })
	if long < 0 {
		long = len(f.functions)
	}
	at := func(part int) int { return (len(f.files) - 1) * part / 100 }
	function := func(part int) int { return f.functions[(len(f.functions)-1)*part/100].lines }
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	row := func(name string, values ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, strings.TrimSuffix(fmt.Sprintln(values...), "\n"))
	}
	row("files / lines", len(f.files), "/", total)
	row("file median / p90 / max", f.files[at(50)], "/", f.files[at(90)], "/", f.files[at(100)])
	row("function median / p90 / max", function(50), "/", function(90), "/", function(100))
	row(fmt.Sprintf("functions over %d lines", longFunction), len(f.functions)-long, "of", len(f.functions))
	row("exported names with a comment", f.exported-len(f.undocumented), "of", f.exported)
	row("lines of tests to lines of code", fmt.Sprintf("%.2f", float64(f.testLines)/float64(total)))
	row("comment lines", f.comments)
	row(fmt.Sprintf("comment lines over %d columns", longLine), f.long)
	row("init functions / interfaces", f.inits, "/", len(f.interfaces))
	_ = w.Flush()
	f.details(long)
}

// details lists files, functions and names beyond the measures, and the packages.
func (f *figures) details(long int) {
	for _, fn := range f.functions[long:] {
		fmt.Println("long:", fn.where, fn.lines)
	}
	for _, where := range f.undocumented {
		fmt.Println("no comment:", where)
	}
	for _, where := range f.interfaces {
		fmt.Println("interface:", where)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\npackage\tlines\texported\timports")
	names := slices.Sorted(maps.Keys(f.packages))
	for _, name := range names {
		p := f.packages[name]
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", name, p.lines, p.exported, strings.Join(slices.Sorted(maps.Keys(p.imports)), " "))
	}
	_ = w.Flush()
}
