package config

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

// The sources of an option's value.
const (
	sourceFlag        = "flag"
	sourceEnvironment = "environment"
	sourceFile        = "file"
	sourceDefault     = "default"
)

// masked stands for a secret wherever a configuration is shown.
const masked = "***"

// isSecret reports whether an option's value must not be shown.
func isSecret(name string) bool { return name == "requirepass" || name == "cluster-secret" }

// shown is the text of an option's value for people; secrets are masked.
func shown(name, text string) string {
	if isSecret(name) && text != "" {
		return masked
	}
	return text
}

// Setting is one option with its value, and the source of the value: flag, environment, file or default. Secrets are
// masked.
type Setting struct{ Name, Value, Source string }

// Settings are all options, in the order of the help text, with secrets masked.
func (c *Config) Settings() []Setting {
	var all []Setting
	for _, g := range groups(c) {
		for _, o := range g.options {
			source := c.sources[o.name]
			if source == "" {
				source = sourceDefault
			}
			all = append(all, Setting{o.name, shown(o.name, o.value.String()), source})
		}
	}
	return all
}

// LogValue is the whole configuration for the log, with secrets masked.
func (c *Config) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, s := range c.Settings() {
		attrs = append(attrs, slog.String(s.Name, s.Value))
	}
	return slog.GroupValue(attrs...)
}

// PrintSettings writes all options as lines of a TOML file, each with its source in a comment. Errors are those of out.
func (c *Config) PrintSettings(out io.Writer) error {
	var b strings.Builder
	for _, s := range c.Settings() {
		line := s.Name + " = " + strconv.Quote(s.Value)
		if s.Name == fileOption {
			line = "# " + line
		}
		fmt.Fprintf(&b, "%-48s # %s\n", line, s.Source)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
