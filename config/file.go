package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// fileOption is the one option that the file cannot have itself.
const fileOption = "config"

// readFile sets the options that neither a flag nor a variable has set from the TOML file c.File. Its keys are the flags' names; a key that no
// flag has is an error, as is a value that the flag would not take.
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

// syntaxError says where a file is no TOML. What the library says is not shown: it may quote a secret.
func syntaxError(file string, err error) error {
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%s:%d:%d: this is not TOML, as name = \"text\", name = 1 or name = true; no name may be there twice",
			file, syntax.Position.Line, syntax.Position.Col)
	}
	return fmt.Errorf("%s: this is not TOML", file)
}

// find is the option of that name.
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

// try says whether an option would take an argument that another source overrides: a file with a mistake in it is refused either way.
func try(name, argument string) error {
	o, _ := find(groups(Default()), name)
	return o.value.Set(argument)
}

// argumentOf is a value of the file as the flag's argument.
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

// sortedByLine are the keys in the order of the file, so that the first mistake is the one that is reported.
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

// lineOf is the number of the line that begins with the key, or with a table of its name; 1 if none is found.
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
