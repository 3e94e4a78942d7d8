package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// fileOption is the one option that cannot stand in the file.
const fileOption = "config"

// readFile reads the TOML file c.File, and sets the options that neither a flag nor a variable has set. The keys are
// the names of flags. A key that is no flag, and a value that the flag would not accept, are errors.
func readFile(c *Config, table []group, read func(string) ([]byte, error)) error {
	text, err := read(c.File)
	if err != nil {
		return fmt.Errorf("--%s: %w", fileOption, err)
	}
	var keys map[string]any
	if _, err := toml.Decode(string(text), &keys); err != nil {
		return syntaxError(c.File, err)
	}
	for _, key := range sortedByLine(keys, string(text)) {
		where := fmt.Sprintf("%s:%d: %s", c.File, lineOf(string(text), key), key)
		o, ok := find(table, key)
		if !ok || key == fileOption {
			return fmt.Errorf("%s: there is no such option%s", where, hint(key))
		}
		argument, err := argumentOf(keys[key])
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		if c.sources[key] != "" {
			if err := try(key, argument); err != nil {
				return fmt.Errorf("%s: %w", where, err)
			}
			continue
		}
		if err := o.value.Set(argument); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		c.sources[key] = sourceFile
	}
	return nil
}

// syntaxError is the error for a file that is not TOML, with line and column. It leaves out the error text of the
// library, which may quote a secret.
func syntaxError(file string, err error) error {
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%s:%d:%d: not valid TOML; a line is name = \"text\", name = 1 or name = true, and no name may occur twice",
			file, syntax.Position.Line, syntax.Position.Col)
	}
	return fmt.Errorf("%s: not valid TOML", file)
}

// find finds the option with a name.
func find(table []group, name string) (option, bool) {
	for _, g := range table {
		for _, o := range g.options {
			if o.name == name {
				return o, true
			}
		}
	}
	return option{}, false
}

// try checks an argument that another source overrides. So a mistake in the file is an error also if the value is not
// used.
func try(name, argument string) error {
	o, _ := find(groups(Default()), name)
	return o.value.Set(argument)
}

// argumentOf turns a value of the file into the argument of the flag.
func argumentOf(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		return strconv.FormatBool(v), nil
	case []any:
		var list []string
		for _, element := range v {
			s, ok := element.(string)
			if !ok {
				return "", errors.New("a list has strings only")
			}
			list = append(list, s)
		}
		return strings.Join(list, ","), nil
	}
	return "", errors.New("a value is a string, a whole number, true or false, or a list of strings; there are no tables")
}

// sortedByLine are the keys in the order of the file, so that the first mistake of the file is reported.
func sortedByLine(keys map[string]any, text string) []string {
	var names []string
	for key := range keys {
		names = append(names, key)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := lineOf(text, a) - lineOf(text, b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return names
}

// lineOf is the number of the line that begins with the key or with a table of that name; 1 if there is no such line.
func lineOf(text, key string) int {
	n := 0
	for line := range strings.Lines(text) {
		n++
		rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t[\"'"), key)
		if ok && strings.IndexAny(strings.TrimLeft(rest, "\"' \t"), "=.]") == 0 {
			return n
		}
	}
	return 1
}
