package config

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Parse returns these after it has printed the text of --help or --version. They mean success.
var (
	ErrHelp    = errors.New("config: help was asked for")
	ErrVersion = errors.New("config: the version was asked for")
)

// Sources are the inputs of a configuration, and the output for help.
type Sources struct {
	Args     []string                          // without the program's name
	Env      func(name string) (string, bool)  // as os.LookupEnv
	ReadFile func(name string) ([]byte, error) // as os.ReadFile: the file that --config names
	Out      io.Writer                         // help and version
}

// Parse reads the arguments, the environment and the file that one of them names, and validates the result. Help and
// version go to s.Out. Errors name the flag, the variable, or the file and its line.
func Parse(s Sources) (*Config, error) {
	c := Default()
	table := groups(c)
	flags, help := newFlags("quota-db", table)
	version := flags.BoolP("version", "V", false, "")
	other := flags.BoolP("v", "v", false, "") // --version in many other programs
	if err := flags.Parse(s.Args); err != nil {
		return nil, usage(withHint(err))
	}
	switch word := flags.Arg(0); {
	case *help, word == "help":
		return nil, errors.Join(ErrHelp, printHelp(s.Out))
	case *version, *other, word == "version":
		_, err := fmt.Fprintln(s.Out, VersionText())
		return nil, errors.Join(ErrVersion, err)
	case flags.NArg() > 0:
		return nil, usagef("unexpected argument %q; commands are %s, the rest are flags: see --help", word, strings.Join(words(), ", "))
	}
	c.sources = map[string]string{}
	flags.Visit(func(f *pflag.Flag) { c.sources[f.Name] = sourceFlag })
	if err := readEnvironment(c, table, s.Env); err != nil {
		return nil, err
	}
	if c.File != "" {
		if err := readFile(c, table, s.ReadFile); err != nil {
			return nil, err
		}
	}
	if flag, err := settleExclusives(c, table); err != nil {
		return nil, c.blame(err, flag)
	}
	if flag, err := c.validate(); err != nil {
		return nil, c.blame(err, flag)
	}
	return c, nil
}

// blame makes err a usage error, unless the value of the option comes from the file.
func (c *Config) blame(err error, flag string) error {
	if c.sources[flag] == sourceFile {
		return err
	}
	return usage(err)
}

// newFlags is a flag set with the options of a table and --help.
func newFlags(name string, table []group) (flags *pflag.FlagSet, help *bool) {
	flags = pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	for _, g := range table {
		for _, o := range g.options {
			flag := flags.VarPF(o.value, o.name, o.short, o.usage)
			if o.arg == "" {
				flag.NoOptDefVal = "true"
			}
		}
	}
	return flags, flags.BoolP("help", "h", false, "")
}

// readEnvironment sets, from the environment, the options that no flag has set.
func readEnvironment(c *Config, table []group, env func(string) (string, bool)) error {
	for _, g := range table {
		for _, o := range g.options {
			text, ok := env(o.env())
			if !ok || text == "" && !acceptsEmpty(o.value) || c.sources[o.name] != "" {
				continue
			}
			if err := o.value.Set(text); err != nil {
				return usagef("%s=%q (as --%s): %w", o.env(), shown(o.name, text), o.name, err)
			}
			c.sources[o.name] = sourceEnvironment
		}
	}
	return nil
}

// Unknown returns the names of variables that begin with QUOTADB_ and belong to no option, each with a hint at the
// option that was perhaps meant. environ has the form of os.Environ.
func Unknown(environ []string) []string {
	known := map[string]bool{}
	for _, g := range groups(Default()) {
		for _, o := range g.options {
			known[o.env()] = true
		}
	}
	var unknown []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, envPrefix) || known[name] {
			continue
		}
		flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, envPrefix), "_", "-"))
		unknown = append(unknown, name+hint(flag))
	}
	return unknown
}

// withHint adds to the error of an unknown flag the name of our flag with that meaning.
func withHint(err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		if h := hint(unknown.GetSpecifiedName()); h != "" {
			return fmt.Errorf("%w%s", err, h)
		}
	}
	return err
}

// hint is the text that names our option for a name from Redis or other servers, or for a name without its dashes. It
// is empty if there is none.
func hint(name string) string {
	for _, h := range hints {
		if slices.Contains(h.names, name) {
			return " (here: " + h.option + ")"
		}
	}
	for _, g := range groups(Default()) {
		for _, o := range g.options {
			if strings.ReplaceAll(o.name, "-", "") == strings.ReplaceAll(name, "-", "") {
				return " (here: --" + o.name + ")"
			}
		}
	}
	return ""
}

// hints are options of other servers, and our options with the same meaning.
var hints = []struct {
	names  []string
	option string
}{
	{[]string{"port", "host", "p", "addr", "address", "listen", "unixsocket"}, "--bind HOST:PORT or --bind unix:/PATH"},
	{[]string{"dir", "data", "dbfilename"}, "--data-dir DIR"},
	{[]string{"appendonly", "appendfsync", "save", "fsync"}, "--durability interval, always or none"},
	{[]string{"maxclients"}, "--max-connections NUM"},
	{[]string{"loglevel", "verbose", "debug"}, "--log-level LEVEL"},
	{[]string{"aclfile"}, "--user-file PATH"},
	{[]string{"password", "pass", "masterauth"}, "--requirepass-file PATH"},
	{[]string{"replicaof", "slaveof", "cluster-enabled", "join"}, "--peers ADDR,ADDR,..."},
	{[]string{"c", "conf", "config-file"}, "--config FILE"},
}
