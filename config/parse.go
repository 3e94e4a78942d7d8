package config

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"
)

// Parse prints what --help and --version ask for and then returns these. They mean success, not failure.
var (
	ErrHelp    = errors.New("config: help was asked for")
	ErrVersion = errors.New("config: the version was asked for")
)

// Parse reads the arguments (without the program's name) and the environment, and validates the result. Help and
// version go to out. Errors name the flag or variable.
func Parse(args []string, env func(string) (string, bool), out io.Writer) (*Config, error) {
	c := Default()
	table := groups(c)
	flags := pflag.NewFlagSet("quota-db", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	for _, g := range table {
		for _, o := range g.options {
			flags.VarP(o.value, o.name, o.short, o.usage)
		}
	}
	help := flags.BoolP("help", "h", false, "")
	version := flags.BoolP("version", "V", false, "")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case *help:
		return nil, errors.Join(ErrHelp, printHelp(out))
	case *version:
		_, err := fmt.Fprintln(out, "quota-db", Version)
		return nil, errors.Join(ErrVersion, err)
	case flags.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q; there are only flags, see --help", flags.Arg(0))
	}
	if err := readEnvironment(table, flags, env); err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c, nil
}

// readEnvironment sets the options that no flag has set.
func readEnvironment(table []group, flags *pflag.FlagSet, env func(string) (string, bool)) error {
	for _, g := range table {
		for _, o := range g.options {
			text, ok := env(o.env())
			if !ok || text == "" || flags.Changed(o.name) {
				continue
			}
			if err := o.value.Set(text); err != nil {
				return fmt.Errorf("%s=%q (as --%s): %w", o.env(), text, o.name, err)
			}
		}
	}
	return nil
}
